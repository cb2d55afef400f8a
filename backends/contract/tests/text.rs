//! The text form: what is printed parses as the same; what cannot be read is kept, never guessed.
use chainkeeper_contract::testing::{Dice, ruleset};
use chainkeeper_contract::text::{Line, ParseError, Printed, parse_save, parse_spec};
use chainkeeper_contract::{Action, Cond, Counters, Family, Mark, Matches, Prefix, Rule};
use proptest::prelude::*;

const V4: Family = Family::Ipv4;

fn rule(spec: &str) -> Rule {
    match parse_spec(V4, spec) {
        Line::Rule(rule) => rule,
        Line::Foreign(text) => panic!("foreign: {text}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_parses_as_the_same(numbers in prop::collection::vec(any::<u32>(), 0..80)) {
        let mut dice = Dice::new(numbers);
        for family in Family::ALL {
            for rule in ruleset(&mut dice, family).chains.into_iter().flat_map(|c| c.rules) {
                prop_assert_eq!(parse_spec(family, &rule.to_string()), Line::Rule(rule));
            }
        }
    }

    #[test]
    fn any_text_gives_a_value_or_an_error(text in "(\\*nat\n)?[-:#AC\\[\\]!\"\\\\ a-z0-9\n]{0,60}(\nCOMMIT)?") {
        let _ = parse_save(&text);
        let _ = parse_spec(V4, &text);
    }
}

#[test]
fn kubelets_spellings_and_the_kernels_mean_the_same() {
    for (kubelet, saved) in [
        ("-j MARK --or-mark 0x00008000", "-j MARK --set-xmark 0x8000/0x8000"),
        ("-j MARK --xor-mark 0x00004000", "-j MARK --set-xmark 0x4000/0x0"),
        (
            "-m mark ! --mark 0x00004000/0x00004000 -j RETURN",
            "-m mark ! --mark 0x4000/0x4000 -j RETURN",
        ),
        (
            "--dst 127.0.0.0/8 ! --src 127.0.0.0/8 -j DROP",
            "! -s 127.0.0.0/8 -d 127.0.0.0/8 -j DROP",
        ),
    ] {
        assert_eq!(rule(kubelet), rule(saved));
        assert_eq!(rule(kubelet).to_string(), saved);
    }
}

#[test]
fn marks_are_printed_as_iptables_does_for_every_bit() {
    for (bit, text) in [(0, "0x1"), (14, "0x4000"), (15, "0x8000"), (31, "0x80000000")] {
        let value = 1u32 << bit;
        let mark = Rule::new(Action::Mark { value, mask: value });
        assert_eq!(mark.to_string(), format!("-j MARK --set-xmark {text}/{text}"));
        let matches =
            Matches { mark: Some(Cond::is(Mark { value, mask: value })), ..Matches::default() };
        let drop = Rule::new(Action::Drop).when(matches);
        assert_eq!(drop.to_string(), format!("-m mark --mark {text}/{text} -j DROP"));
    }
}

/// Whatever is not understood to the last word is foreign, and never equal to a rule of ours.
#[test]
fn what_we_cannot_read_is_foreign() {
    for spec in [
        "",
        "-m comment --comment x",
        "! -j DROP",
        "-g KUBE-OTHER",
        "-j",
        "-j ACCEPT",
        "-j LOG --log-prefix x",
        "-j DROP -s 10.0.0.1/32",
        "-j DROP --random-fully",
        "-j RETURN x",
        "-j KUBE-X --random-fully",
        "-j DROP\n-A INPUT",
        "-j MASQUERADE --to-ports 1-2",
        "-j MASQUERADE --random",
        "-j MASQUERADE --random-fully --random-fully",
        "-j MASQUERADE \"--random-fully\"",
        "-p tcp -m tcp --dport 22 -j ACCEPT",
        "-p tcp -j DROP",
        "-i eth0 -j DROP",
        "-o eth0 -j DROP",
        "-f -j DROP",
        "-c 1 2 -j DROP",
        "-s 10.0.0.1/32 -s 10.0.0.1/32 -j DROP",
        "-s ! 10.0.0.1/32 -j DROP",
        "! ! -s 10.0.0.1/32 -j DROP",
        "-s ::1/128 -j DROP",
        "-s 10.0.0.0/255.0.0.0 -j DROP",
        "-s 10.0.0.0/+8 -j DROP",
        "-s 10.0.0.0/08 -j DROP",
        "-s 10.0.0.0/264 -j DROP",
        "-s 127.1.2.3/8 -j DROP",
        "-m -j DROP",
        "-m mark -j DROP",
        "--mark 0x1 -j DROP",
        "-m mark --mark 0x1 -m mark --mark 0x2 -j DROP",
        "-m mark --mark 0x1 --mark 0x1 -j DROP",
        "-m mark -s 10.0.0.1/32 --mark 0x1 -j DROP",
        "-m connmark --mark 0x1 -j DROP",
        "! -m mark --mark 0x1 -j DROP",
        "-m conntrack -j DROP",
        "-m conntrack --mark 0x1 -j DROP",
        "-m mark --ctstate NEW -j DROP",
        "-m state --state NEW -j DROP",
        "-m conntrack --ctstate NEW,NEW -j DROP",
        "-m conntrack --ctstate new -j DROP",
        "-m conntrack --ctstate  -j DROP",
        "-m conntrack --ctstate NEW --ctstatus NONE -j DROP",
        "-m conntrack --ctstate NEW --ctdir ORIGINAL -j DROP",
        "-m conntrack --ctstatus DNAT -j DROP",
        "--comment x -j DROP",
        "-m comment -j DROP",
        "-m comment ! --comment x -j DROP",
        "-m comment --comment x --comment x -j DROP",
        "-m comment --comment x -m comment --comment x -j DROP",
        "-m comment --comment \"left open -j DROP",
        "-m comment --comment \"two\"words -j DROP",
    ] {
        assert_eq!(parse_spec(V4, spec), Line::Foreign(spec.to_owned()), "{spec}");
    }
    let long = |n| format!("-m comment --comment {} -j DROP", "x".repeat(n));
    assert!(matches!(parse_spec(V4, &long(255)), Line::Rule(_)));
    assert!(matches!(parse_spec(V4, &long(256)), Line::Foreign(_)));
}

/// As strtoul reads them; what it reads as another number than we would, or not at all, is foreign.
#[test]
fn marks_are_the_numbers_that_iptables_means() {
    let read = |word: &str| match parse_spec(V4, &format!("-m mark --mark {word} -j DROP")) {
        Line::Rule(rule) => rule.matches.mark.map(|m| (m.value.value, m.value.mask)),
        Line::Foreign(_) => None,
    };
    assert_eq!(read("0x4000"), Some((0x4000, u32::MAX)));
    assert_eq!(read("16384/0x0000ffff"), Some((0x4000, 0xffff)));
    assert_eq!(read("0x5/0x4"), Some((5, 4)), "never true, and another rule than 0x4/0x4");
    assert_eq!(read("0x0/0x0"), Some((0, 0)));
    assert_eq!(read("0xffffffff"), Some((u32::MAX, u32::MAX)));
    let foreign = ["0x100000000", "4294967296", "010", "0x", "0x+1", "+1", "-1", "0X1", "1/", "/1"];
    for word in foreign.into_iter().chain(["1/2/3", "0x1/0x100000000", "\"0x1\""]) {
        assert_eq!(read(word), None, "{word}");
    }
    let xmark = |word: &str| rule(&format!("-j MARK --set-xmark {word}")).action;
    assert_eq!(xmark("0x5/0x7"), Action::Mark { value: 5, mask: 7 });
    assert_eq!(xmark("0x5"), Action::Mark { value: 5, mask: u32::MAX });
    for spec in ["-j MARK --set-mark 0x1", "-j MARK --and-mark 0x1", "-j MARK --or-mark 0x1/0x1"] {
        assert!(matches!(parse_spec(V4, spec), Line::Foreign(_)), "{spec}");
    }
}

/// Each as iptables-legacy 1.8.9 prints it.
#[test]
fn comments_are_quoted_as_iptables_does() {
    for (comment, printed) in [
        ("plain_-09", "plain_-09"),
        ("two words", "\"two words\""),
        ("a.b", "\"a.b\""),
        ("", "\"\""),
        ("-j", "-j"),
        ("--comment", "--comment"),
        ("!", "\"!\""),
        ("#", "\"#\""),
        ("\"", "\"\\\"\""),
        ("it's", "\"it\\'s\""),
        ("\\", "\"\\\\\""),
        (" x ", "\" x \""),
        ("tab\tcr\rnl\n-A INPUT -j DROP", "\"tab\tcr\rnl\n-A INPUT -j DROP\""),
        ("\u{fc}", "\"\u{fc}\""),
    ] {
        let spec = format!("-m comment --comment {printed} -j DROP");
        let expected = Rule::new(Action::Drop).comment(comment);
        assert_eq!(parse_spec(V4, &spec), Line::Rule(expected.clone()), "{spec}");
        assert_eq!(expected.to_string(), spec);
    }
}

#[test]
fn a_save_gives_tables_chains_and_rules_whatever_the_counters() {
    let text = "\n# Generated by\n*nat\n:POSTROUTING ACCEPT [5:300]\n:KUBE-X - [0:0]\n\
                [7:420] -A KUBE-X -j DROP\n-A KUBE-X -p tcp -j ACCEPT\nCOMMIT\n*filter\nCOMMIT";
    let tables = parse_save(text).expect("a save");
    assert_eq!(tables.iter().map(|t| t.table.as_str()).collect::<Vec<_>>(), ["nat", "filter"]);
    assert_eq!(tables[0].chains[0], ("POSTROUTING".into(), Some("ACCEPT".into())));
    assert_eq!(tables[0].chains[1], ("KUBE-X".into(), None));
    let counted = Some(Counters { packets: 7, bytes: 420 });
    let rules = [("-j DROP", counted), ("-p tcp -j ACCEPT", None)].map(|(spec, counters)| {
        Printed { chain: "KUBE-X".into(), spec: spec.to_owned(), counters }
    });
    assert_eq!(tables[0].rules, rules);
}

/// A number that no kernel counts up to is read over, not wrapped.
#[test]
fn counters_are_read_to_the_last_packet() {
    let read = |words: &str| {
        let text = format!("*nat\n:X - [0:0]\n{words} -A X -j DROP\nCOMMIT\n");
        parse_save(&text).map(|tables| tables[0].rules[0].counters)
    };
    let most = Some(Counters { packets: u64::MAX, bytes: u64::MAX });
    assert_eq!(read("[18446744073709551615:18446744073709551615]"), Ok(most));
    assert_eq!(read("[0:0]"), Ok(Some(Counters::default())));
    assert_eq!(read("[18446744073709551616:1]"), Ok(None));
    for bad in ["[1:]", "[:1]", "[1]", "[-1:1]", "[1:2:3]", "[1:2"] {
        assert!(matches!(read(bad), Err(ParseError::Line(3, _))), "{bad}");
    }
}

#[test]
fn a_save_that_was_cut_off_is_an_error_not_an_empty_table() {
    let cut = parse_save("*nat\n:KUBE-X - [0:0]\n");
    assert_eq!(cut, Err(ParseError::Truncated("nat".into())));
    assert!(matches!(parse_save("*nat\nrubbish\nCOMMIT\n"), Err(ParseError::Line(2, _))));
}

#[test]
fn prefixes_have_no_host_bits_and_a_sane_length() {
    let net = Prefix::new("127.1.2.3".parse().expect("address"), 8).expect("prefix");
    assert_eq!(net.addr.to_string(), "127.0.0.0");
    assert_eq!(Prefix::new(net.addr, 33), None);
    assert_eq!(Prefix::new(net.addr, 0).map(|p| p.addr.to_string()), Some("0.0.0.0".into()));
}
