//! What is there in both backends, and which of it a pass may leave when it ends anywhere.
use super::story::{Start, Story};
use crate::support::{Host, On};
use std::collections::BTreeMap;

/// The lines of each table, by the tool that saved it, with counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tables(BTreeMap<(String, String), Vec<String>>);

/// In the order in which legacy commits them: what acts on a mark before the mark, the hint last. A removal goes the
/// other way round.
const ORDER: [&str; 3] = ["filter", "nat", "mangle"];

impl Tables {
    pub(super) fn of(host: &Host) -> Tables {
        let tools = On::BOTH.map(|on| on.both_iptables().join(" ")).join(" ");
        let text = host.sh(&format!("for t in {tools}; do echo \"@$t\"; $t-save -c; done"));
        let (mut tool, mut table, mut tables) = (String::new(), String::new(), BTreeMap::new());
        for line in text.lines().filter(|l| !l.starts_with('#') && *l != "COMMIT") {
            match (line.strip_prefix('@'), line.strip_prefix('*')) {
                (Some(name), _) => tool = name.to_owned(),
                (_, Some(name)) => table = name.to_owned(),
                (None, None) => {
                    let lines: &mut Vec<String> =
                        tables.entry((tool.clone(), table.clone())).or_default();
                    lines.push(line.to_owned());
                }
            }
        }
        tables.values_mut().for_each(|lines| lines.sort_by_key(|l| !l.starts_with(':')));
        Tables(tables)
    }

    /// The same without what rules have counted.
    pub(super) fn uncounted(mut self) -> Tables {
        for line in self.0.values_mut().flatten().filter(|line| line.starts_with('[')) {
            *line = line.split_once("] ").map_or(String::new(), |(_, rule)| rule.to_owned());
        }
        self
    }

    fn lines(&self, tool: &str, table: &str) -> &[String] {
        self.0.get(&(tool.to_owned(), table.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The same, but for what [`bare`] leaves out.
    pub(super) fn is(&self, goal: &Tables) -> bool {
        let places = self.0.keys().chain(goal.0.keys());
        places.into_iter().all(|(tool, table)| self.same(goal, tool, table))
    }

    fn same(&self, other: &Tables, tool: &str, table: &str) -> bool {
        bare(tool, self.lines(tool, table)) == bare(tool, other.lines(tool, table))
    }
}

/// Where a story begins, and where it ends if nothing happens.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) story: Story,
    pub(super) from: Tables,
    pub(super) to: Tables,
}

impl Way {
    /// What is wrong with being here. Families may fail apart; those who were killed had no chance to.
    pub(super) fn wrong(&self, now: &Tables, killed: bool) -> Option<String> {
        let Story { on, command, start } = self.story;
        let families = on.both_iptables();
        let came: Vec<Option<usize>> =
            families.map(|tool| self.came(now, tool, command == "remove")).to_vec();
        if let Some(at) = came.iter().position(Option::is_none) {
            return Some(format!("{}: half of something: {now:?}", families[at]));
        }
        if on == On::Nft && killed && came[0] != came[1] && families.iter().all(|f| self.moves(f)) {
            return Some(format!("one family without the other: {now:?}"));
        }
        if start != Start::Moved {
            return None;
        }
        let other = if on == On::Nft { On::Legacy } else { On::Nft };
        for (old, new) in other.both_iptables().into_iter().zip(families) {
            match self.came(now, old, true) {
                None => return Some(format!("{old}: half of something: {now:?}")),
                Some(0) => {}
                Some(_) if self.came(now, new, false) == Some(ORDER.len()) => {}
                Some(_) => return Some(format!("{old} went before {new} was whole: {now:?}")),
            }
        }
        None
    }

    fn moves(&self, tool: &str) -> bool {
        ORDER.iter().any(|table| self.from.lines(tool, table) != self.to.lines(tool, table))
    }

    /// How many tables of that tool are as they are to be, the others as they were; of nft none or all. `None` is
    /// half of something.
    fn came(&self, now: &Tables, tool: &str, removal: bool) -> Option<usize> {
        // What is taken from a service goes table by table, and it may repair in between.
        if self.story.command == "run" {
            let whole = |t: &&str| now.same(&self.to, tool, t) || now.same(&self.from, tool, t);
            return ORDER.iter().all(whole).then_some(0);
        }
        let mut order = ORDER;
        if removal {
            order.reverse();
        }
        let steps = if tool.contains("nft") { vec![0, 3] } else { vec![0, 1, 2, 3] };
        let reached = |done: &usize| {
            let (after, before) = order.split_at(*done);
            after.iter().all(|t| now.same(&self.to, tool, t))
                && before.iter().all(|t| now.same(&self.from, tool, t))
        };
        steps.into_iter().rev().find(reached)
    }
}

/// A table that holds nothing is as good as none: whoever asks iptables-legacy for one makes it. Nor does our own
/// canary count in legacy: where the record cannot be read or was never written, kubelet's proves not to be ours, and
/// one of our own is made beside it (0006).
fn bare<'a>(tool: &str, lines: &'a [String]) -> Vec<&'a String> {
    let another = |l: &str| tool.contains("legacy") && l.contains("CHAINKEEPER-CANARY");
    lines.iter().filter(|l| !l.contains(" ACCEPT [") && !another(l)).collect()
}
