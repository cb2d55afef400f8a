//! Nothing to call: a package needs a target. The tests beside it hold what chainkeeper writes against
//! what `rustables`, a library that knows nothing of it, reads back from the kernel.
