//! Somebody commits between our look and our write, each time at the worst moment: a backend that lets him.
use super::super::{Row, many, seed};
use crate::support::{Host, PROGRAM};
use chainkeeper::config::Settings;
use chainkeeper::reconcile::Keeper;
use chainkeeper_contract::testing::Dice;
use chainkeeper_contract::{
    Applied, Backend, BackendError, CanaryPolicy, Plan, Scope, Snapshot, Survey,
};
use chainkeeper_nft::{NftBackend, Setup};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// nf_tables, with one of these commands before each write; the last one before all that follow, if it is for ever.
struct Between {
    nft: NftBackend,
    scripts: Vec<String>,
    for_ever: bool,
    seen: Arc<Mutex<Seen>>,
}

/// What became of our writes.
#[derive(Debug, Default)]
struct Seen {
    /// Of the commands.
    used: usize,
    refused: u32,
    /// Applied over somebody's commit, refused without one, or refused and not left alone.
    wrong: Vec<String>,
}

impl Backend for Between {
    fn kind(&self) -> &'static str {
        self.nft.kind()
    }

    fn observe(&mut self, scope: &Scope) -> Result<Snapshot, BackendError> {
        self.nft.observe(scope)
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        let next = if self.for_ever { self.scripts.last().cloned() } else { self.scripts.pop() };
        if let Some(script) = &next {
            let ended = Command::new("sh").args(["-c", script]).output().expect("sh");
            assert!(ended.status.success(), "{script}: {ended:?}");
        }
        let before = self.nft.generation()?;
        let applied = self.nft.apply(plan);
        let after = self.nft.generation()?;
        let busy = matches!(applied, Err(BackendError::Busy { .. }));
        let mut seen = self.seen.lock().expect("nobody panics with it");
        seen.used += usize::from(next.is_some());
        seen.refused += u32::from(busy);
        let stale = before != plan.generation;
        if stale != busy || (busy && before != after) {
            let plan = plan.generation;
            seen.wrong.push(format!(
                "{next:?}: plan of {plan:?} at {before:?}, then {after:?}: {applied:?}"
            ));
        }
        applied
    }

    fn validate(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        self.nft.validate(plan)
    }

    fn generation(&mut self) -> Result<Option<u32>, BackendError> {
        self.nft.generation()
    }

    fn survey(&mut self) -> Result<Survey, BackendError> {
        self.nft.survey()
    }
}

/// What somebody does: rules to be found again (`@N`), harm to ours, or nothing to do with us at all.
const SCRIPTS: [&str; 8] = [
    "iptables-nft -A INPUT -s 10.0.0.@N -j ACCEPT",
    "iptables-nft -t nat -I POSTROUTING -s 10.0.0.@N -j ACCEPT",
    "iptables-nft -t nat -N KUBE-MARK-MASQ 2>&-; iptables-nft -t nat -A KUBE-MARK-MASQ -s 10.0.0.@N -j RETURN",
    "iptables-nft -t nat -N KUBE-MARK-MASQ 2>&-; iptables-nft -t nat -I KUBE-MARK-MASQ -s 10.0.0.@N -j RETURN",
    "nft add table inet theirs",
    "nft add table ip6 filter; nft delete table ip6 filter",
    "nft 'add table ip nat; add chain ip nat KUBE-POSTROUTING; flush chain ip nat KUBE-POSTROUTING'",
    "PROGRAM apply --backend nft >&-",
];

/// One pass beside these; what the keeper says, how often it began anew, and what became of its writes.
fn pass(
    host: &Host,
    scripts: Vec<String>,
    for_ever: bool,
) -> (Result<(), BackendError>, u32, Seen) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let inside = || {
        let nft = NftBackend::open(Setup::default()).expect("netlink");
        let between = Between { nft, scripts, for_ever, seen: Arc::clone(&seen) };
        let config = Settings::default().check().expect("defaults");
        let mut keeper = Keeper::new(Box::new(between), config);
        let done = keeper.apply(CanaryPolicy::Write).map(|pass| {
            let failed = pass.errors().next().map(ToString::to_string);
            assert_eq!(failed, None, "of one family");
        });
        (done, keeper.restarts())
    };
    let (done, restarts) = host.inside(inside);
    let seen = std::mem::take(&mut *seen.lock().expect("it is over"));
    (done, restarts, seen)
}

/// A loss: a write that landed on anything but what was looked at, or was refused without a reason; a refused one that
/// changed something; a rule of somebody's that is not there once; a pass that does not end in sync.
#[test]
fn a_commit_between_look_and_write_is_never_written_over() {
    let mut row = Row::new("somebody commits between our look and our write", "passes");
    let (seed, mut refused) = (seed(), 0);
    let mut dice = Dice::seeded(seed, 10_000);
    for nth in 0..many(25, 400) {
        let host = Host::new();
        if dice.one_in(2) {
            host.ck_ok("apply", 0);
            host.sh("nft flush chain ip nat KUBE-POSTROUTING; nft delete table ip6 nat");
        }
        let times = dice.roll(6);
        let number = |(at, script): (usize, String)| script.replace("@N", &format!("{}", at + 1));
        let scripts = (0..times).map(|_| dice.pick(&SCRIPTS).replace("PROGRAM", PROGRAM));
        let scripts: Vec<String> = scripts.enumerate().map(number).collect();
        let said = format!("pass {nth} of seed {seed}, last first: {scripts:#?}");
        let left = |at: usize| !scripts[at].contains("10.0.0.");
        let (done, restarts, seen) = pass(&host, scripts.clone(), false);
        refused += seen.refused;
        // Those that were not used up were not needed: somebody else's apply had done it.
        let save = host.sh("iptables-nft-save");
        let once = |at: usize| save.matches(&format!("10.0.0.{}/32", at + 1)).count() == 1;
        let kept = (times - seen.used..times).all(|at| left(at) || once(at));
        let sync = host.ck("diff").code == 0;
        let well = done.is_ok() && seen.wrong.is_empty() && restarts == seen.refused;
        row.one(well && kept && sync, || {
            format!("{said}\n{done:?} {seen:?} {kept} {sync}\n{save}")
        });
    }
    row.end(&format!("{refused} writes refused and begun anew, seed {seed}"));
}

/// A loss: it goes on for ever, writes at last, or does not say why not.
#[test]
fn who_is_never_first_gives_up_and_says_so() {
    let mut row = Row::new("somebody commits between each look and each write, for ever", "passes");
    for _ in 0..many(2, 20) {
        let host = Host::new();
        let script = "nft add table inet theirs; nft delete table inet theirs".to_owned();
        let (done, restarts, seen) = pass(&host, vec![script], true);
        let error = done.err().map(|e| e.to_string()).unwrap_or_default();
        let says = error.contains("somebody else committed");
        let nothing = !host.sh("nft list ruleset").contains("KUBE-");
        // The first try, and eight more.
        let well = (restarts, seen.refused) == (8, 9) && says && nothing && seen.wrong.is_empty();
        row.one(well, || format!("{restarts} {seen:?} {error:?} {nothing}"));
    }
    row.end("nine tries each");
}
