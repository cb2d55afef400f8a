//! `run --sandbox`: a user and network namespace of our own, so that nothing of the host is touched.
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

static ENTERED: AtomicBool = AtomicBool::new(false);

/// Is this process in one: with nobody else who could lock, or be kept from anything?
pub fn is_entered() -> bool {
    ENTERED.load(Ordering::Relaxed)
}

/// Moves this process there. Must be called before any thread is started (a kernel rule for user
/// namespaces). Afterwards this user is uid 0 inside, with CAP_NET_ADMIN over the new namespace only.
pub fn enter() -> io::Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    // Only now: the kernel gives its list of legacy tables to who is uid 0 in here when the network is made, and to
    // the host's root where nobody is.
    unshare(CloneFlags::CLONE_NEWNET)?;
    ENTERED.store(true, Ordering::Relaxed);
    Ok(())
}
