//! The journal: what `tracing` is told goes to standard error or to systemd-journald, and what is said too
//! often is counted.
mod journald;
mod line;
mod often;
mod stream;
mod told;

pub use often::{Often, Sum};
pub use told::told;

use crate::config::{Config, LogFormat, LogLevel};
use journald::Journald;
use line::Line;
use nix::sys::stat::fstat;
use std::io::{IsTerminal as _, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use stream::Stream;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber, info, warn};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, reload};

/// The one of this program.
static LOG: OnceLock<Log> = OnceLock::new();

struct Log {
    level: reload::Handle<LevelFilter, Registry>,
    /// So many times `-v`.
    verbose: u8,
    asked: LogFormat,
    way: Way,
    began: Instant,
    often: Mutex<Often<Line>>,
    /// So many lines in a row nobody took.
    lost: AtomicU64,
}

/// Where lines go, and how they look there.
enum Way {
    /// For people. A time where nobody else adds one, several lines and colour on a terminal alone.
    Text {
        time: bool,
        terminal: bool,
        stream: Stream,
    },
    Json(Stream),
    Journald(Journald),
}

/// Hands on what it is told.
struct Hand;

/// Starts it. `verbose`: so many times `-v`; `patient`: it waits for whoever reads.
pub fn start(config: &Config, verbose: u8, patient: bool) {
    let asked = config.log_format;
    let (way, complaint) = way(asked, patient);
    let (filter, level) = reload::Layer::new(filter(config.log_level, verbose));
    let often = Mutex::new(Often::default());
    let (began, lost) = (Instant::now(), AtomicU64::new(0));
    let log = Log { level, verbose, asked, way, began, often, lost };
    if LOG.set(log).is_ok() {
        tracing_subscriber::registry().with(filter).with(Hand).init();
    }
    if let Some(complaint) = complaint {
        warn!("{complaint}");
    }
}

/// Goes on with the level of another configuration.
pub fn reconfigure(config: &Config) {
    let Some(log) = LOG.get() else { return };
    // It fails when nothing is logged any more.
    let _ = log.level.reload(filter(config.log_level, log.verbose));
    if config.log_format != log.asked {
        info!("log-format changes with the next start");
    }
}

/// When something that was counted is to be said.
pub fn wake() -> Option<Instant> {
    let log = LOG.get()?;
    log.began.checked_add(log.often().wake()?)
}

/// Says what was counted and is due.
pub fn say_due() {
    if let Some(log) = LOG.get() {
        let due = log.often().due(log.began.elapsed());
        log.sums(due);
    }
}

/// Says all that was counted: the program ends.
pub fn end() {
    if let Some(log) = LOG.get() {
        let all = log.often().end(log.began.elapsed());
        log.sums(all);
        log.say_lost();
    }
}

fn filter(level: LogLevel, verbose: u8) -> LevelFilter {
    let levels = [
        LevelFilter::ERROR,
        LevelFilter::WARN,
        LevelFilter::INFO,
        LevelFilter::DEBUG,
        LevelFilter::TRACE,
    ];
    *levels.get(level as usize + usize::from(verbose)).unwrap_or(&LevelFilter::TRACE)
}

/// How lines are written, and what there is to say about that.
fn way(asked: LogFormat, patient: bool) -> (Way, Option<String>) {
    let journal = is_journal();
    let terminal = stderr().is_terminal();
    let text = || Way::Text { time: !journal, terminal, stream: Stream::open(patient) };
    match asked {
        LogFormat::Text => (text(), None),
        LogFormat::Json => (Way::Json(Stream::open(patient)), None),
        LogFormat::Auto if !journal => (text(), None),
        LogFormat::Auto => (Journald::open().map_or_else(|_| text(), Way::Journald), None),
        LogFormat::Journald => match Journald::open() {
            Ok(journald) => (Way::Journald(journald), None),
            Err(why) => {
                let note =
                    format!("log-format journald: {}: {why}; written as text", journald::SOCKET);
                (text(), Some(note))
            }
        },
    }
}

/// Standard error is the stream that `$JOURNAL_STREAM` names: `DEVICE:INODE`.
fn is_journal() -> bool {
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    fstat(stderr()).is_ok_and(|found| named == format!("{}:{}", found.st_dev, found.st_ino))
}

impl Log {
    /// Nothing is logged while it is held.
    fn often(&self) -> MutexGuard<'_, Often<Line>> {
        self.often.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, line: Line) {
        // Who asks for more wants all of it.
        if line.level > Level::INFO {
            return self.write(&line);
        }
        let now = self.began.elapsed();
        let (due, said) = {
            let mut often = self.often();
            (often.due(now), often.hear(now, &line.kind(), line))
        };
        self.sums(due);
        said.iter().for_each(|line| self.write(line));
    }

    fn sums(&self, sums: Vec<Sum<Line>>) {
        for Sum { mut last, count, within } in sums {
            last.repeated(count, Duration::from_secs(within.as_secs().max(1)));
            self.write(&last);
        }
    }

    /// What is not taken is counted, and told with the next line that is: keeping waits for no reader.
    fn write(&self, line: &Line) {
        if !(self.say_lost() && self.put(line)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// False where that is not taken either.
    fn say_lost(&self) -> bool {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let told = lost == 0 || self.put(&Line::lost(lost));
        if !told {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        told
    }

    /// True when it was taken.
    fn put(&self, line: &Line) -> bool {
        match &self.way {
            Way::Text { time, terminal, stream } => stream.put(&line.text(*time, *terminal)),
            Way::Json(stream) => stream.put(&line.json()),
            Way::Journald(journald) => journald.send(line),
        }
    }
}

impl<S: Subscriber> Layer<S> for Hand {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if let Some(log) = LOG.get() {
            log.hear(Line::of(event));
        }
    }
}
