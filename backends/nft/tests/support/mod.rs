//! A network namespace of the test's own.
use chainkeeper_nft::{NftBackend, Setup};

/// Runs the test in a new network namespace; what it returns.
pub(crate) fn in_netns<T: Send>(test: impl FnOnce(&mut NftBackend) -> T + Send) -> T {
    chainkeeper_namespace::in_netns(|| {
        test(&mut NftBackend::open(Setup::default()).expect("netlink"))
    })
}
