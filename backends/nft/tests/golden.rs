//! The reader against dumps of what iptables-nft 1.8.2 to 1.8.13 wrote, and the encoder against the
//! messages that were measured to be readable by all of them (`golden/`: `raw` lines are hex).
use chainkeeper_contract::text::{Line, parse_spec};
use chainkeeper_contract::{Family, Handle, Hook, Place, Rule, Seen, Table};
use chainkeeper_nft::read::{self, Body, Messages};
use chainkeeper_nft::write::{Batch, Encoder, Writer};
use chainkeeper_nft::{Dialect, Lowered, Msg, lower, raise};

fn golden(file: &str) -> String {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.trim().chars().map(|c| c.to_digit(16).expect("hex")).collect();
    digits.chunks(2).map(|d| (d[0] * 16 + d[1]) as u8).collect()
}

/// The `raw` lines that follow a line starting with `head`.
fn raws(text: &str, head: &str) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut wanted = false;
    for line in text.lines() {
        match line.trim().strip_prefix("raw ") {
            Some(raw) if wanted => out.push(hex(raw)),
            Some(_) => {}
            None if !line.starts_with(' ') => wanted = line.starts_with(head),
            None => {}
        }
    }
    out
}

const LOCALNET: &str = "-m comment --comment \"block incoming localnet connections\" \
                        -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP";

/// The rules of the golden files by chain, in chain order. They sample the encoding: IPv6 has a
/// localnet rule here.
fn sample(family: Family) -> Vec<(Table, &'static str, Rule)> {
    let localnet = match family {
        Family::Ipv4 => format!("! -s 127.0.0.0/8 -d 127.0.0.0/8 {LOCALNET}"),
        Family::Ipv6 => format!("! -s ::1/128 -d ::1/128 {LOCALNET}"),
    };
    let drop = "-m comment --comment \"kubernetes firewall for dropping marked packets\" \
                -m mark --mark 0x8000/0x8000 -j DROP";
    let masquerade = "-m comment --comment \"kubernetes service traffic requiring SNAT\" \
                      -j MASQUERADE --random-fully";
    let postrouting = "-m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING";
    let lines = [
        (Table::Nat, "KUBE-MARK-DROP", "-j MARK --or-mark 0x8000"),
        (Table::Nat, "KUBE-MARK-MASQ", "-j MARK --or-mark 0x4000"),
        (Table::Nat, "KUBE-POSTROUTING", "-m mark ! --mark 0x4000/0x4000 -j RETURN"),
        (Table::Nat, "KUBE-POSTROUTING", "-j MARK --xor-mark 0x4000"),
        (Table::Nat, "KUBE-POSTROUTING", masquerade),
        (Table::Nat, "POSTROUTING", postrouting),
        (Table::Filter, "KUBE-FIREWALL", drop),
        (Table::Filter, "KUBE-FIREWALL", &localnet),
        (Table::Filter, "OUTPUT", "-j KUBE-FIREWALL"),
        (Table::Filter, "INPUT", "-j KUBE-FIREWALL"),
    ];
    let rule = |spec: &str| match parse_spec(family, spec) {
        Line::Rule(rule) => rule,
        Line::Foreign(text) => panic!("our own spelling is foreign: {text}"),
    };
    lines.map(|(table, chain, spec)| (table, chain, rule(spec))).to_vec()
}

/// 1.8.9 and later dumps sample nine rules (no KUBE-MARK-DROP); each must be one of the sample.
#[test]
fn every_dialect_of_iptables_nft_reads_as_the_same_rules() {
    for version in ["1.8.2", "1.8.4", "1.8.6", "1.8.7", "1.8.9", "1.8.11", "1.8.13"] {
        for family in Family::ALL {
            let want = sample(family);
            let text = golden(&format!("dump-{version}-{family}.txt"));
            let raws = raws(&text, "RULE ");
            assert!(raws.len() >= 9, "{version} {family}: {} rules", raws.len());
            for raw in raws {
                let rule = rule_of(&raw);
                let Seen::Known(found) = raise(family, &rule.exprs, &rule.userdata) else {
                    panic!("{version} {family} {} is foreign: {:?}", rule.chain, rule.exprs);
                };
                let known = want
                    .iter()
                    .any(|(t, c, r)| t.name() == rule.table && *c == rule.chain && *r == found);
                assert!(known, "{version} {family} {}: {found}", rule.chain);
            }
        }
    }
}

fn rule_of(raw: &[u8]) -> read::RuleMsg {
    let message = Messages::new(raw).next().expect("a message").expect("well-formed");
    let Body::Object { attrs, .. } = message.body else { panic!("not an object") };
    read::rule(attrs).expect("a rule")
}

/// The whole batch, but for BEGIN, END and user chains (which carry our mark, the golden ones not).
#[test]
fn what_we_send_is_byte_for_byte_what_all_of_them_read() {
    for family in Family::ALL {
        let text = golden(&format!("recommended-{family}.txt"));
        let sent: Vec<&str> = text.split("# kernel dump").collect();
        let heads = ["NEWTABLE", "NEWRULE"];
        let mut want: Vec<Vec<u8>> = heads.iter().flat_map(|h| raws(sent[0], h)).collect();
        let base = raws(sent[0], "NEWCHAIN").into_iter().filter(|raw| raw.len() > 70);
        want.extend(base);
        assert_eq!(want.len(), 3 + 10 + 3, "{family}");
        let tables = [Table::Mangle, Table::Nat, Table::Filter];
        let mut messages: Vec<Msg> = tables.map(|table| Msg::NewTable { table }).into();
        messages.extend(sample_messages(family, sent[0]));
        let hooks = [
            (Table::Nat, Hook::Postrouting),
            (Table::Filter, Hook::Input),
            (Table::Filter, Hook::Output),
        ];
        messages.extend(hooks.map(|(table, hook)| Msg::NewBase { table, hook }));
        for (want, message) in want.iter().zip(messages) {
            let ours = one(family, message.clone());
            assert_eq!(without_seq(&ours), without_seq(want), "{family} {message:?}");
        }
    }
}

/// The sample's rules as messages, in the order of the file.
fn sample_messages(family: Family, text: &str) -> Vec<Msg> {
    let sample = sample(family);
    let order: Vec<Vec<u8>> = raws(text, "NEWRULE");
    let find = |raw: &Vec<u8>| {
        let sent = rule_of(raw);
        let Seen::Known(rule) = raise(family, &sent.exprs, &[]) else { panic!("{sent:?}") };
        let found = sample.iter().find(|(_, c, r)| *c == sent.chain && *r == rule);
        let (table, chain, rule) = found.unwrap_or_else(|| panic!("{} {rule}", sent.chain));
        let place = if chain.starts_with("KUBE") { Place::Last } else { Place::First };
        let Lowered { exprs, comment } = lower(family, Dialect::Xt, rule).expect("xt says all");
        Msg::NewRule { table: *table, chain: (*chain).to_owned(), exprs, comment, place }
    };
    order.iter().map(find).collect()
}

/// The bytes of one message inside a batch.
fn one(family: Family, message: Msg) -> Vec<u8> {
    let messages = [(family, message)];
    let batch = Batch::new(&messages, None, 7, false).expect("writable");
    Encoder::Pure.batch(&batch)[20..].to_vec()
}

fn without_seq(raw: &[u8]) -> Vec<u8> {
    let mut raw = raw.to_vec();
    raw[8..12].fill(0);
    raw
}

#[test]
fn a_pinned_generation_and_a_place_before_a_handle_are_sent() {
    let place = Place::Before(Handle(9));
    let (exprs, comment) = (vec![], None);
    let rule = Msg::NewRule { table: Table::Nat, chain: "X".into(), exprs, comment, place };
    let messages = [(Family::Ipv4, rule)];
    let batch = Batch::new(&messages, Some(0x0102), 1, true).expect("writable");
    for encoder in Encoder::ALL {
        let bytes = encoder.batch(&batch);
        // BATCH_BEGIN: res_id 10, NFNL_BATCH_GENID (1) big endian.
        assert_eq!(bytes[16..28], [0, 0, 0, 10, 8, 0, 1, 0, 0, 0, 1, 2], "{encoder:?}");
        // NFTA_RULE_POSITION (6), u64 big endian.
        let position = [12, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 9];
        assert!(bytes.windows(12).any(|w| w == position), "{encoder:?} {bytes:02x?}");
    }
}
