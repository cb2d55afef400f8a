//! What native expressions mean, one by one; whatever is not exactly one of ours is foreign.
use chainkeeper_contract::{Action, Cond, CtStates, Family, Mark, Matches, Rule, Seen};
use chainkeeper_nft::expr::{Expr, Verdict};
use chainkeeper_nft::{Dialect, lower, raise};

const STATE: u32 = 0;
const STATUS: u32 = 2;
const DNAT: u32 = 1 << 5;
/// invalid 1, established 2, related 4, new 8, untracked 64.
const ANY: u32 = 0x4f;
const NO_ENTRY: u16 = CtStates::INVALID | CtStates::UNTRACKED;

fn load(key: u32) -> Expr {
    Expr::Ct { dreg: 1, key }
}

fn bitwise(sreg: u32, dreg: u32, mask: u32, xor: u32) -> Expr {
    let (mask, xor) = (mask.to_ne_bytes().into(), xor.to_ne_bytes().into());
    Expr::Bitwise { sreg, dreg, mask, xor }
}

fn and(bits: u32) -> Expr {
    bitwise(1, 1, bits, 0)
}

/// Compares with zero: 0 equal, 1 not equal.
fn cmp(op: u32) -> Expr {
    Expr::Cmp { sreg: 1, op, data: vec![0; 4] }
}

/// Some of these bits; `op` 1 is "one at least", 0 is "none".
fn any(key: u32, bits: u32, op: u32) -> Vec<Expr> {
    vec![load(key), and(bits), cmp(op)]
}

fn drop(exprs: Vec<Expr>) -> Seen {
    let end = [Expr::Counter { packets: 1, bytes: 2 }, Expr::Immediate(Verdict::Drop)];
    raise(Family::Ipv4, &[exprs, end.into()].concat(), &[])
}

/// The conntrack condition of a rule that drops and asks for nothing else.
fn condition(exprs: Vec<Expr>) -> Option<Cond<CtStates>> {
    let Seen::Known(rule) = drop(exprs) else { return None };
    assert_eq!(rule.action, Action::Drop);
    assert_eq!(rule.matches, Matches { ctstate: rule.matches.ctstate, ..Matches::default() });
    Some(rule.matches.ctstate.expect("a condition"))
}

#[test]
fn states_and_translations_mean_what_xt_conntrack_would_say() {
    let is = |bits| Some(Cond::is(CtStates(bits)));
    let not = |bits| Some(Cond::not(CtStates(bits)));
    assert_eq!(condition(any(STATE, 8, 1)), is(CtStates::NEW));
    assert_eq!(condition(any(STATE, 0x41, 0)), not(NO_ENTRY));
    assert_eq!(condition(any(STATUS, DNAT, 1)), is(CtStates::DNAT));
    // The question breaks off without an entry: neither invalid nor untracked, then.
    assert_eq!(condition(any(STATUS, DNAT, 0)), not(CtStates::DNAT | NO_ENTRY));
    let both = |states, op| [any(STATE, states, op), any(STATUS, DNAT, 0)].concat();
    assert_eq!(condition(both(0x43, 0)), not(NO_ENTRY | CtStates::ESTABLISHED | CtStates::DNAT));
    let turned = [any(STATUS, DNAT, 0), any(STATE, 0x43, 0)].concat();
    assert_eq!(condition(turned), condition(both(0x43, 0)));
    // These have no name in xt: they pass packets that no `--ctstate` with these states would.
    assert_eq!(condition(both(0x02, 0)), None);
    assert_eq!(condition(both(0x43, 1)), None);
    assert_eq!(condition([any(STATE, 8, 1), any(STATUS, DNAT, 1)].concat()), None);
}

#[test]
fn a_match_of_every_state_is_none() {
    // Before a mark it is ours, and asks for nothing; elsewhere somebody else wrote it.
    let marked = vec![Expr::Meta { dreg: 1, key: 3 }, and(8), cmp(0)];
    let Seen::Known(rule) = drop([any(STATE, ANY, 1), marked].concat()) else { panic!("foreign") };
    assert_eq!((rule.matches.ctstate, rule.action), (None, Action::Drop));
    assert!(matches!(drop(any(STATE, ANY, 1)), Seen::Foreign(_)));
    assert_eq!(condition(any(STATE, ANY, 0)), Some(Cond::not(CtStates(0x10f))), "none at all");
    // So it is not written as a condition either, or it would never be found again.
    let every = Matches { ctstate: Some(Cond::is(CtStates(0x10f))), ..Matches::default() };
    let rule = Rule::new(Action::Drop).when(every);
    assert!(lower(Family::Ipv4, Dialect::Native, &rule).is_err());
    assert!(lower(Family::Ipv4, Dialect::Xt, &rule).is_ok());
}

#[test]
fn anything_else_is_foreign() {
    let other = |n: usize, expr: Expr| {
        let mut exprs = any(STATE, 8, 1);
        exprs[n] = expr;
        exprs
    };
    for exprs in [
        any(STATE, 16, 1), // a bit without a name
        any(STATUS, 2, 1), // IPS_SEEN_REPLY
        any(7, 8, 1),      // another key
        vec![load(STATE), cmp(1)],
        vec![load(STATE), and(8)],
        [any(STATE, 8, 1), any(STATE, 8, 1)].concat(),
        other(2, cmp(2)), // less than
        other(2, Expr::Cmp { sreg: 1, op: 1, data: vec![8, 0, 0, 0] }),
        other(2, Expr::Cmp { sreg: 1, op: 1, data: vec![0; 8] }),
        // Registers: what is compared is not what was loaded.
        other(0, Expr::Ct { dreg: 2, key: STATE }),
        other(1, bitwise(2, 1, 8, 0)),
        other(1, bitwise(1, 2, 8, 0)),
        other(1, bitwise(1, 1, 8, 1)),
        other(2, Expr::Cmp { sreg: 2, op: 1, data: vec![0; 4] }),
    ] {
        assert!(matches!(drop(exprs.clone()), Seen::Foreign(_)), "{exprs:?}");
    }
}

#[test]
fn a_new_mark_is_one_only_if_the_same_register_goes_back() {
    let rule = |middle: Expr, sreg, key| {
        let exprs = [Expr::Meta { dreg: 1, key: 3 }, middle, Expr::MetaSet { sreg, key }];
        match raise(Family::Ipv6, &exprs, &[]) {
            Seen::Known(rule) => Some(rule.action),
            Seen::Foreign(_) => None,
        }
    };
    let or = Action::Mark { value: 0x4000, mask: 0x4000 };
    assert_eq!(rule(bitwise(1, 1, !0x4000, 0x4000), 1, 3), Some(or));
    let xor = Action::Mark { value: 0x4000, mask: 0 };
    assert_eq!(rule(bitwise(1, 1, !0, 0x4000), 1, 3), Some(xor));
    for (middle, sreg, key) in [
        (bitwise(2, 1, !0, 1), 1, 3),
        (bitwise(1, 2, !0, 1), 1, 3),
        (bitwise(1, 1, !0, 1), 2, 3),
        (bitwise(2, 2, !0, 1), 2, 3),
        (bitwise(1, 1, !0, 1), 1, 8), // nftrace
    ] {
        assert_eq!(rule(middle, sreg, key), None);
    }
}

/// Each native mark carries an expression that no iptables-nft knows.
#[test]
fn no_native_mark_can_be_misread() {
    let mark = Some(Cond::is(Mark { value: 0x8000, mask: 0x8000 }));
    let plain = Matches { mark, ..Matches::default() };
    let with_state = Matches { ctstate: Some(Cond::is(CtStates(8))), ..plain.clone() };
    let set = Action::Mark { value: 1, mask: 1 };
    for (matches, action) in
        [(plain, Action::Drop), (with_state, Action::Drop), (Matches::default(), set)]
    {
        let rule = Rule::new(action).when(matches).comment("marked");
        let lowered = lower(Family::Ipv6, Dialect::Native, &rule).expect("it can be said");
        let questions = lowered.exprs.iter().filter(|e| matches!(e, Expr::Ct { .. }));
        assert_eq!(questions.count(), 1, "{:?}", lowered.exprs);
        let userdata = [&[0, 7][..], b"marked\0"].concat();
        assert_eq!(raise(Family::Ipv6, &lowered.exprs, &userdata), Seen::Known(rule));
    }
}
