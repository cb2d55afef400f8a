//! What the kernel says of legacy without being changed by the question: its lists of tables.
use chainkeeper_contract::Family;
use std::fs;
use std::io;

/// The tables that exist in this thread's network namespace, or why the list cannot be read.
#[derive(Debug)]
pub enum Names {
    /// By name, such as `nat`. A table that was only looked at is there, too, and stays.
    Listed(Vec<String>),
    /// There is no such list: the code is not in the kernel, or its module is not loaded. So there is
    /// no table either.
    NoList,
    /// Not "empty": EACCES for all but uid 0 and gid 0.
    Unreadable(io::Error),
}

/// Reads `ip_tables_names` or `ip6_tables_names`, by way of `thread-self`: `/proc/net` is that of the
/// process's first thread.
pub fn listed(family: Family) -> Names {
    let file = match family {
        Family::Ipv4 => "ip_tables_names",
        Family::Ipv6 => "ip6_tables_names",
    };
    let path = format!("/proc/thread-self/net/{file}");
    match fs::read_to_string(&path) {
        Ok(text) => Names::Listed(text.lines().map(str::to_owned).collect()),
        // ENOENT is an answer only where there is a /proc at all.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match fs::metadata("/proc/thread-self/net") {
                Ok(_) => Names::NoList,
                Err(error) => Names::Unreadable(error),
            }
        }
        Err(error) => Names::Unreadable(error),
    }
}
