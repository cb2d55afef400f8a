//! What is refused. The words are the screen that a person sees: read them in the snapshot.
use super::From;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStringExt as _;

/// Every text of a file, each with what is said of it.
const FILES: [&str; 38] = [
    "# ours\nmasqurade-bit = 3\n",
    "masquerade_bit = 3\n",
    "Settle = '1s'\n",
    "colour = 1\n",
    "[chains]\ndrop-bit = 3\n",
    "masquerade-bit = 'x'\n",
    "masquerade-bit = 1.5\n",
    "masquerade-bit = 99999999999999999999\n",
    "masquerade-bit = 32\n",
    "\n\ndrop-bit = -1\n",
    "masquerade-bit = 3\ndrop-bit = 3\n",
    "drop-bit = 14\n",
    "family = 4\n",
    "family = 'ipx'\n",
    "backend = ['nft']\n",
    "make-iptables-util-chains = 1\n",
    "command-lines = 'yes'\n",
    "masquerade-bit = 1\nmasquerade-bit = 2\n",
    "drop-bit 3\n",
    "settle = '1s\n",
    "settle = 1s\n",
    "settle = 250\n",
    "settle = 'fast'\n",
    "sync-period = '0s'\n",
    "yield-for = '-1s'\n",
    "keep = 'nat/KUBE-SERVICES'\n",
    "keep = 'raw'\n",
    "keep = ''\n",
    "dialect = 'native'\nbackend = 'legacy'\n",
    "force-dialect = true\n",
    "heal-flows = 'pods'\n",
    "heal-flows = '10.0.0.0/33'\n",
    "heal-flows = '10.0.0.0/8'\ncount-flows = false\n",
    "metrics-bind-address = 'localhost'\n",
    "metrics-bind-address = '127.0.0.1:99999'\n",
    "log-level = 'loud'\n",
    "log-format = 'xml'\n",
    "\u{feff}settle == '1s'\n",
];

const KUBELETS: [&str; 9] = [
    "",
    "kind: Pod\n",
    "iptablesDropBit: 3\n",
    "kind: KubeletConfiguration\niptablesMasqueradeBit: many\n",
    "kind: KubeletConfiguration\niptablesMasqueradeBit: 32\n",
    "kind: KubeletConfiguration\niptablesDropBit: 14\n",
    "kind: KubeletConfiguration\nmakeIPTablesUtilChains: 3\n",
    "kind: [KubeletConfiguration\n",
    "{\"kind\": \"KubeletConfiguration\", \"iptablesDropBit\": -1}",
];

/// What YAML allows and we do not read, or not as what it is.
const YAML: [&str; 29] = [
    "---\n",
    "- kind: KubeletConfiguration\n",
    "kind: null\n",
    "kind: [KubeletConfiguration]\n",
    "iptablesDropBit: '7'\n",
    "iptablesDropBit: |\n  7\n",
    "iptablesDropBit: !!str 7\n",
    "iptablesDropBit: 7.0\n",
    "iptablesDropBit: 017\n",
    "iptablesDropBit: 99999999999999999999\n",
    "iptablesDropBit: {is: 7}\n",
    "makeIPTablesUtilChains: 'false'\n",
    "makeIPTablesUtilChains: []\n",
    "kind: KubeletConfiguration\n\"kind\": KubeletConfiguration\n",
    "a: 1\na: 2\n",
    "[a, b]: 1\n",
    "~: 1\n",
    "a: &a 7\niptablesDropBit: *a\n",
    "a: &a [1]\nb: [{c: *a}]\n",
    "a: &a iptablesDropBit\n*a : 7\n",
    "a: *b\n",
    "<<: {iptablesDropBit: 7}\n",
    "kind: KubeletConfiguration\n---\nkind: KubeletConfiguration\n",
    "kind: KubeletConfiguration\n...\nkind: KubeletConfiguration\n",
    "{\"kind\": \"KubeletConfiguration\"} more\n",
    "kind: KubeletConfiguration\n\tiptablesDropBit: 7\n",
    "a: b: c\n",
    "a: 'b\n",
    "a: \"\\q\"\n",
];

#[test]
fn each_bad_setting_is_named_with_its_place_and_the_way_out() {
    let mut all = String::new();
    let mut say = |what: &str, from: From| {
        let _ = writeln!(all, "{}\n{}", what.trim_end(), from.complaint());
    };
    for text in FILES {
        say(&format!("{text:?}"), From::default().file(text));
    }
    for text in KUBELETS.into_iter().chain(YAML) {
        say(&format!("kubelet {text:?}"), From::default().kubelet(text));
    }
    for (name, value) in [
        ("CHAINKEEPER_SETLE", "1s"),
        ("CHAINKEEPER_COLOUR", "1"),
        ("CHAINKEEPER_BACKEND", "bpf"),
        ("CHAINKEEPER_DROP_BIT", "many"),
        ("CHAINKEEPER_DROP_BIT", "32"),
        ("CHAINKEEPER_COMMAND_LINES", "maybe"),
    ] {
        say(&format!("{name}={value}"), From::default().set(name, value));
    }
    let bytes = OsString::from_vec(vec![b'1', 0xff]);
    say("not UTF-8", From::default().set("CHAINKEEPER_SETTLE", bytes));
    say("a file that is not UTF-8", From::default().file([0xff, 0xfe, 0]));
    let both = From::default().file("drop-bit = 13\n").set("CHAINKEEPER_MASQUERADE_BIT", "13");
    say("the same bit in two places", both);
    say("a flag", From::default().file("drop-bit = 13\n").flags("--drop-bit 99"));
    insta::assert_snapshot!(all);
}

/// No terminal takes any of it for a command, and no log for a line of its own.
#[test]
fn whatever_was_set_is_told_in_two_plain_lines() {
    let odd = "\u{1b}[2J\nerror: \u{9b}0m";
    for from in [
        From::default().file(r#""\u001b[2J\nerror" = 1"#),
        From::default().file("backend = [\n'nft']\n"),
        From::default().kubelet("kind: \"\\e[2J\\nerror\"\n"),
        From::default().set("CHAINKEEPER_SETTLE", odd),
        From::default().set("CHAINKEEPER_BACKEND", odd),
        From::default().set(&format!("CHAINKEEPER_{odd}"), "1"),
    ] {
        let said = from.complaint();
        assert_eq!(said.lines().count(), 2, "{said:?}");
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    }
}

/// Anchors that stand for anchors: a few lines of YAML that would fill any memory.
#[test]
fn a_kubelet_file_that_grows_when_read_is_refused() {
    let mut text =
        String::from("kind: KubeletConfiguration\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let one = format!("*a{}", n - 1);
        let _ = writeln!(text, "a{n}: &a{n} [{}]", vec![one; 10].join(", "));
    }
    let said = From::default().kubelet(&text).complaint();
    assert!(said.starts_with("error: kubelet config KUBELET: "), "{said}");
}

#[test]
fn a_kubelet_file_of_any_depth_is_refused_and_not_followed() {
    for open in ["[", "{a: ", "- ", "? "] {
        let text = format!("a:\n  {}", open.repeat(100_000));
        let said = From::default().kubelet(&text).complaint();
        assert!(said.contains(": recursion limit exceeded"), "{said}");
    }
}
