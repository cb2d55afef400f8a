//! The service that is starved, and how it is judged.
use super::super::Row;
use super::is_in_sync;
use crate::support::{Host, On, PROGRAM, Running, comes_true, normalised, within};
use std::time::{Duration, Instant};

/// So much of a processor may it use while it lacks something; one that spins uses a whole one.
const SHARE: f64 = 0.5;
/// It has repaired so many seconds after it lacks nothing any more: what fails for a while is tried again after
/// more and more seconds.
const SOON: u64 = 20;

/// What is taken: a jump, and a chain with the jump to it.
pub(super) const JUMP: &str = "*filter\n-D INPUT -j KUBE-FIREWALL\nCOMMIT\n";
pub(super) const CHAIN: &str = "*nat
-D POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING
-F KUBE-POSTROUTING
-X KUBE-POSTROUTING
COMMIT
";

/// One service beside somebody's rules.
pub(super) struct Service {
    pub(super) host: Host,
    pub(super) run: Running,
    /// The words it was started with.
    words: String,
    /// All rules as they are to be, ours and others'.
    all: String,
    /// So often it had to be started again.
    pub(super) restarts: usize,
    /// The most that it used of a processor while it lacked something.
    pub(super) share: f64,
    /// A code that it may end with besides that of a failure.
    pub(super) ends_by: Option<i32>,
}

impl Service {
    /// In sync. Looks each 300 ms.
    pub(super) fn new(on: On, more: &str) -> Service {
        Service::by(on, PROGRAM, &format!("{more} --on-conflict insist"))
    }

    /// The same, leaving to others what they take again and again.
    pub(super) fn yielding(on: On, more: &str) -> Service {
        Service::by(on, PROGRAM, more)
    }

    /// The same, with `before` in front of the program.
    pub(super) fn under(on: On, before: &str, more: &str) -> Service {
        let (program, rest) = before.split_once(' ').expect("a program and its words");
        Service::by(on, program, &format!("{rest} {PROGRAM} {more} --on-conflict insist"))
    }

    fn by(on: On, program: &str, words: &str) -> Service {
        let host = Host::of(on);
        for tool in on.both_iptables() {
            host.by(tool, "$T -A INPUT -p tcp --dport 7 -j DROP; $T -t nat -N THEIRS");
            host.by(tool, "$T -t nat -A THEIRS -j RETURN; $T -t nat -A POSTROUTING -j THEIRS");
        }
        let backend = on.name();
        let words = match program {
            PROGRAM => format!("run {words}"),
            _ => words.replacen(PROGRAM, &format!("{PROGRAM} run"), 1),
        };
        let quick = "--settle 10ms --lock-wait 200ms";
        let period = if words.contains("--sync-period") { "" } else { "--sync-period 300ms" };
        let words = format!("{words} --backend {backend} {quick} {period}");
        let run = host.start(program, &words);
        let mut service = Service {
            host,
            run,
            words,
            all: String::new(),
            restarts: 0,
            share: 0.0,
            ends_by: None,
        };
        within(SOON, "it is in sync", || is_in_sync(&service.host));
        service.all = service.saved();
        assert!(service.take(), "an attack that takes nothing");
        within(SOON, "it is repaired", || service.is_whole());
        service
    }

    /// All rules.
    fn saved(&self) -> String {
        let saves = self.host.on().both_iptables().map(|tool| format!("{tool}-save"));
        normalised(&self.host.sh(&saves.join("; ")))
    }

    pub(super) fn is_whole(&self) -> bool {
        self.saved() == self.all
    }

    /// Somebody takes a jump and a chain, in both families. False: what was not repaired yet could not be taken.
    pub(super) fn take(&self) -> bool {
        let tools = self.host.on().both_iptables();
        let taken = tools.map(|tool| [JUMP, CHAIN].map(|what| self.wipe(tool, what)));
        taken.concat().into_iter().all(|taken| taken)
    }

    /// By one commit.
    pub(super) fn wipe(&self, tool: &str, what: &str) -> bool {
        self.host.feed(&format!("{tool}-restore -w 5 --noflush"), what).1.is_some()
    }

    /// What it used of a processor so far, its threads together. Not what its tools used.
    fn used(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.run.pid()));
        let stat = stat.unwrap_or_default();
        // After the name, which may have blanks: utime and stime are fields 14 and 15, in ticks of 10 ms.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks =
            fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// Lacks what `attack` takes from it until what that returns is dropped, for so long. Something is taken
    /// meanwhile. `says`: words of which one must have come into the journal; none: nothing has to be said.
    pub(super) fn lacks<T>(
        &mut self,
        row: &mut Row,
        name: &str,
        says: &[&str],
        length: Duration,
        attack: impl FnOnce(&Service) -> T,
    ) {
        let (heard, used) = (self.run.journal().len(), self.used());
        let before = self.is_whole();
        let lacking = attack(self);
        let began = Instant::now();
        let taken = self.take();
        std::thread::sleep(length.saturating_sub(began.elapsed()));
        let share =
            (self.used().saturating_sub(used)).as_secs_f64() / began.elapsed().as_secs_f64();
        self.share = self.share.max(share);
        // On a busy machine it comes to it only later.
        let since = if self.run.is_over() { 0 } else { heard };
        let said = || self.run.journal().get(since..).unwrap_or_default().to_owned();
        let told = says.is_empty() || comes_true(8, || says.iter().any(|s| said().contains(s)));
        drop(lacking);
        let panicked = self.run.journal().contains("panicked");
        let ended = self.run.is_over().then(|| self.again());
        let whole = comes_true(SOON, || self.is_whole());
        let journal = self.run.journal();
        let said = journal.get(if ended.is_some() { 0 } else { heard }..).unwrap_or_default();
        let wrong = [
            (before && !taken, "nothing was taken"),
            (!whole, "not repaired"),
            (share > SHARE, "it spun"),
            (panicked && ended.is_none_or(|code| Some(code) != self.ends_by), "it panicked"),
            (ended.is_some_and(|code| code != 5 && Some(code) != self.ends_by), "it ended"),
            (ended.is_none() && !told, "silent"),
        ];
        let wrong: Vec<&str> = wrong.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
        let on = self.host.on().name();
        row.one(wrong.is_empty(), || {
            let all = self.saved();
            format!(
                "{on}, {name}: {wrong:?}, {share:.2} of a processor, ended {ended:?}\n{said}{all}"
            )
        });
    }

    /// It has ended, and its supervisor starts it again. With what code it ended.
    fn again(&mut self) -> i32 {
        let code = self.run.ended();
        println!("ended with {code}: {}", self.run.journal());
        self.run = self.host.start(PROGRAM, &self.words);
        self.restarts += 1;
        code
    }

    /// It stops when it is asked to.
    pub(super) fn stops(mut self, row: &mut Row) {
        self.run.signal("TERM");
        let code = self.run.ended();
        row.one(code == 0, || format!("TERM: {code}\n{}", self.run.journal()));
    }
}
