//! What the kernel's messages say of tables, chains and rules.
use crate::base::{OWNERSHIP_MARK, definition, hook_named};
use crate::expr::Expr;
use crate::raise::raise;
use crate::read::{ChainMsg, RuleMsg, TableMsg};
use crate::uapi as u;
use chainkeeper_contract::{
    BaseChain, ChainName, ChainSeen, Counters, Family, Handle, Observed, RuleSeen, Table, TableSeen,
};

pub(super) fn rule_seen(family: Family, msg: &RuleMsg) -> RuleSeen {
    let seen = raise(family, &msg.exprs, &msg.userdata);
    let unreadable = unreadable(msg);
    RuleSeen { handle: Handle(msg.handle), seen, unreadable, counters: counters(&msg.exprs) }
}

/// True when every iptables-nft gives up the table because of this rule: measured with 1.8.2 to 1.8.13.
/// A native mark match or target alone does not: some versions read it, some read half of it.
pub(super) fn unreadable(rule: &RuleMsg) -> bool {
    rule.exprs.iter().any(|e| matches!(e, Expr::Ct { .. } | Expr::Masq { .. }))
}

/// Of the first counter: a rule of ours has no more than one.
fn counters(exprs: &[Expr]) -> Option<Counters> {
    exprs.iter().find_map(|expr| {
        let Expr::Counter { packets, bytes } = expr else { return None };
        Some(Counters { packets: *packets, bytes: *bytes })
    })
}

pub(super) fn add_table(seen: &mut Observed, msg: &TableMsg) {
    let Some(table) = Table::from_name(&msg.name) else { return };
    let dormant = msg.flags & u::NFT_TABLE_F_DORMANT != 0;
    let owned = msg.flags & u::NFT_TABLE_F_OWNER != 0;
    let owner = msg.owner.or(owned.then_some(0));
    seen.tables.insert(table, TableSeen { dormant, owner, ..TableSeen::default() });
}

pub(super) fn add_chain(
    seen: &mut Observed,
    uses: &mut Vec<(Table, ChainName, u32)>,
    msg: &ChainMsg,
) {
    let Some(table) = Table::from_name(&msg.table) else { return };
    let name = ChainName::from(msg.name.as_str());
    uses.push((table, name.clone(), msg.uses));
    let chain = ChainSeen {
        handle: Handle(msg.handle),
        base: base(table, msg),
        ours: msg.userdata == OWNERSHIP_MARK,
        rules: Vec::new(),
    };
    seen.tables.entry(table).or_default().chains.insert(name, chain);
}

fn base(table: Table, msg: &ChainMsg) -> Option<BaseChain> {
    let (number, priority) = msg.hook?;
    let kind = msg.kind.as_deref().unwrap_or("?");
    let standard = hook_named(&msg.name).is_some_and(|hook| {
        let d = definition(table, hook);
        d.hook == number && d.priority == priority && d.kind == kind
    });
    Some(BaseChain { standard, text: format!("type {kind} hook {number} priority {priority}") })
}
