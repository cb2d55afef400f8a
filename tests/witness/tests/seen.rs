//! What rustables sees of a network namespace. It is asked for everything in every family: its
//! listings of one chain or table mix families up (`limits`).
use chainkeeper_contract::Family;
use rustables::error::QueryError;
use rustables::expr::{ExpressionVariant, RawExpression};
use rustables::query::{get_list_of_objects, list_objects_with_data};
use rustables::{Chain, Rule, Table, list_tables};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// One expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// One that rustables reads.
    Known(RawExpression),
    /// One of which it keeps the bytes: `match` or `target`, and the attributes.
    Kept(String, Vec<u8>),
}

impl<T: Into<RawExpression>> From<T> for Word {
    fn from(expression: T) -> Word {
        Word::Known(expression.into())
    }
}

/// One rule: its expressions in order, and its userdata.
pub(crate) type Line = (Vec<Word>, Option<Vec<u8>>);

/// Rules in order, of each chain that has some: by family, table and name.
pub(crate) type Rules = BTreeMap<(Family, String, String), Vec<Line>>;

/// All that is there. Tables and chains are in no order: see [`sorted`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Everything {
    pub(crate) tables: Vec<Table>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) rules: Rules,
}

/// Reads everything.
pub(crate) fn everything() -> Everything {
    let mut rules = Rules::new();
    for rule in list_rules().expect("rules") {
        rules.entry(place(&rule)).or_default().push(line(&rule));
    }
    let (tables, chains) = (list_tables().expect("tables"), list_chains().expect("chains"));
    Everything { tables: sorted(tables), chains: sorted(chains), rules }
}

pub(crate) fn list_rules() -> Result<Vec<Rule>, QueryError> {
    let mut all = Vec::new();
    let push = |rule, all: &mut Vec<Rule>| {
        all.push(rule);
        Ok(())
    };
    list_objects_with_data(libc::NFT_MSG_GETRULE as u16, &push, None, &mut all)?;
    Ok(all)
}

pub(crate) fn list_chains() -> Result<Vec<Chain>, QueryError> {
    let mut all = Vec::new();
    let push = |chain, all: &mut Vec<Chain>| {
        all.push(chain);
        Ok(())
    };
    list_objects_with_data(libc::NFT_MSG_GETCHAIN as u16, &push, None, &mut all)?;
    Ok(all)
}

/// In the order of what they look like.
pub(crate) fn sorted<T: Debug>(mut all: Vec<T>) -> Vec<T> {
    all.sort_by_cached_key(|one| format!("{one:?}"));
    all
}

/// Where a rule is.
pub(crate) fn place(rule: &Rule) -> (Family, String, String) {
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    (family(rule), text(rule.get_table()), text(rule.get_chain()))
}

pub(crate) fn line(rule: &Rule) -> Line {
    let words = rule.get_expressions().map_or(vec![], |list| list.iter().map(word).collect());
    (words, rule.get_userdata().cloned())
}

/// rustables keeps the family to itself, but for `Debug`.
pub(crate) fn family(object: &impl Debug) -> Family {
    let shown = format!("{object:?}");
    let of = |f: &Family| shown.contains(&format!("family: {f:?}"));
    Family::ALL.into_iter().find(of).unwrap_or_else(|| panic!("another family: {shown}"))
}

fn word(expression: &RawExpression) -> Word {
    let name = expression.get_name().cloned().unwrap_or_default();
    match expression.get_data() {
        // Its bytes are private; written again they come after both headers of a message.
        Some(ExpressionVariant::ExpressionRaw(raw)) => {
            let message = get_list_of_objects(0, 0, Some(raw)).expect("no error is possible");
            Word::Kept(name, message[20..].to_vec())
        }
        _ => Word::Known(expression.clone()),
    }
}
