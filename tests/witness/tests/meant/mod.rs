//! What a ruleset means, in rustables' words. Offsets, registers, numbers of hooks and keys are those
//! that rustables or libc know; nothing here comes from chainkeeper-nft but the name of a dialect.
mod xt;

use crate::seen::{Everything, Line, Rules, Word, sorted};
use chainkeeper_contract as contract;
use chainkeeper_contract::{Action, Cond, CtStates, Family, Matches, Prefix, Rule, Ruleset};
use chainkeeper_nft::Dialect;
use rustables::expr::{
    Bitwise, Cmp, CmpOp, ConnTrackState, Conntrack, ConntrackKey, Counter, HighLevelPayload,
    IPv4HeaderField, IPv6HeaderField, Immediate, Masquerade, Meta, MetaType, NetworkHeaderField,
    Register, VerdictKind,
};
use rustables::{Chain, ChainPolicy, ChainType, Hook, HookClass, ProtocolFamily, Table};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Userdata of each chain that chainkeeper makes.
const MARK: &[u8] = b"\xc8\x0echainkeeper 1\0";
/// NFT_CHAIN_BASE, as the kernel shows it.
const BASE: u32 = 1;

/// All that is there when nothing but these rulesets is.
pub(crate) fn everything(wants: &[Ruleset], dialect: Dialect) -> Everything {
    let (mut tables, mut chains, mut rules) = (BTreeSet::new(), vec![], Rules::new());
    for want in wants {
        let family = want.family;
        let canaries = want.canaries.iter().map(|c| (c.table, &c.shared));
        for (table, name) in want.chains.iter().map(|c| (c.table, &c.name)).chain(canaries) {
            tables.insert((family, table));
            let chain = Chain::new(&table_of(family, table));
            chains.push(chain.with_name(name.as_str()).with_userdata(MARK));
        }
        let hooks: BTreeSet<_> = want.jumps.iter().map(|j| (j.table, j.hook)).collect();
        chains.extend(hooks.into_iter().map(|(table, hook)| base(family, table, hook)));
        let lines = want
            .chains
            .iter()
            .flat_map(|c| c.rules.iter().map(|rule| (c.table, c.name.as_str(), rule)));
        let jumps = want.jumps.iter().map(|j| (j.table, j.hook.name(), &j.rule));
        for (table, chain, rule) in lines.chain(jumps) {
            let place = (family, table.name().to_owned(), chain.to_owned());
            rules.entry(place).or_default().push(line(family, dialect, rule));
        }
    }
    let tables = tables.into_iter().map(|(f, t)| table_of(f, t).with_flags(0u32)).collect();
    Everything { tables: sorted(tables), chains: sorted(chains), rules }
}

/// That table, by name only.
pub(crate) fn table_of(family: Family, table: contract::Table) -> Table {
    let family = match family {
        Family::Ipv4 => ProtocolFamily::Ipv4,
        Family::Ipv6 => ProtocolFamily::Ipv6,
    };
    Table::new(family).with_name(table.name())
}

/// A built-in chain with the priority that iptables gives it.
fn base(family: Family, table: contract::Table, hook: contract::Hook) -> Chain {
    let class = match hook {
        contract::Hook::Input => HookClass::In,
        contract::Hook::Output => HookClass::Out,
        contract::Hook::Postrouting => HookClass::PostRouting,
    };
    let output = hook == contract::Hook::Output;
    let (kind, priority) = match table {
        contract::Table::Filter => (ChainType::Filter, libc::NF_IP_PRI_FILTER),
        contract::Table::Nat if output => (ChainType::Nat, libc::NF_IP_PRI_NAT_DST),
        contract::Table::Nat => (ChainType::Nat, libc::NF_IP_PRI_NAT_SRC),
        contract::Table::Mangle if output => (ChainType::Route, libc::NF_IP_PRI_MANGLE),
        contract::Table::Mangle => (ChainType::Filter, libc::NF_IP_PRI_MANGLE),
    };
    Chain::new(&table_of(family, table))
        .with_name(hook.name())
        .with_hook(Hook::new(class, priority))
        .with_policy(ChainPolicy::Accept)
        .with_type(kind)
        .with_flags(BASE)
}

fn line(family: Family, dialect: Dialect, rule: &Rule) -> Line {
    let native = dialect == Dialect::Native;
    let mut words = addresses(family, &rule.matches);
    words.extend(if native { native_matches(rule) } else { xt::matches(rule) });
    words.push(Counter::default().with_nb_bytes(0u64).with_nb_packets(0u64).into());
    match &rule.action {
        Action::Drop => words.push(verdict(VerdictKind::Drop)),
        Action::Return => words.push(verdict(VerdictKind::Return)),
        Action::Jump(to) => words.push(verdict(VerdictKind::Jump { chain: to.to_string() })),
        Action::Mark { value, mask } if native => words.extend([
            Meta::new(MetaType::Mark).into(),
            bits(!mask, *value),
            Meta::default().with_sreg(Register::Reg1).with_key(MetaType::Mark).into(),
        ]),
        Action::Mark { value, mask } => words.push(xt::mark(*value, *mask)),
        Action::Masquerade { .. } if native => words.push(Masquerade::default().into()),
        Action::Masquerade { random_fully } => words.push(xt::masquerade(family, *random_fully)),
    }
    let comment = rule.comment.as_ref().filter(|_| native);
    (words, comment.map(|text| userdata(text)))
}

pub(crate) fn verdict(kind: VerdictKind) -> Word {
    Immediate::new_verdict(kind).into()
}

/// NFTNL_UDATA_RULE_COMMENT: type 0, length with NUL, text, NUL.
fn userdata(comment: &str) -> Vec<u8> {
    let mut out = vec![0, comment.len() as u8 + 1];
    out.extend(comment.bytes().chain([0]));
    out
}

fn addresses(family: Family, matches: &Matches) -> Vec<Word> {
    let (source, destination) = match family {
        Family::Ipv4 => (
            NetworkHeaderField::IPv4(IPv4HeaderField::Saddr),
            NetworkHeaderField::IPv4(IPv4HeaderField::Daddr),
        ),
        Family::Ipv6 => (
            NetworkHeaderField::IPv6(IPv6HeaderField::Saddr),
            NetworkHeaderField::IPv6(IPv6HeaderField::Daddr),
        ),
    };
    let asked = [(&matches.source, source), (&matches.destination, destination)];
    let asked = asked.into_iter().filter_map(|(cond, field)| Some((cond.as_ref()?, field)));
    asked.flat_map(|(cond, field)| address(cond, field)).collect()
}

/// In full width; a netmask where the prefix is shorter than the address.
fn address(cond: &Cond<Prefix>, field: NetworkHeaderField) -> Vec<Word> {
    let len = u32::from(cond.value.len);
    let (octets, netmask) = match cond.value.addr {
        IpAddr::V4(a) => {
            let netmask = u32::MAX.checked_shl(32 - len).unwrap_or(0);
            (a.octets().to_vec(), netmask.to_be_bytes().to_vec())
        }
        IpAddr::V6(a) => {
            let netmask = u128::MAX.checked_shl(128 - len).unwrap_or(0);
            (a.octets().to_vec(), netmask.to_be_bytes().to_vec())
        }
    };
    let mut words = vec![HighLevelPayload::Network(field).build().into()];
    if netmask.iter().any(|byte| *byte != 0xff) {
        let nothing = vec![0; netmask.len()];
        words.push(Bitwise::new(netmask, nothing).expect("equal lengths").into());
    }
    words.push(Cmp::new(equal(!cond.negated), octets).into());
    words
}

fn native_matches(rule: &Rule) -> Vec<Word> {
    let (mut words, matches) = (Vec::new(), &rule.matches);
    // Always true, and nothing that iptables-nft can read: else some would misread the mark.
    let marks = matches.mark.is_some() || matches!(rule.action, Action::Mark { .. });
    if marks && matches.ctstate.is_none() {
        words.push(Conntrack::new(ConntrackKey::State).into());
        words.push(bits(ConnTrackState::all().bits(), 0));
        words.push(Cmp::new(CmpOp::Neq, [0; 4]).into());
    }
    if let Some(cond) = &matches.mark {
        words.push(Meta::new(MetaType::Mark).into());
        if cond.value.mask != u32::MAX {
            words.push(bits(cond.value.mask, 0));
        }
        words.push(Cmp::new(equal(!cond.negated), cond.value.value.to_ne_bytes()).into());
    }
    if let Some(cond) = &matches.ctstate {
        words.push(Conntrack::new(ConntrackKey::State).into());
        words.push(bits(states(cond.value).bits(), 0));
        words.push(Cmp::new(equal(cond.negated), [0; 4]).into());
    }
    words
}

/// (mark & mask) ^ xor, in the byte order of this host.
fn bits(mask: u32, xor: u32) -> Word {
    Bitwise::new(mask.to_ne_bytes(), xor.to_ne_bytes()).expect("equal lengths").into()
}

fn equal(yes: bool) -> CmpOp {
    if yes { CmpOp::Eq } else { CmpOp::Neq }
}

fn states(set: CtStates) -> ConnTrackState {
    let names = [
        (CtStates::INVALID, ConnTrackState::INVALID),
        (CtStates::NEW, ConnTrackState::NEW),
        (CtStates::RELATED, ConnTrackState::RELATED),
        (CtStates::ESTABLISHED, ConnTrackState::ESTABLISHED),
        (CtStates::UNTRACKED, ConnTrackState::UNTRACKED),
    ];
    let known = names.iter().fold(0, |all, (xt, _)| all | xt);
    assert_eq!(set.0 & !known, 0, "rustables has no word for this conntrack state");
    names.into_iter().filter(|(xt, _)| set.0 & xt != 0).map(|(_, name)| name).collect()
}
