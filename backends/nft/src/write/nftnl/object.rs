//! Tables and chains of libnftnl with what the `nftnl` crate leaves out (or cannot leave out).
use super::c_string;
use crate::uapi as u;
use ::nftnl::nftnl_sys as sys;
use chainkeeper_contract::{Family, Handle, Table};
use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;

/// How a message of an object starts.
pub(super) struct Header {
    pub(super) kind: u16,
    pub(super) family: Family,
    pub(super) flags: u16,
    pub(super) seq: u32,
}

/// What C code allocated; without memory the process ends, as it does for any Rust allocation.
pub(super) fn allocated<T>(pointer: *mut T) -> NonNull<T> {
    NonNull::new(pointer).unwrap_or_else(|| handle_alloc_error(Layout::new::<u64>()))
}

/// A table by name. No flags: 0 would wake a dormant one.
pub(super) struct TableObject(NonNull<sys::nftnl_table>);

impl TableObject {
    pub(super) fn new(family: Family, table: Table) -> TableObject {
        let name = c_string(table.name());
        // SAFETY: the object was just allocated; libnftnl copies the name. JUSTIFICATION: nftnl's
        // Table always sets flags.
        let object = unsafe {
            let object = allocated(sys::nftnl_table_alloc());
            let family = u32::from(u::nfproto(family));
            sys::nftnl_table_set_u32(object.as_ptr(), attr(sys::NFTNL_TABLE_FAMILY), family);
            sys::nftnl_table_set_str(object.as_ptr(), attr(sys::NFTNL_TABLE_NAME), name.as_ptr());
            object
        };
        TableObject(object)
    }

    pub(super) fn as_ptr(&self) -> *mut sys::nftnl_table {
        self.0.as_ptr()
    }
}

impl Drop for TableObject {
    fn drop(&mut self) {
        // SAFETY: allocated by `new`, freed once. JUSTIFICATION: made by the sys crate.
        unsafe { sys::nftnl_table_free(self.as_ptr()) }
    }
}

/// A chain of a table.
pub(super) struct ChainObject(NonNull<sys::nftnl_chain>);

impl ChainObject {
    pub(super) fn new(family: Family, table: Table) -> ChainObject {
        // SAFETY: takes nothing. JUSTIFICATION: nftnl's Chain has neither handle nor userdata.
        let mut chain = ChainObject(allocated(unsafe { sys::nftnl_chain_alloc() }));
        chain.number(sys::NFTNL_CHAIN_FAMILY, u32::from(u::nfproto(family)));
        chain.text(sys::NFTNL_CHAIN_TABLE, table.name());
        chain
    }

    pub(super) fn number(&mut self, name: u32, value: u32) {
        // SAFETY: the object lives; the attribute is a 32-bit one. JUSTIFICATION: see `new`.
        unsafe { sys::nftnl_chain_set_u32(self.as_ptr(), attr(name), value) }
    }

    pub(super) fn text(&mut self, name: u32, value: &str) {
        let value = c_string(value);
        // SAFETY: the object lives; libnftnl copies the text. JUSTIFICATION: see `new`.
        unsafe { sys::nftnl_chain_set_str(self.as_ptr(), attr(name), value.as_ptr()) };
    }

    pub(super) fn handle(&mut self, handle: Handle) {
        // SAFETY: the object lives; the attribute is a 64-bit one. JUSTIFICATION: see `new`.
        unsafe {
            sys::nftnl_chain_set_u64(self.as_ptr(), attr(sys::NFTNL_CHAIN_HANDLE), handle.0);
        }
    }

    pub(super) fn userdata(&mut self, bytes: &[u8]) {
        let (name, len) = (attr(sys::NFTNL_CHAIN_USERDATA), bytes.len() as u32);
        // SAFETY: `bytes` has `len` bytes, which libnftnl copies. JUSTIFICATION: see `new`.
        unsafe { sys::nftnl_chain_set_data(self.as_ptr(), name, bytes.as_ptr().cast(), len) };
    }

    pub(super) fn as_ptr(&self) -> *mut sys::nftnl_chain {
        self.0.as_ptr()
    }
}

impl Drop for ChainObject {
    fn drop(&mut self) {
        // SAFETY: allocated by `new`, freed once. JUSTIFICATION: made by the sys crate.
        unsafe { sys::nftnl_chain_free(self.as_ptr()) }
    }
}

/// libnftnl's attribute numbers are an enum in the bindings and 16 bits in its functions.
pub(super) fn attr(number: u32) -> u16 {
    number as u16
}
