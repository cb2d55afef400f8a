//! Which messages make which change. One step becomes one or more messages of one batch.
use crate::expr::Expr;
use crate::lower::{Dialect, Inexpressible, Lowered, lower};
use chainkeeper_contract::{Family, Handle, Hook, Place, Rule, Step, Table};

/// One message of a batch, by meaning. Encoders turn it into bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Msg {
    /// NEWTABLE, CREATE: no error if it exists. Never sends flags, they would wake a dormant table.
    NewTable {
        /// The table.
        table: Table,
    },
    /// NEWCHAIN with hook, type and policy accept. Only for one just seen missing.
    NewBase {
        /// The table.
        table: Table,
        /// Which built-in chain.
        hook: Hook,
    },
    /// NEWCHAIN, CREATE | EXCL, with our mark: refused if somebody was faster.
    NewChain {
        /// The table.
        table: Table,
        /// The name.
        name: String,
    },
    /// NEWRULE.
    NewRule {
        /// The table.
        table: Table,
        /// The chain.
        chain: String,
        /// What it does.
        exprs: Vec<Expr>,
        /// A comment in its userdata.
        comment: Option<String>,
        /// First, last, or before a handle.
        place: Place,
    },
    /// DELRULE by handle.
    DelRule {
        /// The table.
        table: Table,
        /// The chain.
        chain: String,
        /// The rule.
        handle: Handle,
    },
    /// DELCHAIN by handle, NONREC: refused while it holds a rule or somebody jumps to it.
    DelChain {
        /// The table.
        table: Table,
        /// The chain.
        handle: Handle,
    },
}

/// The messages of one step, in the order in which the kernel must see them.
pub(crate) fn messages(
    family: Family,
    dialect: Dialect,
    step: &Step,
) -> Result<Vec<Msg>, Inexpressible> {
    let rules = |chain: &str, rules: &[Rule], place| {
        new_rules((family, dialect), (step.table(), chain), rules, place)
    };
    Ok(match step {
        Step::EnsureTable { table } => vec![Msg::NewTable { table: *table }],
        Step::EnsureHook { table, hook } => vec![Msg::NewBase { table: *table, hook: *hook }],
        Step::CreateChain { table, chain } => {
            vec![Msg::NewChain { table: *table, name: chain.to_string() }]
        }
        Step::Rewrite { table, chain, remove, insert, place, .. } => {
            let chain = chain.as_str();
            let mut out = rules(chain, insert, *place)?;
            out.extend(remove.iter().map(|handle| del_rule(*table, chain, *handle)));
            out
        }
        Step::Insert { hook, rule, place, .. } => {
            rules(hook.name(), std::slice::from_ref(rule), *place)?
        }
        Step::Remove { table, chain, handle, .. } => {
            vec![del_rule(*table, chain.as_str(), *handle)]
        }
        Step::DeleteChain { table, handle, .. } => {
            vec![Msg::DelChain { table: *table, handle: *handle }]
        }
    })
}

fn del_rule(table: Table, chain: &str, handle: Handle) -> Msg {
    Msg::DelRule { table, chain: chain.to_owned(), handle }
}

/// Rules in order at one place. Each rule put first lands before the one put first earlier, so those
/// go in reverse.
fn new_rules(
    (family, dialect): (Family, Dialect),
    (table, chain): (Table, &str),
    rules: &[Rule],
    place: Place,
) -> Result<Vec<Msg>, Inexpressible> {
    let message = |rule: &Rule| {
        let Lowered { exprs, comment } = lower(family, dialect, rule)?;
        Ok(Msg::NewRule { table, chain: chain.to_owned(), exprs, comment, place })
    };
    match place {
        Place::First => rules.iter().rev().map(message).collect(),
        Place::Last | Place::Before(_) => rules.iter().map(message).collect(),
    }
}
