//! Does a packet get as far as our jump? Follows what stands before it, without knowing packets.
use crate::names::{ChainName, Table};
use crate::observed::{End, Observed, Outline, RuleSeen};
use crate::ruleset::Ruleset;
use std::collections::BTreeSet;

/// Rules read at most before giving up. A walk is only done when something stands before our jump.
pub const WALK_LIMIT: usize = 1000;

/// What stands before a jump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Nothing that ends a packet.
    Effective,
    /// Some packets end before it, at this rule.
    Shadowed(String),
    /// Every packet ends before it, at this rule.
    Unreached(String),
    /// Too many rules, or a rule that cannot be judged.
    NotJudged(String),
    /// The answer depends on a chain that was not read; a backend reads it and asks again.
    Needs(ChainName),
}

/// How a stretch of rules ends for a packet that enters it.
#[derive(Clone)]
enum Walked {
    Through,
    Left,
    Ended(String),
    Stop(Judgement),
}

struct Walk<'a> {
    seen: &'a Observed,
    want: Option<&'a Ruleset>,
    table: Table,
    budget: usize,
    stack: Vec<ChainName>,
    shadow: Option<String>,
    /// A foreign rule that ends packets inside one of our own chains. Moving a jump of ours before
    /// another of ours would only swap them, for ever.
    inside: Option<String>,
}

/// Judges what stands before jumps in the built-in chain `hook` with these rules. Their places ascend, so
/// that one walk meets them all.
/// `want` names the rules that are ours and hence no shadow; a backend that only wants to know what
/// to read passes `None`.
pub(crate) fn judge(
    seen: &Observed,
    want: Option<&Ruleset>,
    table: Table,
    hook: &ChainName,
    rules: &[RuleSeen],
    places: &[usize],
) -> Vec<Judgement> {
    let stack = vec![hook.clone()];
    let mut walk =
        Walk { seen, want, table, budget: WALK_LIMIT, stack, shadow: None, inside: None };
    let (mut from, mut end) = (0, Walked::Through);
    let judge = |place: &usize| {
        if matches!(end, Walked::Through) {
            end = walk.rules(hook, &rules[from..*place]);
            from = *place;
        }
        walk.judgement(end.clone())
    };
    places.iter().map(judge).collect()
}

/// A chain that must be read before it can be said whether packets reach a jump from `hook` to one of
/// `targets`.
pub fn needed(
    seen: &Observed,
    table: Table,
    hook: &ChainName,
    targets: &BTreeSet<ChainName>,
) -> Option<ChainName> {
    let rules = &seen.chain(table, hook)?.rules;
    // What is needed before any of them is needed before the last.
    let last = rules.iter().rposition(|r| r.jumps_to().is_some_and(|to| targets.contains(to)))?;
    match judge(seen, None, table, hook, rules, &[last]).pop()? {
        Judgement::Needs(name) => Some(name),
        Judgement::Effective
        | Judgement::Shadowed(_)
        | Judgement::Unreached(_)
        | Judgement::NotJudged(_) => None,
    }
}

impl Walk<'_> {
    /// Of what stands behind all rules so far, that end like this.
    fn judgement(&self, end: Walked) -> Judgement {
        match end {
            Walked::Stop(judgement) => judgement,
            Walked::Ended(rule) => Judgement::Unreached(rule),
            Walked::Left => Judgement::Unreached("a return to the policy".into()),
            Walked::Through => match (&self.inside, &self.shadow) {
                (_, Some(by)) => Judgement::Shadowed(by.clone()),
                (Some(by), None) => Judgement::NotJudged(format!("{by} stands in a chain of ours")),
                (None, None) => Judgement::Effective,
            },
        }
    }

    fn rules(&mut self, chain: &ChainName, rules: &[RuleSeen]) -> Walked {
        for rule in rules {
            if self.budget == 0 {
                let why = format!("more than {WALK_LIMIT} rules stand before it");
                return Walked::Stop(Judgement::NotJudged(why));
            }
            self.budget -= 1;
            let outline = rule.outline();
            let ends = matches!(outline.end, End::Accept | End::Drop | End::Other(_));
            let step = match outline.conditional {
                // Where our own rules end a packet, that is what is wanted.
                _ if ends && self.wanted(chain, rule) => Walked::Through,
                true => self.note_shadow(chain, &outline),
                false => self.every_packet(chain, &outline),
            };
            match step {
                Walked::Through => {}
                Walked::Left | Walked::Ended(_) | Walked::Stop(_) => return step,
            }
        }
        Walked::Through
    }

    fn is_ours(&self, chain: &ChainName) -> bool {
        self.want.is_some_and(|want| want.chain(self.table, chain).is_some())
    }

    fn wanted(&self, chain: &ChainName, rule: &RuleSeen) -> bool {
        let rule = rule.rule().zip(self.want);
        rule.is_some_and(|(rule, want)| want.wants(self.table, chain, rule))
    }

    /// A rule that only some packets meet: it never ends the walk, but may be worth a word.
    fn note_shadow(&mut self, chain: &ChainName, outline: &Outline) -> Walked {
        let verdict = match outline.end {
            End::Accept | End::Drop | End::Other(_) | End::Unknown(_) => true,
            // Neither comes back into a built-in chain.
            End::Return | End::Goto(_) => self.stack.len() == 1,
            End::Next | End::Jump(_) => false,
        };
        if verdict && self.is_ours(chain) {
            self.inside.get_or_insert(format!("{chain} {}", outline.text));
        } else if verdict && self.shadow.is_none() {
            self.shadow = Some(format!("{chain} {}", outline.text));
        }
        Walked::Through
    }

    fn every_packet(&mut self, chain: &ChainName, outline: &Outline) -> Walked {
        match &outline.end {
            End::Next => Walked::Through,
            End::Accept | End::Drop | End::Other(_) => {
                Walked::Ended(format!("{chain} {}", outline.text))
            }
            End::Return if self.stack.len() == 1 => {
                Walked::Ended(format!("{chain} {}", outline.text))
            }
            End::Return => Walked::Left,
            End::Unknown(name) => {
                let why = format!("{chain} has a rule that cannot be judged ({name})");
                Walked::Stop(Judgement::NotJudged(why))
            }
            End::Jump(to) => match self.enter(to) {
                Walked::Left => Walked::Through,
                other @ (Walked::Through | Walked::Ended(_) | Walked::Stop(_)) => other,
            },
            // A goto comes back to the caller of this chain: below a base chain that is the policy.
            End::Goto(to) => match self.enter(to) {
                Walked::Through | Walked::Left if self.stack.len() == 1 => {
                    Walked::Ended(format!("{chain} {}", outline.text))
                }
                Walked::Through => Walked::Left,
                other @ (Walked::Left | Walked::Ended(_) | Walked::Stop(_)) => other,
            },
        }
    }

    fn enter(&mut self, to: &ChainName) -> Walked {
        if self.stack.contains(to) {
            let why = format!("{to} leads back to itself");
            return Walked::Stop(Judgement::NotJudged(why));
        }
        let Some(table) = self.seen.tables.get(&self.table) else { return Walked::Through };
        let Some(chain) = table.chains.get(to) else {
            return Walked::Stop(if table.truncated {
                Judgement::NotJudged(format!("more than {WALK_LIMIT} rules stand before it"))
            } else {
                Judgement::Needs(to.clone())
            });
        };
        self.stack.push(to.clone());
        let end = self.rules(to, &chain.rules);
        self.stack.pop();
        match end {
            Walked::Ended(by) if self.is_ours(to) => {
                self.inside.get_or_insert(by);
                Walked::Through
            }
            other @ (Walked::Ended(_) | Walked::Through | Walked::Left | Walked::Stop(_)) => other,
        }
    }
}
