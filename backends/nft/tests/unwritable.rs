//! What no encoder can write is refused before anything is made of it: C code trusts its input.
use chainkeeper_contract::{Family, Place, Table};
use chainkeeper_nft::Msg;
use chainkeeper_nft::expr::{Expr, Verdict, Xt};
use chainkeeper_nft::write::{Batch, Encoder, Writer};

fn rule(chain: &str, exprs: Vec<Expr>, comment: Option<&str>) -> Msg {
    let (chain, comment) = (chain.to_owned(), comment.map(str::to_owned));
    Msg::NewRule { table: Table::Nat, chain, exprs, comment, place: Place::Last }
}

/// Why a batch of a good rule and this one is refused.
fn refused(bad: Msg) -> String {
    let messages = [(Family::Ipv4, rule("A", vec![], None)), (Family::Ipv4, bad)];
    let why = Batch::new(&messages, None, 1, true).expect_err("no encoder can write it");
    assert_eq!(why.message, 1);
    why.why
}

#[test]
fn what_does_not_fit_is_refused_and_says_why() {
    let xt = |name: &str, len| Xt { name: name.into(), rev: 0, info: vec![0; len] };
    let cmp = |len| Expr::Cmp { sreg: 1, op: 0, data: vec![0; len] };
    let bitwise = |m, x| Expr::Bitwise { sreg: 1, dreg: 1, mask: vec![0; m], xor: vec![0; x] };
    let jump = |to: &str| Expr::Immediate(Verdict::Jump(to.into()));
    let long = "x".repeat(256);
    for (exprs, why) in [
        (vec![Expr::Other("lookup".into())], "no encoder knows the expression `lookup`"),
        (vec![cmp(65)], "65 bytes for a register"),
        (vec![cmp(0)], "0 bytes for a register"),
        (vec![bitwise(4, 8)], "mask and xor of a bitwise differ in length"),
        (vec![Expr::Match(xt("mark", 70_000))], "its expressions would be 70132 bytes"),
        (vec![cmp(64); 400], "its expressions would be 76800 bytes"),
        (vec![Expr::Target(xt(&long, 8))], "extension of 256 bytes, at most 28"),
        (vec![jump(&long)], "chain name of 256 bytes, at most 255"),
        (vec![jump("A\0B")], "a NUL in chain name \"A\\0B\""),
    ] {
        assert_eq!(refused(rule("A", exprs, None)), why);
    }
    assert_eq!(refused(rule(&long, vec![], None)), "chain name of 256 bytes, at most 255");
    assert_eq!(refused(rule("A", vec![], Some(&long))), "comment of 256 bytes, at most 125");
    assert_eq!(refused(rule("A", vec![], Some("\0"))), "a NUL in comment \"\\0\"");
    let chain = Msg::NewChain { table: Table::Nat, name: "\0".into() };
    assert_eq!(refused(chain), "a NUL in chain name \"\\0\"");
}

/// The largest of each kind: nothing is cut off, by no encoder.
#[test]
fn what_just_fits_is_written_whole() {
    let info = Xt { name: "a-name-of-twenty-eight-bytes".into(), rev: 9, info: vec![7; 59_000] };
    let text = "c".repeat(125);
    for rule in [
        rule(&"n".repeat(255), vec![Expr::Match(info)], Some(&text)),
        rule("A", vec![Expr::Cmp { sreg: 1, op: 0, data: vec![7; 64] }; 300], Some(&text)),
    ] {
        let messages = [(Family::Ipv6, rule)];
        let batch = Batch::new(&messages, None, 1, false).expect("writable");
        for encoder in Encoder::ALL {
            let bytes = encoder.batch(&batch);
            let sevens = bytes.windows(64).filter(|w| w.iter().all(|b| *b == 7)).count();
            assert!(sevens == 300 || sevens == 59_000 - 63, "{encoder:?} {sevens}");
            assert!(bytes.windows(125).any(|w| w == text.as_bytes()), "{encoder:?}");
        }
    }
}
