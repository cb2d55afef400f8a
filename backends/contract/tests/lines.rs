//! The lines of a save, and what is known of a foreign rule. What is said of iptables here was tried with
//! iptables-legacy 1.8.9.
use chainkeeper_contract::text::{ParseError, jumps_to, outline, parse_save};
use chainkeeper_contract::{ChainName, End};

fn rules(text: &str) -> Vec<(ChainName, String)> {
    let save = parse_save(&format!("*filter\n{text}\nCOMMIT\n"));
    save.expect("a save").remove(0).rules.into_iter().map(|r| (r.chain, r.spec)).collect()
}

fn one(chain: &str, spec: &str) -> Vec<(ChainName, String)> {
    vec![(ChainName::from(chain), spec.to_owned())]
}

/// `:` and `-A` take a name up to the blank. By iptables it has neither `!` nor `-` first and no blanks
/// as C knows them; iptables-restore is less strict.
#[test]
fn names_of_chains_may_be_odd() {
    let odd =
        ["\"", "\"\"", "a\"b", "it's", "#", "*", ":", "[1:2]", "]", "COMMIT", "a\\b", "!x", "-A"];
    for name in
        odd.into_iter().chain(["\u{fc}", "\u{a0}", "\u{85}", "\u{3000}", "x\r", "\u{b}", "-"])
    {
        let text =
            format!("*filter\n:{name} - [1:2]\n[3:4] -A {name}\n-A {name} -j {name}\nCOMMIT");
        let save = parse_save(&text).unwrap_or_else(|e| panic!("{name:?}: {e}")).remove(0);
        assert_eq!(save.chains, [(name.into(), None)]);
        let jump = format!("-j {name}");
        let read = save.rules.into_iter().map(|r| (r.chain, r.spec));
        assert!(read.eq([one(name, ""), one(name, &jump)].concat()), "{name:?}");
        assert_eq!(jumps_to(&jump), Some(name));
        assert_eq!(outline(&jump, &|n| n == name).end, End::Jump(name.into()));
    }
}

#[test]
fn a_newline_in_a_comment_ends_no_rule() {
    let spec = "-m comment --comment \"a\n-A INPUT -j DROP\n\\\"\nCOMMIT\n\" -j ACCEPT";
    assert_eq!(rules(&format!("[1:2] -A x {spec}")), one("x", spec));
    let two = rules(&format!("-A x {spec}\n-A y -j DROP"));
    assert_eq!(two, [one("x", spec), one("y", "-j DROP")].concat());
    for cut in 0..spec.len() {
        assert!(parse_save(&format!("*filter\n-A x {}", &spec[..cut])).is_err(), "{cut}");
    }
    let error = parse_save(&format!("*filter\n-A x {spec}\nrubbish\nCOMMIT\n"));
    assert_eq!(error, Err(ParseError::Line(7, "rubbish".into())), "lines are counted on");
}

/// A name that begins with a quote must not swallow the lines up to the next one.
#[test]
fn a_quote_in_a_name_that_is_never_quoted_swallows_nothing() {
    for option in ["-m recent --name", "-m hashlimit --hashlimit-name", "-i"] {
        let rules =
            [format!("{option} \"y --rsource"), "-m comment --comment \" lead\" -j DROP".into()];
        let text = format!("*filter\n-A x {}\n-A z {}\nCOMMIT\n", rules[0], rules[1]);
        let read = parse_save(&text).expect("two rules");
        assert!(read[0].rules.iter().map(|rule| &rule.spec).eq(&rules), "{read:?}");
    }
}

#[test]
fn a_line_of_another_kind_is_an_error() {
    for line in [
        "rubbish",
        " -A x",
        "-D x",
        "-A ",
        "-A",
        "[1:2]",
        "[1:2]-A x",
        "[1] -A x",
        "[a:b] -A x",
        "[:] -A x",
        ":",
        ":x",
        ": - [0:0]",
        ":a b - [0:0]",
        ":x - [0:0] y",
        ":x - [0:0]y",
        ":x - [0:0",
        ":x - 0:0",
        "COMMIT ",
        "*nat",
        "-A x -m comment --comment \"open",
        "-A x -m comment --comment \"closed\"amid",
    ] {
        let read = parse_save(&format!("*filter\n{line}\nCOMMIT\n"));
        assert!(matches!(&read, Err(ParseError::Line(2, _))), "{line}: {read:?}");
    }
    for text in ["-A x", ":x - [0:0]", "COMMIT", "[0:0] -A x"] {
        assert!(matches!(parse_save(text), Err(ParseError::Line(1, _))), "outside: {text}");
    }
}

/// Conditional, alters, end.
#[test]
fn outlines() {
    let unknown = |name: &str| End::Unknown(name.into());
    let ambiguous = || unknown("its words are ambiguous");
    for (spec, conditional, alters, end) in [
        ("", false, false, End::Next),
        ("-m comment --comment \"-j DROP\"", false, false, End::Next),
        ("-m comment --comment -j -j ACCEPT", false, false, End::Accept),
        ("-m comment --comment x -m comment --comment y -j DROP", false, false, End::Drop),
        ("-p tcp", true, false, End::Next),
        ("-m socket -j DROP", true, false, End::Drop),
        ("! -f -j RETURN", true, false, End::Return),
        ("-i a\"b -j CHAIN", true, false, End::Jump("CHAIN".into())),
        ("-s 10.0.0.1/32 -g CHAIN", true, false, End::Goto("CHAIN".into())),
        ("-j LOG --log-prefix -j", false, false, End::Next),
        ("-j LOG --log-prefix \"-j DROP\"", false, false, End::Next),
        ("-j LOG", false, false, End::Next),
        ("-j MARK --set-xmark 0x1/0x1", false, true, End::Next),
        (
            "-m u32 --u32 \"0x0=0x0\" -j SNAT --to-source 10.0.0.1",
            true,
            true,
            End::Other("SNAT".into()),
        ),
        ("-j QUEUE", false, true, End::Other("QUEUE".into())),
        ("-j CLUSTERIP --new", false, false, unknown("CLUSTERIP")),
        ("-j NOBODYS", false, false, unknown("NOBODYS")),
        ("-g NOBODYS", false, false, unknown("NOBODYS")),
        // A user chain of that name, made by iptables-restore. Its rule has no options.
        ("-j TRACE", false, false, End::Jump("TRACE".into())),
        ("-j NFLOG --nflog-group 1", false, false, End::Next),
        // No chain can be called so.
        ("-j DROP", false, false, End::Drop),
        // A name that iptables does not quote: `--name "x -j DROP"`.
        ("-m recent --set --name x -j DROP --rsource", true, false, unknown("DROP")),
        ("-m recent --set --name x -j DROP --rsource -j ACCEPT", true, false, ambiguous()),
        ("-j", true, false, ambiguous()),
        ("-m comment --comment \"open -j DROP", true, false, ambiguous()),
        ("-j DROP\n", true, false, ambiguous()),
    ] {
        let chains = ["CHAIN", "TRACE", "NFLOG", "DROP"];
        let seen = outline(spec, &|name| chains.contains(&name));
        assert_eq!((seen.conditional, seen.alters, seen.end), (conditional, alters, end), "{spec}");
        assert_eq!(seen.text, spec);
    }
}

#[test]
fn the_target_is_found_without_being_fooled() {
    for (spec, to) in [
        ("-j KUBE-X", Some("KUBE-X")),
        ("-p tcp -g KUBE-X", Some("KUBE-X")),
        ("-j LOG --log-prefix \"-j KUBE-X\"", Some("LOG")),
        ("-m comment --comment \"-j KUBE-X\"", None),
        ("-m comment --comment \"\\\" -j KUBE-X\"", None),
        ("-m comment --comment \"-j KUBE-X\" -j KUBE-Y", Some("KUBE-Y")),
        ("-m comment --comment -j -m mark --mark 0x1", None),
        ("-m string --string \"-j\" --algo bm -j KUBE-X", Some("KUBE-X")),
        ("-i -j -o -g -j KUBE-X", Some("KUBE-X")),
        ("-m comment --comment \"open -j KUBE-X", None),
        ("-m recent --name x -j KUBE-Y -j KUBE-X", None),
    ] {
        assert_eq!(jumps_to(spec), to, "{spec}");
    }
}
