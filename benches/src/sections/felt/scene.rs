//! One wipe: packets before, during and after it.
use super::keepers::Keeper;
use super::link::{Link, Sort};
use crate::samples::ms;
use crate::world::{Kind, Writer, joined};
use anyhow::ensure;
use std::thread;
use std::time::{Duration, Instant};

/// Of each sort, in a second.
pub(super) const PACE: u32 = 200;
/// All is well again after so many packets without a wrong one.
const WELL: usize = 60;
/// So many are to be right before the wipe.
const BEFORE: usize = 20;

/// What one wipe was like.
#[derive(Debug, Default)]
pub(super) struct Felt {
    /// Packets that were not masqueraded: when each was sent, in ms since the wipe.
    pub(super) unmasqueraded: Vec<f64>,
    pub(super) undropped: Vec<f64>,
    /// Of those connections, how many are not masqueraded now that the chains are back.
    pub(super) left: usize,
    /// It was so until its end.
    pub(super) for_good: bool,
}

/// In the calling thread's network namespace, which is new. The wipe comes at this part of the keeper's pace.
pub(super) fn play(keeper: &Keeper, kind: Kind, part: f64) -> anyhow::Result<Felt> {
    let mut stage = Stage { link: Link::new()?, sent: vec![], wrong: Wrong::default() };
    let at_work = keeper.start()?;
    thread::sleep(keeper.pace().mul_f64(part));
    stage.send_until(|stage| stage.sent.len() >= BEFORE)?;
    ensure!(stage.wrong.is_empty(), "packets go wrong before the wipe: {keeper}, {kind}");
    ensure!(stage.wrong.right > 0, "no packet arrives before the wipe: {keeper}, {kind}");
    // By another thread: packets go on while it waits for the kernel.
    let (mut writer, wiped) = (Writer::nft()?, Instant::now());
    let wipe = thread::spawn(move || writer.wipe(kind));
    let is_well = |stage: &Stage| wipe.is_finished() && stage.is_well();
    stage.send_until(|stage| is_well(stage) || at_work.has_missed(wiped))?;
    let for_good = !is_well(&stage);
    joined(wipe)?;
    at_work.rest();
    let left = stage.ask_again()?;
    at_work.end()?;
    let since =
        |number: &u16| ms(stage.sent[usize::from(*number)].saturating_duration_since(wiped));
    Ok(Felt {
        unmasqueraded: stage.wrong.unmasqueraded.iter().map(since).collect(),
        undropped: stage.wrong.undropped.iter().map(since).collect(),
        left,
        for_good,
    })
}

struct Stage {
    link: Link,
    /// When: by number.
    sent: Vec<Instant>,
    wrong: Wrong,
}

/// By number.
#[derive(Default)]
struct Wrong {
    unmasqueraded: Vec<u16>,
    undropped: Vec<u16>,
    left: usize,
    /// How many were masqueraded.
    right: usize,
}

impl Stage {
    /// At a steady pace: what is late is made up for.
    fn send_until(&mut self, done: impl Fn(&Stage) -> bool) -> anyhow::Result<()> {
        let mut due = Instant::now();
        while !done(self) {
            let number = u16::try_from(self.sent.len())?;
            self.sent.push(Instant::now());
            self.link.send(Sort::First, number)?;
            self.link.send(Sort::ToDrop, number)?;
            due += Duration::from_secs(1) / PACE;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            self.listen()?;
        }
        Ok(())
    }

    fn listen(&mut self) -> anyhow::Result<()> {
        while let Some(heard) = self.link.hear()? {
            match heard.sort {
                Sort::First if heard.masqueraded => self.wrong.right += 1,
                Sort::First => self.wrong.unmasqueraded.push(heard.number),
                Sort::Again => self.wrong.left += usize::from(!heard.masqueraded),
                Sort::ToDrop => self.wrong.undropped.push(heard.number),
            }
        }
        Ok(())
    }

    fn is_well(&self) -> bool {
        let last = [&self.wrong.unmasqueraded, &self.wrong.undropped].map(|all| all.last());
        let last = last.into_iter().flatten().max().map_or(BEFORE, |last| usize::from(*last));
        self.sent.len() > last + WELL
    }

    /// Another packet of each connection that was not masqueraded: how many still are not.
    fn ask_again(&mut self) -> anyhow::Result<usize> {
        // No more at a time than the receiver has room for.
        for some in self.wrong.unmasqueraded.clone().chunks(50) {
            for number in some {
                self.link.send(Sort::Again, *number)?;
            }
            thread::sleep(Duration::from_millis(5));
            self.listen()?;
        }
        Ok(self.wrong.left)
    }
}

impl Wrong {
    fn is_empty(&self) -> bool {
        self.unmasqueraded.is_empty() && self.undropped.is_empty()
    }
}
