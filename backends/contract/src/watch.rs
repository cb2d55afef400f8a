//! What tells that somebody has written, without reading a rule.
use crate::error::BackendError;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Who made a commit, as the kernel tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Writer {
    /// Its command name, cut to 15 bytes (`TASK_COMM_LEN`); other bytes than UTF-8 are replaced.
    pub name: String,
    /// Its thread, as a number of the initial pid namespace.
    pub thread: u32,
}

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Somebody has written, perhaps we.
    Commit {
        /// The generation that it made, where there is such a thing.
        generation: Option<u32>,
        /// Who, where the kernel tells.
        writer: Option<Writer>,
    },
    /// News were lost: anything may have happened.
    Lost,
}

/// How often to ask a [`Watch`] that has no descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// While nothing is missing.
    pub calm: Duration,
    /// After damage, until the writer is quiet.
    pub close: Duration,
}

/// Which way to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Way {
    /// Be told by the kernel, where it tells.
    #[default]
    Told,
    /// Ask now and then: costs the writers nothing.
    Ask,
}

/// Watches one network namespace. Changes nothing.
pub trait Watch: Send + std::fmt::Debug {
    /// Readable when there is news; `None` where it has to be asked for.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;

    /// How often to ask where there is no descriptor.
    fn pace(&self) -> Pace;

    /// The next piece of news; `None` when there is no more for now. Never blocks. After an error the
    /// watch is to be opened anew.
    fn next(&mut self) -> Result<Option<Signal>, BackendError>;
}
