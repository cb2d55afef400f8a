//! Any expressions raised: no panic, and what is read as a rule is that rule again, however it is written. And any
//! rule written, whole or with an expression changed.
#![no_main]
use chainkeeper_contract::{Action, Cond, CtStates, Family, Mark, Matches, Prefix, Rule, Seen};
use chainkeeper_nft::expr::{Expr, Verdict, Xt};
use chainkeeper_nft::{Dialect, lower, raise};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut dice = Unstructured::new(bytes);
    for family in Family::ALL {
        // At its end there is nothing left to choose by.
        let _ = written(family, &mut dice);
    }
    let mut exprs = Vec::new();
    while exprs.len() < 16 && !dice.is_empty() {
        let Ok(expr) = expr(&mut dice) else { break };
        exprs.push(expr);
    }
    for family in Family::ALL {
        read(family, &exprs);
    }
});

fn read(family: Family, exprs: &[Expr]) {
    if let Seen::Known(rule) = raise(family, exprs, &[]) {
        again(family, &rule);
    }
}

/// A rule of any kind, and the same with one expression of its own changed.
fn written(family: Family, dice: &mut Unstructured<'_>) -> Result<()> {
    let rule = rule(family, dice)?;
    again(family, &rule);
    let dialect = *dice.choose(&[Dialect::Xt, Dialect::Native])?;
    if let Ok(mut lowered) = lower(family, dialect, &rule) {
        let at = dice.choose_index(lowered.exprs.len())?;
        lowered.exprs[at] = expr(dice)?;
        read(family, &lowered.exprs);
    }
    Ok(())
}

fn rule(family: Family, dice: &mut Unstructured<'_>) -> Result<Rule> {
    let mut matches = Matches::default();
    for slot in [&mut matches.source, &mut matches.destination] {
        if dice.ratio(1, 4)? {
            let addr = match family {
                Family::Ipv4 => dice.arbitrary::<[u8; 4]>()?.into(),
                Family::Ipv6 => dice.arbitrary::<[u8; 16]>()?.into(),
            };
            let value = Prefix::new(addr, dice.int_in_range(0..=family.address_bits())?);
            *slot = value.map(|value| Cond { negated: value.len % 2 == 1, value });
        }
    }
    if dice.ratio(1, 2)? {
        let value = Mark { value: dice.arbitrary()?, mask: dice.arbitrary()? };
        matches.mark = Some(Cond { negated: dice.arbitrary()?, value });
    }
    if dice.ratio(1, 2)? {
        let value = CtStates(dice.int_in_range(1..=u16::MAX)? & CtStates::KNOWN);
        matches.ctstate = Some(Cond { negated: dice.arbitrary()?, value });
    }
    let action = match dice.int_in_range(0..=4)? {
        0 => Action::Drop,
        1 => Action::Return,
        2 => Action::Jump("KUBE-MARK-MASQ".into()),
        3 => Action::Mark { value: dice.arbitrary()?, mask: dice.arbitrary()? },
        _ => Action::Masquerade { random_fully: dice.arbitrary()? },
    };
    let comment: Option<&str> = if dice.ratio(1, 4)? { dice.arbitrary()? } else { None };
    // What xt has room for; nobody can write a NUL.
    let comment = comment.filter(|c| c.len() < 256 && !c.contains('\0')).map(str::to_owned);
    Ok(Rule { matches, action, comment })
}

/// Written in either dialect, it is read as the same.
fn again(family: Family, rule: &Rule) {
    for dialect in [Dialect::Xt, Dialect::Native] {
        let Ok(lowered) = lower(family, dialect, rule) else { continue };
        let userdata = lowered.comment.as_deref().map(userdata).unwrap_or_default();
        assert_eq!(raise(family, &lowered.exprs, &userdata), Seen::Known(rule.clone()), "{dialect:?}");
    }
}

/// NFTA_RULE_USERDATA of a comment.
fn userdata(comment: &str) -> Vec<u8> {
    let length = u8::try_from(comment.len() + 1).expect("what does not fit is refused");
    [&[0, length], comment.as_bytes(), &[0]].concat()
}

/// Small numbers most of the time: registers, keys and lengths are.
fn number(dice: &mut Unstructured<'_>) -> Result<u32> {
    Ok(if dice.ratio(7, 8)? { u32::from(dice.arbitrary::<u8>()? % 32) } else { dice.arbitrary()? })
}

fn data(dice: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let length = *dice.choose(&[4, 4, 16, 1, 2, 3, 0, 20])?;
    (0..length).map(|_| dice.arbitrary()).collect()
}

fn expr(dice: &mut Unstructured<'_>) -> Result<Expr> {
    Ok(match dice.int_in_range(0..=12)? {
        0 => Expr::Match(xt(dice)?),
        1 => Expr::Target(xt(dice)?),
        2 => Expr::Counter { packets: dice.arbitrary()?, bytes: dice.arbitrary()? },
        3 => {
            let (offset, len) = *dice.choose(&[(12, 4), (16, 4), (8, 16), (24, 16), (12, 3), (16, 1), (0, 1)])?;
            Expr::Payload { dreg: number(dice)?, base: number(dice)?, offset, len }
        }
        4 => Expr::Bitwise { sreg: number(dice)?, dreg: number(dice)?, mask: data(dice)?, xor: data(dice)? },
        5 => Expr::Cmp { sreg: number(dice)?, op: number(dice)?, data: data(dice)? },
        6 => Expr::Meta { dreg: number(dice)?, key: number(dice)? },
        7 => Expr::MetaSet { sreg: number(dice)?, key: number(dice)? },
        8 => Expr::Ct { dreg: number(dice)?, key: number(dice)? },
        9 => Expr::Masq { flags: number(dice)? },
        10 => Expr::Other(dice.arbitrary()?),
        _ => Expr::Immediate(match dice.int_in_range(0..=5)? {
            0 => Verdict::Drop,
            1 => Verdict::Accept,
            2 => Verdict::Return,
            3 => Verdict::Jump(dice.arbitrary()?),
            4 => Verdict::Goto(dice.arbitrary()?),
            _ => Verdict::Other(dice.arbitrary()?),
        }),
    })
}

/// An extension of the sizes that the kernel has, with a few bytes set somewhere.
fn xt(dice: &mut Unstructured<'_>) -> Result<Xt> {
    let known = [
        ("comment", 0, 256), ("mark", 1, 16), ("conntrack", 3, 168), ("MARK", 2, 8), ("MASQUERADE", 0, 24),
        ("MASQUERADE", 0, 40), ("conntrack", 2, 160), ("", 0, 0),
    ];
    let (name, rev, size) = *dice.choose(&known)?;
    let mut info = vec![0; if dice.ratio(15, 16)? { size } else { usize::from(dice.arbitrary::<u8>()?) }];
    // `--ctstate` and nothing else, and one range: else hardly any would be read.
    if name == "conntrack" && info.len() > 152 && dice.ratio(3, 4)? {
        info[146..148].copy_from_slice(&1u16.to_ne_bytes());
    }
    if name == "MASQUERADE" && info.len() == 24 {
        info[0] = 1;
    }
    for _ in 0..dice.int_in_range(0..=8)? {
        let at = match name {
            "conntrack" => 146 + dice.choose_index(8)?,
            _ => dice.choose_index(16)?,
        };
        let byte = dice.arbitrary()?;
        if let Some(there) = info.get_mut(at) {
            *there = byte;
        }
    }
    Ok(Xt { name: name.to_owned(), rev, info })
}
