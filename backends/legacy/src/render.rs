//! A plan as text for `iptables-restore --noflush`.
//!
//! Only rules of ours are spelled out, in the tool's own words where they exist. A rule goes by its
//! text (`-D CHAIN SPEC`), never by its number: if somebody who takes no lock has written meanwhile, the
//! tool finds nothing and refuses, instead of deleting another's rule. A chain is made by `-N`, since
//! `:CHAIN` would empty one that is there.
use crate::saves::{Chains, Tables};
use chainkeeper_contract::{Action, ChainName, Handle, Place, Rule, Step, Table};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The input of a restore, and which step each of its lines belongs to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    /// In the order in which they are to be committed.
    pub(crate) tables: Vec<(Table, String)>,
    /// For each line of all tables together, the step in words.
    pub(crate) steps: Vec<String>,
}

impl Script {
    /// `random_fully`: false where the tool does not know the option. The error is a step that names a
    /// rule which was not seen.
    pub(crate) fn of(steps: &[Step], seen: &Tables, random_fully: bool) -> Result<Script, String> {
        let mut script = Script::default();
        // What acts on a mark is there before the mark, and the hint comes last: it tells others of what is
        // in place. The other way round when all of it goes.
        let mut order = [Table::Filter, Table::Nat, Table::Mangle];
        if steps.iter().any(|s| matches!(s, Step::DeleteChain { .. })) {
            order.reverse();
        }
        for table in order {
            let mut work = Work::new(random_fully, seen.table(table));
            for step in steps.iter().filter(|s| s.table() == table) {
                work.step(step).ok_or_else(|| step.to_string())?;
            }
            if !work.out.is_empty() {
                script.push(table, &work.out);
            }
        }
        Ok(script)
    }

    fn push(&mut self, table: Table, lines: &[(String, String)]) {
        let mut text = format!("*{table}\n");
        self.steps.push(format!("open table {table}"));
        for (line, step) in lines {
            let _ = writeln!(text, "{line}");
            self.steps.push(step.clone());
        }
        text.push_str("COMMIT\n");
        self.steps.push(format!("commit table {table}"));
        self.tables.push((table, text));
    }

    /// The whole input.
    pub(crate) fn text(&self) -> String {
        self.tables.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Leaves out what stands before a table: it is committed.
    pub(crate) fn skip_to(&mut self, table: Table) {
        let at = self.tables.iter().position(|(t, _)| *t == table).unwrap_or(0);
        let lines: usize = self.tables.drain(..at).map(|(_, text)| text.lines().count()).sum();
        self.steps.drain(..lines);
    }

    /// True when something is written in that table.
    pub(crate) fn has(&self, table: Table) -> bool {
        self.tables.iter().any(|(t, _)| *t == table)
    }

    /// True when `table` is committed before `other` is.
    pub(crate) fn before(&self, table: Table, other: Table) -> bool {
        let at = |table| self.tables.iter().position(|(t, _)| *t == table);
        at(table).zip(at(other)).is_some_and(|(a, b)| a < b)
    }

    /// The table that a line (from 1) belongs to: those before it were committed.
    pub(crate) fn table_at(&self, line: usize) -> Option<Table> {
        let mut before = 0;
        let ends = self.tables.iter().map(|(table, text)| {
            before += text.lines().count();
            (before, *table)
        });
        ends.into_iter().find(|(end, _)| line <= *end).map(|(_, table)| table)
    }
}

/// A rule in the model of a chain: one that was seen, by its number and text, or a new one.
#[derive(Debug, Clone)]
struct Line {
    handle: Option<Handle>,
    spec: String,
}

struct Work<'a> {
    random_fully: bool,
    seen: Option<&'a Chains>,
    /// The chains that were touched, as they will be when the lines so far are through.
    chains: BTreeMap<ChainName, Vec<Line>>,
    /// Lines with the step that they belong to.
    out: Vec<(String, String)>,
}

impl<'a> Work<'a> {
    fn new(random_fully: bool, seen: Option<&'a Chains>) -> Work<'a> {
        Work { random_fully, seen, chains: BTreeMap::new(), out: vec![] }
    }

    /// The lines of a chain, at first as they were seen.
    fn chain(&mut self, name: &ChainName) -> &mut Vec<Line> {
        let seen = self.seen.and_then(|chains| chains.get(name));
        self.chains.entry(name.clone()).or_insert_with(|| {
            let rules = seen.map_or(&[][..], |c| &c.rules).iter().enumerate();
            rules
                .map(|(i, spec)| Line { handle: Some(Handle(i as u64 + 1)), spec: spec.clone() })
                .collect()
        })
    }

    fn step(&mut self, step: &Step) -> Option<()> {
        let words = step.to_string();
        match step {
            // The kernel has both as soon as anybody asks for the table.
            Step::EnsureTable { .. } | Step::EnsureHook { .. } => {}
            Step::CreateChain { chain, .. } => {
                self.out.push((format!("-N {chain}"), words));
            }
            Step::Rewrite { chain, remove, insert, place, .. } => {
                for handle in remove {
                    self.delete(chain, *handle, &words)?;
                }
                let at = self.place(chain, *place)?;
                for (n, rule) in insert.iter().enumerate() {
                    self.insert(chain, at + n, self.spec(rule), &words);
                }
            }
            Step::Insert { hook, rule, place, .. } => {
                let (chain, spec) = (hook.chain(), self.spec(rule));
                let at = self.place(&chain, *place)?;
                self.insert(&chain, at, spec, &words);
            }
            Step::Remove { chain, handle, .. } => self.delete(chain, *handle, &words)?,
            Step::DeleteChain { chain, .. } => self.out.push((format!("-X {chain}"), words)),
        }
        Some(())
    }

    fn spec(&self, rule: &Rule) -> String {
        match rule.action {
            Action::Masquerade { .. } if !self.random_fully => {
                Rule { action: Action::Masquerade { random_fully: false }, ..rule.clone() }
                    .to_string()
            }
            Action::Drop
            | Action::Return
            | Action::Jump(_)
            | Action::Mark { .. }
            | Action::Masquerade { .. } => rule.to_string(),
        }
    }

    fn place(&mut self, chain: &ChainName, place: Place) -> Option<usize> {
        let lines = self.chain(chain);
        match place {
            Place::First => Some(0),
            Place::Last => Some(lines.len()),
            Place::Before(handle) => lines.iter().position(|l| l.handle == Some(handle)),
        }
    }

    fn insert(&mut self, chain: &ChainName, at: usize, spec: String, words: &str) {
        let lines = self.chain(chain);
        let line = match at >= lines.len() {
            true => format!("-A {chain} {spec}"),
            false => format!("-I {chain} {} {spec}", at + 1),
        };
        lines.insert(at.min(lines.len()), Line { handle: None, spec });
        self.out.push((line, words.to_owned()));
    }

    /// `-D CHAIN SPEC` takes the first rule of that text. Equal ones before ours go as well, and back to
    /// their places.
    fn delete(&mut self, chain: &ChainName, handle: Handle, words: &str) -> Option<()> {
        let lines = self.chain(chain);
        let at = lines.iter().position(|l| l.handle == Some(handle))?;
        let spec = lines.remove(at).spec;
        let equal: Vec<usize> = (0..at).filter(|i| lines[*i].spec == spec).collect();
        for _ in 0..=equal.len() {
            self.out.push((format!("-D {chain} {spec}"), words.to_owned()));
        }
        for at in equal {
            self.out.push((format!("-I {chain} {} {spec}", at + 1), words.to_owned()));
        }
        Some(())
    }
}
