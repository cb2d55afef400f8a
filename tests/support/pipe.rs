//! A pipe that stands still until somebody reads it.
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Both its ends.
#[derive(Debug)]
pub(crate) struct Pipe(File);

impl Pipe {
    /// Of a FIFO that is there.
    pub(crate) fn open(path: impl AsRef<Path>) -> Pipe {
        let mut open = OpenOptions::new();
        open.read(true).write(true).custom_flags(nix::libc::O_NONBLOCK);
        Pipe(open.open(path).expect("it is there"))
    }

    pub(crate) fn fill(&mut self) {
        while self.0.write(b"full\n").is_ok() {}
    }

    /// What is in it, until nothing is left.
    pub(crate) fn drained(&mut self) -> String {
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(n @ 1..) = self.0.read(&mut buffer) {
            all.extend_from_slice(&buffer[..n]);
        }
        String::from_utf8(all).expect("UTF-8")
    }
}
