//! A network namespace of the test's own.
use chainkeeper_nft::{NftBackend, Setup};
use nix::sched::{CloneFlags, unshare};

/// Runs the test in a new network namespace, which is gone with the thread; what the test returns.
pub(crate) fn in_netns<T: Send>(test: impl FnOnce(&mut NftBackend) -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("root, or the namespace of `make test`");
            test(&mut NftBackend::open(Setup::default()).expect("netlink"))
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
