//! Bytes made beforehand, just sent: what nobody can be faster than.
use anyhow::{anyhow, ensure};
use chainkeeper_contract::Errno;
use chainkeeper_nft::netlink::{Body, Encoder, Messages, Socket};

/// A socket in the calling thread's network namespace.
#[derive(Debug)]
pub(crate) struct Raw(Socket);

fn failed(errno: Errno) -> anyhow::Error {
    anyhow!("netlink: {errno}")
}

impl Raw {
    pub(crate) fn open() -> anyhow::Result<Raw> {
        Ok(Raw(Socket::open(Encoder::Pure).map_err(failed)?))
    }

    /// Sends it and reads all answers: how many came, if none is an error. For a batch that is its commit.
    pub(crate) fn send(&mut self, datagram: &[u8]) -> anyhow::Result<usize> {
        self.0.send(datagram).map_err(failed)?;
        let mut answers = 0;
        while let Some(datagram) = self.0.receive().map_err(failed)? {
            for message in Messages::new(datagram) {
                answers += 1;
                if let Body::Error { errno, .. } = message.map_err(|e| anyhow!("{e}"))?.body {
                    ensure!(errno == 0, "the kernel refused: {}", Errno(errno));
                }
            }
        }
        Ok(answers)
    }

    /// Sends a question and reads its one answer.
    pub(crate) fn ask(&mut self, datagram: &[u8]) -> anyhow::Result<()> {
        self.0.send(datagram).map_err(failed)?;
        ensure!(self.0.receive().map_err(failed)?.is_some(), "no answer");
        Ok(())
    }
}
