//! Writers that know nothing of each other: each has rules of its own, which it adds and deletes, and a ledger of what
//! it believes is there. Now and then one harms us.
use crate::support::{Host, On};
use chainkeeper_contract::Family;
use chainkeeper_contract::testing::Dice;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Scripts of one writer: `@4` and `@6` are the iptables of the backend, `@C` is the comment of a rule, `@N` a number.
#[derive(Debug)]
pub(super) struct Kind {
    name: &'static str,
    nft_only: bool,
    prepare: &'static str,
    add: &'static str,
    delete: &'static str,
    harm: &'static [&'static str],
}

const IPTABLES: Kind = Kind {
    name: "iptables",
    nft_only: false,
    prepare: "true",
    add: "@4 -w 20 -A INPUT -p tcp --dport @N -m comment --comment @C -j RETURN",
    delete: "@4 -w 20 -D INPUT -p tcp --dport @N -m comment --comment @C -j RETURN",
    harm: &["@4 -w 20 -t nat -F KUBE-POSTROUTING", "@4 -w 20 -D INPUT -j KUBE-FIREWALL"],
};

/// Who is there, but for the one in this process.
pub(super) const KINDS: [Kind; 8] = [
    IPTABLES,
    Kind {
        name: "ip6tables",
        add: "@6 -w 20 -t nat -A POSTROUTING -p tcp --dport @N -m comment --comment @C -j RETURN",
        delete: "@6 -w 20 -t nat -D POSTROUTING -p tcp --dport @N -m comment --comment @C -j RETURN",
        harm: &["@6 -w 20 -F KUBE-FIREWALL", "@6 -w 20 -D OUTPUT -j KUBE-FIREWALL"],
        ..IPTABLES
    },
    Kind {
        name: "chain",
        prepare: "@4 -w 20 -N THEIRS",
        add: "@4 -w 20 -A THEIRS -p tcp --dport @N -m comment --comment @C -j RETURN",
        delete: "@4 -w 20 -D THEIRS -p tcp --dport @N -m comment --comment @C -j RETURN",
        harm: &["@4 -w 20 -t nat -F KUBE-MARK-DROP"],
        ..IPTABLES
    },
    Kind {
        name: "among",
        add: "@4 -w 20 -t nat -A KUBE-MARK-MASQ -p tcp --dport @N -m comment --comment @C -j RETURN",
        delete: "@4 -w 20 -t nat -D KUBE-MARK-MASQ -p tcp --dport @N -m comment --comment @C -j RETURN",
        harm: &["@4 -w 20 -t nat -D KUBE-MARK-MASQ -j MARK --or-mark 0x4000"],
        ..IPTABLES
    },
    Kind {
        name: "restore",
        add: "printf '*filter\\n-A FORWARD -p tcp --dport @N -m comment --comment @C -j RETURN\\nCOMMIT\\n' |
              @4-restore -w 20 --noflush",
        delete: "printf '*filter\\n-D FORWARD -p tcp --dport @N -m comment --comment @C -j RETURN\\nCOMMIT\\n' |
                 @4-restore -w 20 --noflush",
        harm: &["printf '*filter\\n-F KUBE-FIREWALL\\nCOMMIT\\n' | @4-restore -w 20 --noflush"],
        ..IPTABLES
    },
    Kind {
        name: "restore6",
        add: "printf '*filter\\n-A OUTPUT -p udp --dport @N -m comment --comment @C -j RETURN\\nCOMMIT\\n' |
              @6-restore -w 20 --noflush",
        delete: "printf '*filter\\n-D OUTPUT -p udp --dport @N -m comment --comment @C -j RETURN\\nCOMMIT\\n' |
                 @6-restore -w 20 --noflush",
        harm: &["printf '*nat\\n-F KUBE-MARK-MASQ\\n-F KUBE-MARK-DROP\\nCOMMIT\\n' | @6-restore -w 20 --noflush"],
        ..IPTABLES
    },
    Kind {
        name: "nft",
        nft_only: true,
        prepare: "nft 'add table inet theirs; add chain inet theirs c'",
        add: "nft add rule inet theirs c tcp dport @N return comment @C",
        delete: "h=$(nft -a list chain inet theirs c | sed -n 's/.*\"@C\" # handle //p')
                 nft delete rule inet theirs c handle $h",
        harm: &["nft flush chain ip nat KUBE-POSTROUTING", "nft flush chain ip6 filter KUBE-FIREWALL"],
    },
    Kind {
        name: "set",
        nft_only: true,
        prepare: "nft 'add table inet bag; add set inet bag s { type inet_service; }'",
        add: "nft 'add element inet bag s { @N comment \"@C\" }'",
        delete: "nft 'delete element inet bag s { @N }'",
        harm: &["nft 'add element inet bag s { 65535 }; delete element inet bag s { 65535 }'"],
    },
];

/// A writer's work so far.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) name: &'static str,
    /// The comments of the rules that it believes are there, in their order.
    pub(super) ledger: Vec<String>,
    pub(super) writes: usize,
    /// What its commands said that failed, without figures, and how often.
    pub(super) failed: BTreeMap<String, usize>,
}

impl Work {
    pub(super) fn new(name: &'static str) -> Work {
        Work { name, ledger: vec![], writes: 0, failed: BTreeMap::new() }
    }

    pub(super) fn failed(&mut self, words: &str) {
        let line = words.lines().find(|l| !l.is_empty()).unwrap_or_default();
        let plain: String = line.chars().filter(|c| !c.is_ascii_digit()).collect();
        *self.failed.entry(format!("{}: {plain}", self.name)).or_default() += 1;
    }

    /// The rules with its comments that a listing shows are not those of the ledger.
    pub(super) fn differs(&self, listing: &str) -> Option<String> {
        let start = format!("{}-", self.name);
        let lines = listing.lines().filter(|l| !l.starts_with('#'));
        let part = |c: char| c.is_whitespace() || "\",{}".contains(c);
        let words = lines.flat_map(|line| line.split(part));
        let there: Vec<&str> = words.filter(|word| word.starts_with(&start)).collect();
        (there != self.ledger).then(|| format!("{start}: {there:?}, and not {:?}", self.ledger))
    }
}

/// Most rules of one writer.
const MOST: usize = 30;

impl Kind {
    pub(super) fn takes_part(&self, on: On) -> bool {
        on == On::Nft || !self.nft_only
    }

    pub(super) fn prepare(&self, host: &Host) {
        host.sh(&said(self.prepare, host.on()));
    }

    /// Writes until then.
    pub(super) fn work(&self, host: &Host, seed: u64, until: Instant) -> Work {
        let mut dice = Dice::seeded(seed, 200_000);
        let (mut work, mut number) = (Work::new(self.name), 0);
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(dice.roll(10) as u64));
            if dice.one_in(6) {
                host.try_sh(&said(dice.pick(self.harm), host.on())); // it may be gone already
                work.writes += 1;
                continue;
            }
            let delete = work.ledger.len() >= MOST || (!work.ledger.is_empty() && dice.one_in(3));
            let at = dice.roll(work.ledger.len());
            let comment = if delete {
                work.ledger[at].clone()
            } else {
                number += 1;
                format!("{}-{number}", self.name)
            };
            let n = comment.rsplit('-').next().expect("a number");
            let script = if delete { self.delete } else { self.add };
            let script = said(script, host.on()).replace("@C", &comment).replace("@N", n);
            let ended = host.try_sh(&script);
            work.writes += 1;
            match (ended.code, delete) {
                (0, true) => drop(work.ledger.remove(at)),
                (0, false) => work.ledger.push(comment),
                (_, _) => work.failed(&ended.stderr),
            }
        }
        work
    }
}

fn said(script: &str, on: On) -> String {
    script.replace("@4", on.iptables(Family::Ipv4)).replace("@6", on.iptables(Family::Ipv6))
}
