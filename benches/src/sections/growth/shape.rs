//! Rulesets of any size.
use chainkeeper_contract::{
    Action, Chain, Cond, Family, Hook, Jump, Mark, Matches, Prefix, Rule, Ruleset, Table,
};
use std::net::{IpAddr, Ipv4Addr};

/// How many rules are wanted.
pub(super) const SIZES: [usize; 7] = [10, 30, 100, 300, 1_000, 3_000, 10_000];

/// How they are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// All in one chain.
    One,
    /// Ten in each chain.
    Many,
}

impl Shape {
    pub(super) const EACH: [Shape; 2] = [Shape::One, Shape::Many];

    pub(super) fn name(self) -> &'static str {
        match self {
            Shape::One => "one",
            Shape::Many => "many",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Shape::One => "one chain",
            Shape::Many => "chains of ten",
        }
    }

    /// So many rules, all different, and a jump from OUTPUT to each chain.
    pub(super) fn ruleset(self, rules: usize) -> Ruleset {
        let each = match self {
            Shape::One => rules,
            Shape::Many => 10,
        };
        let numbers: Vec<usize> = (0..rules).collect();
        let mut set = Ruleset::empty(Family::Ipv4);
        for (nth, of) in numbers.chunks(each).enumerate() {
            let name = format!("BENCH-{nth}");
            set.jumps.push(jump(&name));
            let rules = of.iter().map(|n| rule(*n)).collect();
            let (table, name) = (Table::Filter, name.as_str().into());
            set.chains.push(Chain { table, name, rules, instead: vec![], retired: vec![] });
        }
        set
    }
}

/// As kubelet's drop rule, for one source.
fn rule(number: usize) -> Rule {
    let [.., a, b, c] = number.to_be_bytes();
    let source = Prefix { addr: IpAddr::V4(Ipv4Addr::new(10, a, b, c)), len: 32 };
    let matches = Matches {
        source: Some(Cond::is(source)),
        mark: Some(Cond::is(Mark { value: BIT, mask: BIT })),
        ..Matches::default()
    };
    Rule::new(Action::Drop).when(matches).comment("drop what is marked")
}

const BIT: u32 = 0x8000;

/// The same rule as an earlier configuration would have made it.
pub(super) fn with_other_bit(rule: &Rule) -> Rule {
    let mark = Some(Cond::is(Mark { value: BIT << 1, mask: BIT << 1 }));
    Rule { matches: Matches { mark, ..rule.matches.clone() }, ..rule.clone() }
}

fn jump(to: &str) -> Jump {
    let rule = Rule::new(Action::Jump(to.into()));
    Jump { table: Table::Filter, hook: Hook::Output, to: to.into(), rule }
}
