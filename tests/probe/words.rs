//! What a person reads for each row: one screen of them all.
use super::facts::*;
use chainkeeper::backends::Kind;
use chainkeeper::probe::{Conclusion, Fact, Facts, choose};
use std::fmt::Write as _;

use Kind::{Legacy, Nft};

type Change = fn(&mut Facts);

/// A host for each row; the questions are answered.
const HOSTS: [(Option<Kind>, Change); 30] = [
    (Some(Nft), |f| f.hint(Legacy, V4)),
    (Some(Nft), |f| {
        f.nft.dry_run = Some(Fact::No("ip: create table nat: not supported (EOPNOTSUPP)".into()))
    }),
    (Some(Legacy), |f| f.kube_proxy(Nft, V4)),
    (Some(Legacy), |f| f.no_tools()),
    (None, |f| {
        f.deny();
        f.no_names();
    }),
    (None, |f| f.deny()),
    (None, |f| f.nft.answers = Fact::Unknown("cannot read nf_tables: no answer (EAGAIN)".into())),
    (None, |f| {
        f.hint(Nft, V4);
        f.no_names();
    }),
    (None, |f| {
        f.hint(Nft, V4);
        f.unreadable("mangle");
    }),
    (None, |f| f.no_names()),
    (None, |f| {
        f.hint(Nft, V4);
        f.hint(Nft, V6);
    }),
    (None, |f| {
        f.hint(Nft, V4);
        f.rules(Legacy, V4, 3);
    }),
    (None, |f| {
        f.hint(Nft, V4);
        f.hint(Legacy, V4);
        f.full_set(Legacy, V4);
    }),
    (None, |f| {
        f.hint(Nft, V4);
        f.hint(Legacy, V4);
        f.remember(Legacy, true);
    }),
    (None, |f| {
        f.hint(Nft, V4);
        f.hint(Legacy, V4);
    }),
    (None, |f| f.hint(Legacy, V4)),
    (None, |f| {
        f.hint(Legacy, V4);
        f.no_tools();
    }),
    (None, |f| f.unreadable("mangle")),
    (None, |f| f.kube_proxy(Nft, V4)),
    (None, |f| f.full_set(Legacy, V4)),
    (None, |f| f.remember(Nft, false)),
    (None, |f| f.rules(Nft, V4, 12)),
    (None, |f| f.rules(Legacy, V4, 1)),
    (None, |f| {
        f.rules(Nft, V4, 12);
        f.rules(Legacy, V6, 3);
        f.host_tool(Legacy);
    }),
    (None, |f| f.nft.survey = Some(native("inet firewalld"))),
    (None, |f| f.host_tool(Legacy)),
    (None, |_| ()),
    (None, |f| f.no_nf_tables()),
    (None, |f| {
        f.no_nf_tables();
        f.no_tools();
    }),
    (None, |f| {
        f.hint(Nft, V4);
        f.hint(Legacy, V6);
    }),
];

#[test]
fn every_row_in_words() {
    let mut screen = String::new();
    for (asked, change) in HOSTS {
        let facts = answered(with(change));
        match choose(&facts, asked) {
            Conclusion::Chosen(choice) => {
                let kind = choice.kind;
                writeln!(screen, "{:<3} {kind:<6} {}", choice.row, choice.why).expect("text");
                writeln!(screen, "    not {:<6} {}", kind.other(), choice.not_chosen)
                    .expect("text");
                for warning in choice.warnings {
                    writeln!(screen, "    warning: {warning}").expect("text");
                }
            }
            Conclusion::None(no) => {
                writeln!(screen, "{:<3} error: {}", no.row, no.what).expect("text");
                writeln!(screen, "    why   {}", no.why).expect("text");
            }
            Conclusion::Ask(question) => panic!("{question:?}"),
        }
    }
    insta::assert_snapshot!(screen);
}
