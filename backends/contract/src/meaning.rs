//! Many rules at once, asked by their meaning. To go through all of them for each of them would take the
//! square of their number.
use crate::observed::RuleSeen;
use crate::rule::{Action, Rule};
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

/// So few are gone through: to hash them takes longer.
const FEW: usize = 8;

/// Rules of which it is asked whether one of them is like another. Hashed when first asked.
#[derive(Default)]
pub(crate) struct Rules<'a> {
    all: Vec<&'a Rule>,
    meanings: OnceCell<HashSet<Meaning<'a>>>,
    /// By what is left of a rule without its bit: all bits that it has.
    bits: OnceCell<HashMap<(bool, Rule), u32>>,
}

impl<'a> FromIterator<&'a Rule> for Rules<'a> {
    fn from_iter<T: IntoIterator<Item = &'a Rule>>(rules: T) -> Rules<'a> {
        Rules { all: rules.into_iter().collect(), ..Rules::default() }
    }
}

impl<'a> Rules<'a> {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// True when one of them means the same, see [`Rule::means`].
    pub(crate) fn mean(&self, rule: &Rule) -> bool {
        if self.all.len() <= FEW {
            return self.all.iter().any(|one| one.means(rule));
        }
        let meanings = || self.all.iter().map(|rule| Meaning(rule)).collect();
        self.meanings.get_or_init(meanings).contains(&Meaning(rule))
    }

    /// True when one of them has another bit and is the same otherwise, see
    /// [`Rule::differs_only_in_bit`].
    pub(crate) fn differ_only_in_bit(&self, rule: &Rule) -> bool {
        if self.all.len() <= FEW {
            return self.all.iter().any(|one| one.differs_only_in_bit(rule));
        }
        let Some((bit, rest)) = rule.but_for_bit() else { return false };
        self.bits.get_or_init(|| self.by_bit()).get(&rest).is_some_and(|bits| bits & !bit != 0)
    }

    fn by_bit(&self) -> HashMap<(bool, Rule), u32> {
        let mut bits = HashMap::new();
        for (bit, rest) in self.all.iter().filter_map(|rule| rule.but_for_bit()) {
            *bits.entry(rest).or_default() |= bit;
        }
        bits
    }
}

/// The wanted rules of a chain, beside what is found there.
pub(crate) struct Owned<'a> {
    pub(crate) wanted: Rules<'a>,
    /// Those of them that are not there.
    pub(crate) missing: Rules<'a>,
}

impl<'a> Owned<'a> {
    pub(crate) fn of(want: &'a [Rule], found: &[RuleSeen]) -> Owned<'a> {
        let there: Rules<'_> = found.iter().filter_map(RuleSeen::rule).collect();
        let missing = want.iter().filter(|rule| !there.mean(rule)).collect();
        Owned { wanted: want.iter().collect(), missing }
    }

    /// True when a rule found in this chain is ours: wanted, or an earlier form of a wanted one.
    pub(crate) fn has(&self, rule: &Rule) -> bool {
        self.wanted.mean(rule) || self.earlier(rule)
    }

    /// In the place of a wanted rule that is missing, and different from it only in the mark bit: an earlier
    /// configuration of ours, or another program with another bit.
    pub(crate) fn earlier(&self, rule: &Rule) -> bool {
        self.missing.differ_only_in_bit(rule) && !self.wanted.mean(rule)
    }
}

/// A rule, equal to all that mean the same.
struct Meaning<'a>(&'a Rule);

impl PartialEq for Meaning<'_> {
    fn eq(&self, other: &Meaning<'_>) -> bool {
        self.0.means(other.0)
    }
}

impl Eq for Meaning<'_> {}

impl Hash for Meaning<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Rule { matches, action, comment } = self.0;
        matches.hash(state);
        comment.hash(state);
        match action {
            Action::Masquerade { .. } => {} // with or without --random-fully
            Action::Drop | Action::Return | Action::Jump(_) | Action::Mark { .. } => {
                action.hash(state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Family, Table};
    use crate::testing::{Dice, random_rule};

    /// Many rules are asked in another way than few; both say what the rules themselves say.
    #[test]
    fn many_rules_are_asked_as_few_are() {
        let (mut meant, mut differed) = (0, 0);
        for seed in 0..200 {
            let mut dice = Dice::seeded(seed, 3_000);
            let mut rule = || random_rule(&mut dice, Family::Ipv4, Table::Nat);
            let all: Vec<Rule> = (0..seed % 60).map(|_| rule()).collect();
            let rules: Rules<'_> = all.iter().collect();
            for asked in (0..60).map(|_| rule()) {
                let means = all.iter().any(|r| r.means(&asked));
                assert_eq!(rules.mean(&asked), means, "{asked} of {all:#?}");
                let differs = all.iter().any(|r| r.differs_only_in_bit(&asked));
                assert_eq!(rules.differ_only_in_bit(&asked), differs, "{asked} of {all:#?}");
                meant += u32::from(means);
                differed += u32::from(differs);
            }
        }
        assert!(meant.min(differed) > 100, "hardly ever: {meant}, {differed}");
    }
}
