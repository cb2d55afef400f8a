//! Threads that work in turn, so that what the machine does beside meets all of them alike.
use anyhow::{Context as _, anyhow};
use std::sync::{Condvar, Mutex};

/// Whose turn it is among so many; none is left once one of them has failed.
#[derive(Debug)]
pub(crate) struct Turns {
    among: usize,
    next: Mutex<Option<usize>>,
    passed: Condvar,
}

impl Turns {
    pub(crate) fn among(among: usize) -> Turns {
        Turns { among, next: Mutex::new(Some(0)), passed: Condvar::new() }
    }

    /// Does this in its turn. Each of them has to come as often as the others.
    pub(crate) fn take<T>(
        &self,
        who: usize,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let next = self.next.lock().map_err(|_| panicked())?;
        let others = |next: &mut Option<usize>| next.is_some_and(|next| next != who);
        let next = self.passed.wait_while(next, others).map_err(|_| panicked())?;
        let turn = next.context("another one has failed")?;
        drop(next);
        let done = work();
        let mut next = self.next.lock().map_err(|_| panicked())?;
        *next = done.is_ok().then_some((turn + 1) % self.among);
        self.passed.notify_all();
        done
    }
}

fn panicked() -> anyhow::Error {
    anyhow!("a thread panicked")
}
