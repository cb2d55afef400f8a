//! What the tracer says of packets. That the kernel says the same is tests/tracer.rs of the program.
use chainkeeper_contract::testing::every_conntrack;
use chainkeeper_contract::text::{Line, parse_spec};
use chainkeeper_contract::trace::{
    Conntrack, Masquerade, Outcome, Packet, Spot, State, TraceError, trace,
};
use chainkeeper_contract::{
    BaseChain, ChainName, ChainSeen, End, Family, Handle, Hook, Observed, Outline, RuleSeen, Seen,
    Table,
};

const HOOKS: [Hook; 3] = [Hook::Input, Hook::Output, Hook::Postrouting];

/// Chains of rules in iptables' words, each line with its table and chain: `filter INPUT -j DROP`.
/// A line without a rule makes the chain; a rule that cannot be read is foreign.
fn chains(lines: &[&str]) -> Observed {
    let mut seen = Observed::default();
    for line in lines {
        let mut words = line.splitn(3, ' ');
        let table = words.next().and_then(Table::from_name).expect("a table");
        let name = ChainName::from(words.next().expect("a chain"));
        let hooked = HOOKS.iter().any(|h| h.chain() == name);
        let base = hooked.then(|| BaseChain { standard: true, text: "as iptables".into() });
        let new = ChainSeen { handle: Handle(1), base, ours: false, rules: vec![] };
        let table = seen.tables.entry(table).or_default();
        let chain = table.chains.entry(name).or_insert(new);
        chain.rules.extend(words.next().map(|rule| RuleSeen {
            counters: None,
            handle: Handle(2),
            seen: read(rule),
            unreadable: false,
        }));
    }
    seen
}

fn read(rule: &str) -> Seen {
    let family = if rule.contains("::") { Family::Ipv6 } else { Family::Ipv4 };
    match parse_spec(family, rule) {
        Line::Rule(rule) => Seen::Known(rule),
        Line::Foreign(text) => {
            let end = End::Other("QUEUE".into());
            Seen::Foreign(Outline { conditional: true, alters: false, end, text })
        }
    }
}

fn entry(state: State, first: bool) -> Conntrack {
    Conntrack::Entry { state, first, snat: false, dnat: false }
}

/// The first packet of a connection from 10.0.0.1 to 10.0.0.2.
fn packet(mark: u32) -> Packet {
    let [source, destination] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(Into::into);
    Packet { source, destination, mark, conntrack: entry(State::New, true) }
}

fn outcome(lines: &[&str], hook: Hook, packet: Packet) -> Outcome {
    trace(&chains(lines), hook, &packet).expect("all is known")
}

fn passes(mark: u32) -> Outcome {
    Outcome { dropped: None, mark, masquerade: None }
}

fn passes_input(rule: &str, packet: Packet) -> bool {
    outcome(&[&format!("filter INPUT {rule} -j DROP")], Hook::Input, packet).dropped.is_none()
}

fn at(table: Table, chain: &str, index: usize) -> Spot {
    Spot { table, chain: chain.into(), index }
}

fn error(lines: &[&str], hook: Hook, packet: Packet) -> TraceError {
    trace(&chains(lines), hook, &packet).expect_err("it cannot be known")
}

#[test]
fn a_packet_passes_where_nothing_stands() {
    for hook in HOOKS {
        assert_eq!(outcome(&[], hook, packet(7)), passes(7));
        assert_eq!(outcome(&["filter CK-A -j DROP"], hook, packet(7)), passes(7));
        // A user chain of that name is not hooked.
        let mut seen = chains(&[&format!("filter {hook} -j DROP")]);
        let filter = seen.tables.get_mut(&Table::Filter).expect("filter");
        filter.chains.values_mut().for_each(|c| c.base = None);
        assert_eq!(trace(&seen, hook, &packet(7)), Ok(passes(7)));
    }
}

#[test]
fn a_drop_names_its_rule() {
    let lines =
        ["filter INPUT -j CK-A", "filter CK-A -m mark --mark 1 -j RETURN", "filter CK-A -j DROP"];
    let outcome = |mark| outcome(&lines, Hook::Input, packet(mark)).dropped;
    assert_eq!(outcome(1), None);
    assert_eq!(outcome(2), Some(at(Table::Filter, "CK-A", 1)));
    assert_eq!(outcome(2).map(|at| at.to_string()).as_deref(), Some("filter CK-A rule 2"));
}

#[test]
fn a_return_leads_to_the_caller_and_from_a_base_chain_to_the_next_table() {
    let below = ["filter INPUT -j CK-A", "filter INPUT -j DROP", "filter CK-A -j RETURN"];
    let dropped = outcome(&below, Hook::Input, packet(0)).dropped;
    assert_eq!(dropped, Some(at(Table::Filter, "INPUT", 1)));
    let base = ["mangle INPUT -j RETURN", "mangle INPUT -j DROP"];
    assert_eq!(outcome(&base, Hook::Input, packet(0)), passes(0));
    let next = [base[0], base[1], "filter INPUT -j DROP"];
    let dropped = outcome(&next, Hook::Input, packet(0)).dropped;
    assert_eq!(dropped, Some(at(Table::Filter, "INPUT", 0)));
}

#[test]
fn a_mark_set_in_a_chain_is_seen_by_all_that_comes_later() {
    let lines = [
        "mangle OUTPUT -j CK-A",
        "mangle CK-A -j MARK --or-mark 1",
        "mangle OUTPUT -m mark --mark 1 -j MARK --or-mark 2",
        "filter OUTPUT -m mark --mark 3 -j DROP",
    ];
    let dropped = outcome(&lines, Hook::Output, packet(0));
    let by = Some(at(Table::Filter, "OUTPUT", 0));
    assert_eq!(dropped, Outcome { dropped: by, mark: 3, masquerade: None });
}

#[test]
fn tables_take_their_turns_by_iptables_priorities() {
    for (hook, order) in [
        (Hook::Input, [Table::Mangle, Table::Filter, Table::Nat]),
        (Hook::Output, [Table::Mangle, Table::Nat, Table::Filter]),
        (Hook::Postrouting, [Table::Mangle, Table::Filter, Table::Nat]),
    ] {
        // Each passes on only what the one before it made.
        let lines: Vec<String> = (0u32..)
            .zip(order)
            .flat_map(|(n, table)| {
                let unexpected = format!("{table} {hook} -m mark ! --mark {n} -j DROP");
                [unexpected, format!("{table} {hook} -j MARK --set-xmark {}", n + 1)]
            })
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(outcome(&lines, hook, packet(0)), passes(3), "{hook}");
    }
}

#[test]
fn nat_is_asked_for_the_first_packet_of_a_connection_only() {
    for hook in HOOKS {
        for conntrack in every_conntrack() {
            let first = match conntrack {
                Conntrack::Entry { state, first, .. } => first && state != State::Established,
                Conntrack::Invalid | Conntrack::Untracked => false,
            };
            let packet = Packet { conntrack, ..packet(0) };
            let marked = outcome(&[&format!("nat {hook} -j MARK --or-mark 1")], hook, packet).mark;
            assert_eq!(marked == 1, first, "{hook} {conntrack:?}");
        }
    }
}

#[test]
fn masquerading_ends_nat_and_drops_nothing() {
    for (flag, random_fully) in [("", false), (" --random-fully", true)] {
        let jump = "nat POSTROUTING -j CK-A";
        let masquerade = format!("nat CK-A -j MASQUERADE{flag}");
        let lines = [jump, &masquerade, "nat CK-A -j DROP", "nat POSTROUTING -j MARK --or-mark 1"];
        let expected = Outcome { masquerade: Some(Masquerade { random_fully }), ..passes(0) };
        assert_eq!(outcome(&lines, Hook::Postrouting, packet(0)), expected);
    }
    let lines = ["nat INPUT -j MASQUERADE"];
    let misplaced = TraceError::Misplaced { at: at(Table::Nat, "INPUT", 0) };
    assert_eq!(error(&lines, Hook::Input, packet(0)), misplaced);
}

#[test]
fn a_mark_is_cleared_by_the_mask_and_turned_by_the_value() {
    for (target, before, after) in [
        ("--or-mark 0x6", 0x3, 0x7),
        ("--xor-mark 0x6", 0x3, 0x5),
        ("--set-xmark 0x0/0xfffffff9", 0x3, 0x2),
        ("--set-xmark 0x6", 0xffff_ffff, 0x6),
        ("--set-xmark 0x6/0x1", 0x3, 0x4),
    ] {
        let line = format!("mangle INPUT -j MARK {target}");
        assert_eq!(outcome(&[&line], Hook::Input, packet(before)), passes(after), "{target}");
    }
}

#[test]
fn a_mark_matches_under_its_mask() {
    for (mark, matches) in [(0x4000, true), (0xc001, true), (0, false), (!0x4000, false)] {
        let rule = |bang| format!("-m mark {bang} --mark 0x4000/0x4000");
        assert_eq!(passes_input(&rule(""), packet(mark)), !matches, "{mark:#x}");
        assert_eq!(passes_input(&rule("!"), packet(mark)), matches, "! {mark:#x}");
        // No mark has a bit that the mask has not.
        assert!(passes_input("-m mark --mark 0x4001/0x4000", packet(mark)), "{mark:#x}");
    }
}

#[test]
fn an_address_matches_by_its_first_bits() {
    for (prefix, matches) in [
        ("10.0.0.1", true),
        ("10.0.0.0/31", true),
        ("10.0.0.2/31", false),
        ("10.0.0.0/8", true),
        ("11.0.0.0/8", false),
        ("0.0.0.0/1", true),
    ] {
        assert_eq!(passes_input(&format!("-s {prefix}"), packet(0)), !matches, "{prefix}");
        assert_eq!(passes_input(&format!("! -s {prefix}"), packet(0)), matches, "! {prefix}");
    }
    assert!(!passes_input("-d 10.0.0.2", packet(0)));
    assert!(passes_input("-d 10.0.0.1", packet(0)));
    assert!(passes_input("-s 10.0.0.1 ! -d 10.0.0.2", packet(0)), "both must hold");
}

#[test]
fn ctstate_is_one_state_and_the_translations_of_an_entry() {
    let names = ["INVALID", "UNTRACKED", "NEW", "ESTABLISHED", "RELATED", "SNAT", "DNAT"];
    for conntrack in every_conntrack() {
        let has = |name: &str| match conntrack {
            Conntrack::Invalid => name == "INVALID",
            Conntrack::Untracked => name == "UNTRACKED",
            Conntrack::Entry { state, snat, dnat, .. } => {
                let state = format!("{state:?}").to_uppercase() == name;
                state || snat && name == "SNAT" || dnat && name == "DNAT"
            }
        };
        let packet = Packet { conntrack, ..packet(0) };
        // Any set of them.
        for set in 1..1 << names.len() {
            let wanted = (0..names.len()).filter(|n| set & (1 << n) != 0).map(|n| names[n]);
            let wanted: Vec<&str> = wanted.collect();
            let (matches, list) = (wanted.iter().any(|name| has(name)), wanted.join(","));
            let rule = |bang| format!("-m conntrack {bang} --ctstate {list}");
            assert_eq!(passes_input(&rule(""), packet), !matches, "{list}, {conntrack:?}");
            assert_eq!(passes_input(&rule("!"), packet), matches, "! {list}, {conntrack:?}");
        }
    }
}

#[test]
fn a_foreign_rule_fails_where_a_packet_meets_it_and_only_there() {
    let lines = ["filter INPUT -m mark --mark 1 -j RETURN", "filter INPUT -p tcp -j QUEUE"];
    assert_eq!(outcome(&lines, Hook::Input, packet(1)), passes(1));
    assert_eq!(outcome(&lines, Hook::Output, packet(0)), passes(0));
    let foreign = error(&lines, Hook::Input, packet(0));
    assert_eq!(foreign.to_string(), "filter INPUT rule 2 is foreign: -p tcp -j QUEUE");
    // nat is not asked again.
    let lines = ["nat INPUT -p tcp -j QUEUE"];
    let again = Packet { conntrack: entry(State::New, false), ..packet(0) };
    assert_eq!(outcome(&lines, Hook::Input, again), passes(0));
    assert!(matches!(error(&lines, Hook::Input, packet(0)), TraceError::Foreign { .. }));
}

#[test]
fn a_chain_that_was_not_read_fails_where_a_packet_would_enter_it() {
    let lines = ["filter INPUT -m mark --mark 1 -j CK-A"];
    assert_eq!(outcome(&lines, Hook::Input, packet(0)), passes(0));
    let not_read = TraceError::NotRead { at: at(Table::Filter, "INPUT", 0), to: "CK-A".into() };
    assert_eq!(error(&lines, Hook::Input, packet(1)), not_read);
}

/// 16 chains are what nf_tables accepts, the base chain among them.
#[test]
fn a_walk_is_as_deep_as_the_kernel_allows_and_a_loop_ends() {
    let deep = |chains: usize| {
        let name = |n: usize| if n == 1 { "INPUT".to_owned() } else { format!("CK-{n}") };
        let mut lines: Vec<String> =
            (1..chains).map(|n| format!("filter {} -j {}", name(n), name(n + 1))).collect();
        lines.push(format!("filter {} -j MARK --or-mark 1", name(chains)));
        lines
    };
    let trace_deep = |chains| {
        let lines = deep(chains);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        trace(&self::chains(&lines), Hook::Input, &packet(0))
    };
    assert_eq!(trace_deep(16), Ok(passes(1)));
    assert_eq!(trace_deep(17), Err(TraceError::TooDeep { at: at(Table::Filter, "CK-16", 0) }));
    let lines = ["filter INPUT -j CK-A", "filter CK-A -j CK-B", "filter CK-B -j CK-A"];
    assert!(matches!(error(&lines, Hook::Input, packet(0)), TraceError::TooDeep { .. }));
}

#[test]
fn addresses_of_two_families_do_not_meet() {
    let lines = ["filter INPUT -s ::1 -j DROP"];
    let other = TraceError::OtherFamily { at: at(Table::Filter, "INPUT", 0) };
    assert_eq!(error(&lines, Hook::Input, packet(0)), other);
    let destination = "::1".parse().expect("an address");
    let mixed = error(&[], Hook::Input, Packet { destination, ..packet(0) });
    assert_eq!(mixed.to_string(), "no packet goes from 10.0.0.1 to ::1");
}

#[test]
fn a_base_chain_whose_turn_is_not_known_fails() {
    let mut seen = chains(&["filter OUTPUT", "filter INPUT -j DROP"]);
    let filter = seen.tables.get_mut(&Table::Filter).expect("filter");
    let odd = BaseChain { standard: false, text: "type filter hook 1 priority 10".into() };
    filter.chains.get_mut("OUTPUT").expect("OUTPUT").base = Some(odd);
    let error = trace(&seen, Hook::Input, &packet(0)).expect_err("who is first?");
    let text = "filter OUTPUT is not the base chain of iptables: type filter hook 1 priority 10";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_dormant_table_does_nothing() {
    let mut seen = chains(&["filter INPUT -j DROP"]);
    seen.tables.get_mut(&Table::Filter).expect("filter").dormant = true;
    assert_eq!(trace(&seen, Hook::Input, &packet(0)), Ok(passes(0)));
}
