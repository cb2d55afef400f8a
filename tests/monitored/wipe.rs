//! What somebody takes, how, and what is missing then. Canaries are not part of it: those are another
//! story.
pub(super) use super::whole::{Lines, Whole, saved, whole};
use crate::support::{Host, On};
use chainkeeper::damage::{ChainKey, Loss};
use chainkeeper::story::Taken;
use chainkeeper_contract::testing::Dice;
use chainkeeper_contract::{Family, Table};

/// What is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `nft flush ruleset`; on legacy, all tables of the family.
    Everything,
    /// A table of the family.
    Table,
    /// The rules of a chain.
    Flush,
    /// A chain with the jumps to it.
    Delete,
    /// One rule of a chain.
    Rule,
    /// One jump to a chain.
    Jump,
    /// One jump goes behind a rule that ends every packet.
    Behind,
    /// The canaries of a table, which are not repaired.
    Canary,
}

impl Kind {
    pub(super) const ALL: [Kind; 8] = [
        Kind::Everything,
        Kind::Table,
        Kind::Flush,
        Kind::Delete,
        Kind::Rule,
        Kind::Jump,
        Kind::Behind,
        Kind::Canary,
    ];
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Wipe {
    pub(super) kind: Kind,
    pub(super) on: On,
    pub(super) family: Family,
    pub(super) table: Table,
    pub(super) chain: String,
    /// Which rule or jump, from 0.
    pub(super) n: usize,
}

impl Wipe {
    /// Of what is there when it is whole.
    pub(super) fn random(dice: &mut Dice, kinds: &[Kind], on: On, whole: &Whole) -> Wipe {
        loop {
            let (kind, family) = (dice.pick(kinds), dice.pick(&Family::ALL));
            let lines = &whole[&family];
            let (table, line) = dice.pick(lines);
            let Some(chain) = line.strip_prefix(':').map(str::to_owned) else { continue };
            let mut wipe = Wipe { kind, on, family, table, chain, n: 0 };
            let count = match kind {
                Kind::Everything | Kind::Table | Kind::Delete | Kind::Canary => 1,
                Kind::Flush => wipe.rules(lines).count().min(1),
                Kind::Rule => wipe.rules(lines).count(),
                Kind::Jump | Kind::Behind => wipe.jumps(lines).count(),
            };
            if count > 0 {
                wipe.n = dice.roll(count);
                return wipe;
            }
        }
    }

    fn rules<'a>(&self, lines: &'a Lines) -> impl Iterator<Item = &'a (Table, String)> {
        let (table, start) = (self.table, format!("-A {} ", self.chain));
        lines.iter().filter(move |(t, line)| *t == table && line.starts_with(&start))
    }

    fn jumps<'a>(&self, lines: &'a Lines) -> impl Iterator<Item = &'a (Table, String)> {
        let (table, end) = (self.table, format!(" -j {}", self.chain));
        lines.iter().filter(move |(t, line)| *t == table && line.ends_with(&end))
    }

    /// The name of whoever does it, as the kernel has it.
    pub(super) fn writer(&self) -> &'static str {
        match (self.by_nft(), self.family) {
            (true, _) => "nft",
            (false, Family::Ipv4) => "iptables-nft-re",
            (false, Family::Ipv6) => "ip6tables-nft-r",
        }
    }

    fn by_nft(&self) -> bool {
        self.on == On::Nft && [Kind::Everything, Kind::Table].contains(&self.kind)
    }

    /// The program and its input: one commit (on legacy one for each table).
    fn program(&self, lines: &Lines) -> (String, String) {
        let Wipe { table, chain, n, .. } = self;
        if self.by_nft() {
            let words = if self.kind == Kind::Everything {
                "flush ruleset".into()
            } else {
                format!("delete table {} {table}", nft_family(self.family))
            };
            return (format!("nft {words}"), String::new());
        }
        let jump = || self.jumps(lines).nth(*n).map_or(String::new(), |(_, l)| l[3..].to_owned());
        let delete = |(_, line): &(Table, String)| format!("-D {}\n", &line[3..]);
        let steps = match self.kind {
            Kind::Everything => {
                let all = Table::ALL.map(|table| format!("*{table}\nCOMMIT\n"));
                return (self.restore(""), all.concat());
            }
            Kind::Table => return (self.restore(""), format!("*{table}\nCOMMIT\n")),
            Kind::Flush => format!("-F {chain}\n"),
            Kind::Delete => {
                let jumps: String = self.jumps(lines).map(delete).collect();
                format!("{jumps}-F {chain}\n-X {chain}\n")
            }
            Kind::Rule => format!("-D {chain} {}\n", n + 1),
            Kind::Jump => format!("-D {}\n", jump()),
            Kind::Behind => {
                format!("-D {0}\n-A {1} -j ACCEPT\n-A {0}\n", jump(), self.parent(lines))
            }
            Kind::Canary => "-X CHAINKEEPER-CANARY\n".to_owned(),
        };
        (self.restore("--noflush"), format!("*{table}\n{steps}COMMIT\n"))
    }

    fn restore(&self, words: &str) -> String {
        let wait = if self.on == On::Legacy { "-w 5" } else { "" };
        format!("{}-restore {wait} {words}", self.on.iptables(self.family))
    }

    /// The built-in chain that the jump is in.
    fn parent(&self, lines: &Lines) -> String {
        let jump = self.jumps(lines).nth(self.n).expect("there is a jump");
        jump.1.split(' ').nth(1).expect("-A CHAIN").to_owned()
    }

    /// Does it. The process that did; `None` if there was nothing to take.
    pub(super) fn commit(&self, host: &Host, whole: &Whole) -> Option<u32> {
        let (words, input) = self.program(&whole[&self.family]);
        let (pid, done) = host.feed(&words, &input);
        done.map(|_| pid)
    }

    /// Takes out again what it added.
    pub(super) fn clean(&self, host: &Host, whole: &Whole) {
        if self.kind == Kind::Behind {
            let parent = self.parent(&whole[&self.family]);
            let text = format!("*{}\n-D {parent} -j ACCEPT\nCOMMIT\n", self.table);
            host.feed(&self.restore("--noflush"), &text).1.expect("it is there");
        }
    }

    /// What is missing then.
    pub(super) fn took(&self, whole: &Whole) -> Vec<Taken> {
        let mut took = Vec::new();
        for (family, lines) in whole {
            for (table, line) in lines {
                let Some(chain) = line.strip_prefix(':') else { continue };
                let it = Wipe { table: *table, chain: chain.into(), ..self.clone() };
                let all = Loss {
                    absent: true,
                    rules: it.rules(lines).count(),
                    jumps: it.jumps(lines).count(),
                    changed: false,
                };
                let here = *family == self.family && *table == self.table;
                let this = here && chain == self.chain;
                let taken = match self.kind {
                    Kind::Everything => self.on == On::Nft || *family == self.family,
                    Kind::Table => here,
                    Kind::Flush | Kind::Delete | Kind::Rule | Kind::Jump | Kind::Behind => this,
                    Kind::Canary => false,
                };
                if !taken {
                    continue;
                }
                let loss = match self.kind {
                    Kind::Everything | Kind::Table | Kind::Delete => all,
                    Kind::Flush => Loss { rules: all.rules, ..Loss::default() },
                    Kind::Rule => Loss { rules: 1, ..Loss::default() },
                    Kind::Jump => Loss { jumps: 1, ..Loss::default() },
                    Kind::Behind | Kind::Canary => Loss { changed: true, ..Loss::default() },
                };
                let key = ChainKey { family: *family, table: *table, chain: chain.into() };
                took.push(Taken { key, loss });
            }
        }
        took.sort_by(|a, b| a.key.cmp(&b.key));
        took
    }

    /// The family's lines after it, of those before.
    pub(super) fn after(&self, family: Family, lines: &Lines) -> Lines {
        let mut left = lines.clone();
        if family != self.family && !(self.kind == Kind::Everything && self.on == On::Nft) {
            return left;
        }
        let rules: Lines = self.rules(lines).cloned().collect();
        let jumps: Lines = self.jumps(lines).cloned().collect();
        let head = (self.table, format!(":{}", self.chain));
        match self.kind {
            Kind::Everything => left.clear(),
            Kind::Table => left.retain(|(table, _)| *table != self.table),
            Kind::Flush => left.retain(|line| !rules.contains(line)),
            Kind::Delete => {
                left.retain(|l| !rules.contains(l) && !jumps.contains(l) && *l != head);
            }
            Kind::Rule => left.retain(|line| rules.get(self.n) != Some(line)),
            Kind::Jump => left.retain(|line| jumps.get(self.n) != Some(line)),
            Kind::Behind | Kind::Canary => {}
        }
        left
    }
}

pub(super) fn nft_family(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "ip",
        Family::Ipv6 => "ip6",
    }
}
