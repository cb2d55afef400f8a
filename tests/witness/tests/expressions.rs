//! Single messages, with numbers that no rule of ours has: a mistake cannot hide behind a zero or behind
//! two equal values.
use crate::seen::{self, Word};
use crate::{both, in_netns, meant};
use chainkeeper_contract::{Family, Handle, Place, Table};
use chainkeeper_nft::Msg;
use chainkeeper_nft::expr::{Expr, Verdict};
use chainkeeper_nft::read::{Body, Messages};
use chainkeeper_nft::write::{Batch, Encoder, Writer};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};
use rustables::expr::{
    Bitwise, Cmp, CmpOp, Conntrack, ConntrackKey, Counter, HighLevelPayload, LLHeaderField, Meta,
    MetaType, Payload, RawExpression, Register, TCPHeaderField, TransportHeaderField, VerdictKind,
};
use std::os::fd::AsRawFd;

/// One batch, which must be committed.
pub(crate) fn commit(encoder: Encoder, messages: &[(Family, Msg)]) {
    let bytes = encoder.batch(&Batch::new(messages, None, 1, true).expect("writable"));
    let (kind, protocol) = (SockType::Raw, SockProtocol::NetlinkNetFilter);
    let socket = socket(AddressFamily::Netlink, kind, SockFlag::empty(), protocol).expect("socket");
    send(socket.as_raw_fd(), &bytes, MsgFlags::empty()).expect("send");
    let mut answer = vec![0; 1 << 16];
    // All answers are there when send returns.
    while let Ok(len) = recv(socket.as_raw_fd(), &mut answer, MsgFlags::MSG_DONTWAIT) {
        for message in Messages::new(&answer[..len]) {
            let message = message.expect("well-formed");
            if let Body::Error { errno, offset } = message.body {
                assert_eq!(errno, 0, "{encoder:?} message {} at {offset:?}", message.seq - 1);
            }
        }
    }
}

pub(crate) fn rule(exprs: Vec<Expr>, place: Place) -> Msg {
    let (table, chain) = (Table::Filter, "CK-A".into());
    Msg::NewRule { table, chain, exprs, comment: None, place }
}

/// A table with two chains.
pub(crate) fn chains() -> Vec<Msg> {
    let table = Table::Filter;
    let chain = |name: &str| Msg::NewChain { table, name: name.into() };
    vec![Msg::NewTable { table }, chain("CK-A"), chain("CK-B")]
}

/// Expressions for one rule, each beside what it is for rustables. A register is loaded before it is
/// used: the kernel insists.
pub(crate) fn pairs() -> Vec<(Expr, RawExpression)> {
    let (mask, xor) = (vec![1, 2, 3, 4], vec![5, 6, 7, 8]);
    let ops = [CmpOp::Eq, CmpOp::Neq, CmpOp::Lt, CmpOp::Lte, CmpOp::Gt, CmpOp::Gte];
    let dport = TransportHeaderField::Tcp(TCPHeaderField::Dport);
    let mut pairs = vec![
        (
            Expr::Counter { packets: 7, bytes: 1 << 40 },
            Counter::default().with_nb_packets(7u64).with_nb_bytes(1u64 << 40).into(),
        ),
        (
            Expr::Payload { dreg: 1, base: 0, offset: 6, len: 6 },
            HighLevelPayload::LinkLayer(LLHeaderField::Saddr).build().into(),
        ),
        (
            Expr::Payload { dreg: 1, base: 2, offset: 2, len: 2 },
            HighLevelPayload::Transport(dport).build().into(),
        ),
        (
            Expr::Payload { dreg: 4, base: 1, offset: 3, len: 16 },
            Payload::default()
                .with_dreg(Register::Reg4)
                .with_base(1u32)
                .with_offset(3u32)
                .with_len(16u32)
                .into(),
        ),
        (Expr::Meta { dreg: 1, key: 4 }, Meta::new(MetaType::Iif).into()),
        (
            Expr::Meta { dreg: 2, key: 3 },
            Meta::default().with_dreg(Register::Reg2).with_key(MetaType::Mark).into(),
        ),
        (
            Expr::Bitwise { sreg: 2, dreg: 3, mask: mask.clone(), xor: xor.clone() },
            Bitwise::new(mask, xor)
                .expect("equal lengths")
                .with_sreg(Register::Reg2)
                .with_dreg(Register::Reg3)
                .into(),
        ),
        (
            Expr::MetaSet { sreg: 3, key: 3 },
            Meta::default().with_sreg(Register::Reg3).with_key(MetaType::Mark).into(),
        ),
        (
            Expr::Ct { dreg: 3, key: 3 },
            Conntrack::default().with_dreg(Register::Reg3).with_key(ConntrackKey::Mark).into(),
        ),
    ];
    pairs.extend((0..).zip(ops).map(|(op, name)| {
        let data = vec![op as u8, 1, 2, 3];
        let theirs = Cmp::new(name, data.clone()).with_sreg(Register::Reg3);
        (Expr::Cmp { sreg: 3, op, data }, theirs.into())
    }));
    pairs
}

#[test]
fn every_expression_and_register_is_reread_as_meant() {
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs().into_iter().unzip();
    let theirs: Vec<Word> = theirs.into_iter().map(Word::Known).collect();
    for encoder in Encoder::ALL {
        in_netns(|| {
            commit(*encoder, &both(&[chains(), vec![rule(ours.clone(), Place::Last)]].concat()));
            let seen = seen::everything().rules;
            for family in Family::ALL {
                let place = (family, "filter".into(), "CK-A".into());
                assert_eq!(seen[&place], [(theirs.clone(), None)], "{encoder:?}");
            }
        });
    }
}

#[test]
fn every_verdict_is_reread_as_meant() {
    let to = || String::from("CK-B");
    let (ours, theirs): (Vec<_>, Vec<_>) = [
        (Verdict::Drop, VerdictKind::Drop),
        (Verdict::Accept, VerdictKind::Accept),
        (Verdict::Return, VerdictKind::Return),
        (Verdict::Jump(to()), VerdictKind::Jump { chain: to() }),
        (Verdict::Goto(to()), VerdictKind::Goto { chain: to() }),
        (Verdict::Other(-1), VerdictKind::Continue),
        (Verdict::Other(-2), VerdictKind::Break),
    ]
    .into_iter()
    .map(|(ours, theirs)| {
        (rule(vec![Expr::Immediate(ours)], Place::Last), (vec![meant::verdict(theirs)], None))
    })
    .unzip();
    for encoder in Encoder::ALL {
        in_netns(|| {
            commit(*encoder, &both(&[chains(), ours.clone()].concat()));
            let seen: Vec<_> = seen::everything().rules.into_values().collect();
            assert_eq!(seen, [theirs.clone(), theirs.clone()], "{encoder:?}");
        });
    }
}

/// Rules are told apart by their counters.
#[test]
fn rules_land_and_go_as_told_but_handles_of_chains_are_not_seen() {
    let numbered = |packets, place| rule(vec![Expr::Counter { packets, bytes: 0 }], place);
    let table = Table::Filter;
    for encoder in Encoder::ALL {
        in_netns(|| {
            let rules = [numbered(1, Place::Last), numbered(2, Place::Last)];
            commit(
                *encoder,
                &both(&[&chains()[..], &rules, &[numbered(3, Place::First)]].concat()),
            );
            assert_eq!(order(), [3, 1, 2, 3, 1, 2], "{encoder:?}");
            let handle = |n: usize| {
                let rules = seen::list_rules().expect("rules");
                Handle(*rules[n].get_handle().expect("a handle"))
            };
            let [one, two] = [handle(1), handle(2)];
            assert_eq!(one, handle(4), "handles of the two families differ");
            let (chain, handle) = ("CK-A".into(), one);
            let gone = Msg::DelRule { table, chain, handle };
            commit(*encoder, &both(&[numbered(4, Place::Before(two)), gone]));
            assert_eq!(order(), [3, 4, 2, 3, 4, 2], "{encoder:?}");
        });
    }
}

fn order() -> Vec<u64> {
    let rules = seen::list_rules().expect("rules");
    let words = rules.iter().flat_map(|r| seen::line(r).0);
    words.map(|word| packets(&word)).collect()
}

fn packets(word: &Word) -> u64 {
    let is = |n: &u64| *word == Counter::default().with_nb_packets(*n).with_nb_bytes(0u64).into();
    (1..9).find(is).expect("one of our counters")
}
