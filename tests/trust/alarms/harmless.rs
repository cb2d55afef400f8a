//! A thousand scripts that mean no harm, beside a service that watches and one that writes.
use super::scripts::{Kind, all, script};
use crate::eyes::others::{Eyes, kube_proxy_syncs, kubelet_starts};
use crate::support::{Host, On, PROGRAM, Running, Scratch, at_once, comes_true, eventually};
use crate::trust::{Row, many, seed};
use chainkeeper_contract::testing::Dice;
use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

/// So soon after a commit that each state that a script leaves is judged.
const SOON: &str = "--settle 1ms --sync-period 100ms --on-conflict insist";
/// Between a harm and the word of it.
const WORD: u64 = 20;
const MARK: u32 = 1 << 14;

/// Two services on one host, and what the kernel says of who commits.
struct Beside {
    host: Host,
    watching: Running,
    writing: Running,
    witness: Option<(Running, Scratch)>,
}

impl Beside {
    /// On a host where a kubelet and a kube-proxy have done their work, and so have we.
    fn new(on: On, way: &str, name: &str) -> Beside {
        let host = Host::of(on);
        kubelet_starts(&host, Eyes::of(on));
        kube_proxy_syncs(&host, Eyes::of(on), MARK);
        host.ck_ok("apply", 0);
        let words = format!("{SOON} {way}");
        let writing = host.start(PROGRAM, &format!("run {words} --metrics-bind-address 9253"));
        let other = host.socket().with_extension("watching");
        let watching =
            host.start(PROGRAM, &format!("run --observe {words} --socket {}", other.display()));
        eventually("both run", || {
            let live = |more: &str| host.ck(&format!("check --live {more}")).code == 0;
            live("") && live(&format!("--socket {}", other.display()))
        });
        let witness = (on == On::Nft).then(|| {
            let file = Scratch::new(&format!("witness-{name}"), "");
            let script =
                Scratch::new(&format!("nft-{name}"), &format!("exec nft monitor >{}", file.path()));
            let run = host.start("sh", &script.path());
            eventually("it starts", || {
                host.sh("nft add table ip w; nft delete table ip w");
                std::fs::read_to_string(file.path()).is_ok_and(|text| text.contains("(nft)"))
            });
            (run, file)
        });
        let beside = Beside { host, watching, writing, witness };
        assert_eq!(beside.said(), [""; 0]);
        beside
    }

    /// What either said of our chains so far: what is missing, repaired, or back without us.
    fn said(&self) -> Vec<String> {
        let told = |line: &&str| {
            ["would repair", "repaired", "back without us", "yielded", "commit, generation"]
                .iter()
                .any(|word| line.contains(word))
        };
        let both = [self.watching.journal(), self.writing.journal()];
        both.iter().flat_map(|text| text.lines().filter(told)).map(str::to_owned).collect()
    }

    /// How often we have written: as metrics have it, and as the kernel has told `nft monitor`.
    fn commits(&self) -> (f64, usize) {
        let told = self.witness.as_ref().map(|(_, file)| {
            let text = std::fs::read_to_string(file.path()).expect("it is written");
            text.matches("(keeper)").count()
        });
        (self.host.scrape().at("commits_total"), told.unwrap_or_default())
    }

    /// A real harm is told by the one, and mended by the other: so none of them was asleep.
    fn is_awake(&self) -> bool {
        self.host.ck_ok("pause --for 1h", 0);
        self.host.sh(&format!("{} -t nat -F KUBE-MARK-MASQ", self.host.on().both_iptables()[0]));
        let told = comes_true(WORD, || self.watching.journal().contains("would repair"));
        self.host.ck_ok("resume", 0);
        let mended = || self.writing.journal().contains("repaired");
        let seen = || self.witness.is_none() || self.commits().1 > 0;
        told && comes_true(WORD, || mended() && seen())
    }
}

/// So many scripts, one after the other; the lost ones, each with what was said then.
fn lane(on: On, way: &str, seed: u64, scripts: usize) -> Vec<String> {
    let beside = Beside::new(on, way, &format!("{}-{seed}", on.name()));
    let mut dice = Dice::seeded(seed, 10 * scripts);
    let kinds: Vec<Kind> = all(on);
    let (mut lost, before) = (Vec::new(), beside.commits());
    let mut heard = 0;
    for n in 0..scripts {
        // Each kind comes, in an order by chance.
        let kind = if n < kinds.len() { kinds[n] } else { dice.pick(&kinds) };
        let text = script(on, kind, n, &mut dice);
        let said = beside.host.try_sh(&text);
        if said.code != 0 {
            lost.push(format!("seed {seed}: the script itself failed: {text}\n{said:?}"));
        }
        if n % 20 == 0 {
            kubelet_starts(&beside.host, Eyes::of(on));
            kube_proxy_syncs(&beside.host, Eyes::of(on), MARK);
        }
        let all = beside.said();
        if all.len() > heard {
            lost.push(format!(
                "seed {seed}, at or before script {n}: {text}\n{}",
                all[heard..].join("\n")
            ));
            heard = all.len();
        }
    }
    sleep(Duration::from_millis(500)); // through some sync periods
    let all = beside.said();
    lost.extend(all[heard..].iter().map(|line| format!("seed {seed}, at the end: {line}")));
    let after = beside.commits();
    if after != before {
        lost.push(format!("seed {seed}: commits {before:?} -> {after:?}"));
    }
    if !beside.is_awake() {
        lost.push(format!("seed {seed}: a harm was not seen\n{}", beside.watching.journal()));
    }
    lost
}

/// Lost: a script after which the service that watches would have repaired, or the other one wrote.
fn scripts(row: &mut Row, lanes: &[(On, &str)], each: usize) -> String {
    let seed = seed();
    let lost = Mutex::new(Vec::new());
    at_once(lanes.iter().zip(0..), |((on, way), n)| {
        let found = lane(*on, way, seed.wrapping_add(n), each);
        lost.lock().expect("nobody has panicked").extend(found);
    });
    row.tried(each * lanes.len());
    lost.into_inner().expect("nobody has panicked").into_iter().for_each(|how| row.lost(how));
    format!("seed {seed}, {} kinds, {} hosts", all(lanes[0].0).len(), lanes.len())
}

#[test]
fn nobody_is_alarmed_on_nft() {
    let mut row = Row::new(
        "scripts that mean no harm, beside --observe and beside a writing run: nft",
        "scripts",
    );
    let mut lanes = vec![(On::Nft, "--watch events"); many(1, 3)];
    lanes.push((On::Nft, "--watch poll"));
    let notes = scripts(&mut row, &lanes, many(45, 125));
    row.end(&notes);
}

#[test]
fn nobody_is_alarmed_on_legacy() {
    let mut row = Row::new(
        "scripts that mean no harm, beside --observe and beside a writing run: iptables-legacy",
        "scripts",
    );
    let notes = scripts(&mut row, &vec![(On::Legacy, ""); many(1, 4)], many(35, 125));
    row.end(&notes);
}
