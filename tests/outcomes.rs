//! What the policy does to packets, said as outcomes and asked of the tracer: every state of
//! conntrack, both families, all profiles.
use chainkeeper::config::{Config, parse};
use chainkeeper::policy::{Circumstances, policy};
use chainkeeper_contract::testing::{Fake, Outside, every_conntrack};
use chainkeeper_contract::trace::{Conntrack, Masquerade, Outcome, Packet, State, trace};
use chainkeeper_contract::{
    Action, Backend, Family, Hook, Jump, Observed, Options, Plan, Rule, Scope, Table, diff,
};
use std::net::IpAddr;

const MASQUERADE: u32 = 0x4000;
const DROP: u32 = 0x8000;
const OTHERS: [u32; 4] = [0, 1, 0x2000, !(MASQUERADE | DROP)];
const HOOKS: [Hook; 3] = [Hook::Input, Hook::Output, Hook::Postrouting];

/// Profiles with mark chains: settings, whether a kube-proxy was seen, and where they drop.
const MARKING: [(&str, bool, &str); 7] = [
    ("", false, "KUBE-FIREWALL"),
    ("", true, "CHAINKEEPER-DROP"),
    ("profile = 'auto'", true, "CHAINKEEPER-DROP"),
    ("profile = 'full'", false, "KUBE-FIREWALL"),
    ("profile = 'full'", true, "KUBE-FIREWALL"),
    ("dialect = 'native'", false, "KUBE-FIREWALL"),
    ("dialect = 'native'", true, "CHAINKEEPER-DROP"),
];
const CURRENT: [(&str, bool, &str); 3] = [
    ("profile = 'current'", false, ""),
    ("profile = 'current'", true, ""),
    ("profile = 'current'\ndialect = 'native'", false, ""),
];

/// A host that was empty before `apply`.
struct Host {
    fake: Fake,
    scope: Scope,
    family: Family,
}

impl Host {
    fn new(toml: &str, kube_proxy: bool, family: Family) -> Host {
        Host::with(toml, kube_proxy, family, &[])
    }

    /// With jumps of somebody else's from nat OUTPUT.
    fn with(toml: &str, kube_proxy: bool, family: Family, to: &[&str]) -> Host {
        let config: Config = parse("test", toml).expect("settings").check().expect("config");
        let mut set =
            policy(&config, Circumstances { kube_proxy, ..Circumstances::default() }, family);
        set.jumps.extend(to.iter().map(|to| {
            let rule = Rule::new(Action::Jump((*to).into()));
            Jump { table: Table::Nat, hook: Hook::Output, to: (*to).into(), rule }
        }));
        let scope = Scope { families: [family].into(), ..Scope::of([&set]) };
        let mut host = Host { fake: Fake::default(), scope, family };
        let steps = diff(&set, &host.seen(), Options::default()).steps;
        let plan = Plan { generation: None, families: [(family, steps)].into() };
        let applied = host.fake.apply(&plan).expect("apply");
        assert!(applied.families.values().all(Result::is_ok), "{applied:?}");
        host
    }

    fn seen(&mut self) -> Observed {
        let mut seen = self.fake.observe(&self.scope).expect("observe").families;
        seen.remove(&self.family).expect("the family").expect("it is readable")
    }

    /// A packet from one ordinary address to another.
    fn packet(&self, mark: u32, conntrack: Conntrack) -> Packet {
        let [source, destination] = match self.family {
            Family::Ipv4 => ["192.0.2.1", "198.51.100.1"],
            Family::Ipv6 => ["2001:db8::1", "2001:db8:1::1"],
        };
        Packet { source: address(source), destination: address(destination), mark, conntrack }
    }

    fn outcome(&mut self, hook: Hook, packet: Packet) -> Outcome {
        trace(&self.seen(), hook, &packet).expect("nothing here is unknown")
    }

    /// The chain that drops the packet, if one does.
    fn dropped_in(&mut self, hook: Hook, packet: Packet) -> Option<String> {
        self.outcome(hook, packet).dropped.map(|at| at.chain.to_string())
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn passes(mark: u32) -> Outcome {
    Outcome { dropped: None, mark, masquerade: None }
}

fn first() -> Conntrack {
    Conntrack::Entry { state: State::New, first: true, snat: false, dnat: false }
}

/// Is nat asked about it?
fn is_first(conntrack: Conntrack) -> bool {
    match conntrack {
        Conntrack::Entry { state, first, .. } => first && state != State::Established,
        Conntrack::Invalid | Conntrack::Untracked => false,
    }
}

/// Each profile and family with every conntrack.
fn each(profiles: &[(&str, bool, &str)], mut say: impl FnMut(&mut Host, &str, Conntrack)) {
    for family in Family::ALL {
        for (toml, kube_proxy, drop_in) in profiles {
            let mut host = Host::new(toml, *kube_proxy, family);
            every_conntrack().into_iter().for_each(|c| say(&mut host, drop_in, c));
        }
    }
}

#[test]
fn a_packet_marked_for_dropping_is_dropped_in_and_out_whatever_its_other_bits() {
    each(&MARKING, |host, chain, conntrack| {
        for mark in OTHERS.into_iter().chain([MASQUERADE]).map(|bits| bits | DROP) {
            let packet = host.packet(mark, conntrack);
            for hook in [Hook::Input, Hook::Output] {
                assert_eq!(host.dropped_in(hook, packet).as_deref(), Some(chain), "{packet:?}");
                assert_eq!(host.outcome(hook, packet).mark, mark);
            }
            // Too late: it has been let out, or is somebody else's on its way through.
            assert_eq!(host.dropped_in(Hook::Postrouting, packet), None);
        }
    });
}

#[test]
fn a_packet_without_our_bits_passes_untouched() {
    each(&[&MARKING[..], &CURRENT].concat(), |host, _, conntrack| {
        for mark in OTHERS {
            let packet = host.packet(mark, conntrack);
            for hook in HOOKS {
                assert_eq!(host.outcome(hook, packet), passes(mark), "{hook} {packet:?}");
            }
        }
    });
}

#[test]
fn a_packet_marked_for_masquerading_leaves_masqueraded_and_unmarked() {
    each(&MARKING, |host, _, conntrack| {
        for bits in OTHERS {
            let packet = host.packet(bits | MASQUERADE, conntrack);
            // nat decides with the first packet of a connection; later ones are translated without.
            let expected = match is_first(conntrack) {
                true => {
                    Outcome { masquerade: Some(Masquerade { random_fully: true }), ..passes(bits) }
                }
                false => passes(packet.mark),
            };
            assert_eq!(host.outcome(Hook::Postrouting, packet), expected, "{packet:?}");
            for hook in [Hook::Input, Hook::Output] {
                assert_eq!(host.outcome(hook, packet), passes(packet.mark), "{hook} {packet:?}");
            }
        }
    });
}

#[test]
fn in_profile_current_marks_mean_nothing() {
    each(&CURRENT, |host, _, conntrack| {
        for mark in [MASQUERADE, DROP, u32::MAX] {
            let packet = host.packet(mark, conntrack);
            for hook in HOOKS {
                assert_eq!(host.outcome(hook, packet), passes(mark), "{hook} {packet:?}");
            }
        }
    });
}

#[test]
fn localnet_is_not_reached_from_outside_but_related_established_or_by_dnat() {
    for (toml, kube_proxy, _) in MARKING.into_iter().chain(CURRENT) {
        let mut host = Host::new(toml, kube_proxy, Family::Ipv4);
        for conntrack in every_conntrack() {
            let allowed = match conntrack {
                Conntrack::Invalid | Conntrack::Untracked => false,
                Conntrack::Entry { state: State::Related | State::Established, .. } => true,
                Conntrack::Entry { state: State::New, dnat, .. } => dnat,
            };
            let outside = host.packet(0, conntrack);
            for localhost in ["127.0.0.1", "127.255.255.254"].map(address) {
                let attack = Packet { destination: localhost, ..outside };
                let by = (!allowed).then_some("KUBE-FIREWALL");
                for hook in [Hook::Input, Hook::Output] {
                    assert_eq!(host.dropped_in(hook, attack).as_deref(), by, "{hook} {attack:?}");
                    let own = Packet { source: address("127.0.0.53"), ..attack };
                    assert_eq!(host.outcome(hook, own), passes(0), "{hook} {own:?}");
                    let out = Packet { source: localhost, ..outside };
                    assert_eq!(host.outcome(hook, out), passes(0), "{hook} {out:?}");
                }
            }
            for near in ["126.255.255.255", "128.0.0.1"].map(address) {
                let packet = Packet { destination: near, ..outside };
                assert_eq!(host.outcome(Hook::Input, packet), passes(0));
            }
        }
    }
}

#[test]
fn ipv6_has_no_localnet_to_guard() {
    for (toml, kube_proxy, _) in MARKING.into_iter().chain(CURRENT) {
        let mut host = Host::new(toml, kube_proxy, Family::Ipv6);
        for conntrack in every_conntrack() {
            for localhost in ["::1", "::ffff:127.0.0.1"].map(address) {
                let packet = Packet { destination: localhost, ..host.packet(0, conntrack) };
                assert_eq!(host.outcome(Hook::Input, packet), passes(0), "{packet:?}");
            }
        }
    }
}

#[test]
fn a_packet_sent_through_a_mark_chain_ends_as_its_mark_says() {
    for family in Family::ALL {
        for (toml, kube_proxy, drop_in) in MARKING {
            let mut host = Host::with(toml, kube_proxy, family, &["KUBE-MARK-MASQ"]);
            let packet = host.packet(1, first());
            let out = host.outcome(Hook::Output, packet);
            assert_eq!(out, passes(1 | MASQUERADE));
            let left = host.outcome(Hook::Postrouting, Packet { mark: out.mark, ..packet });
            assert_eq!(left.masquerade, Some(Masquerade { random_fully: true }));
            assert_eq!(left.mark, 1);
            // nat OUTPUT comes before filter OUTPUT.
            let mut host = Host::with(toml, kube_proxy, family, &["KUBE-MARK-DROP"]);
            assert_eq!(host.dropped_in(Hook::Output, packet).as_deref(), Some(drop_in));
        }
    }
}

/// A kube-proxy of today empties KUBE-FIREWALL at each sync: the reason for CHAINKEEPER-DROP.
#[test]
fn beside_a_kube_proxy_marked_packets_are_dropped_even_after_its_sync() {
    for family in Family::ALL {
        let dropped = [false, true].map(|kube_proxy| {
            let mut host = Host::new("", kube_proxy, family);
            host.fake.outside(family, &Outside::Flush(Table::Filter, "KUBE-FIREWALL".into()));
            let packet = host.packet(DROP, first());
            [Hook::Input, Hook::Output].map(|hook| host.dropped_in(hook, packet).is_some())
        });
        assert_eq!(dropped, [[false, false], [true, true]], "unseen, and seen");
    }
}

#[test]
fn other_bits_take_the_place_of_the_usual_ones() {
    for family in Family::ALL {
        let mut host = Host::new("masquerade-bit = 0\ndrop-bit = 31", false, family);
        for hook in HOOKS {
            let packet = host.packet(MASQUERADE | DROP, first());
            assert_eq!(host.outcome(hook, packet), passes(MASQUERADE | DROP));
        }
        let packet = host.packet(1 << 31, first());
        assert!(host.dropped_in(Hook::Input, packet).is_some());
        let left = host.outcome(Hook::Postrouting, Packet { mark: 3, ..packet });
        assert_eq!((left.mark, left.masquerade.is_some()), (2, true));
    }
}

#[test]
fn switched_off_everything_passes() {
    for family in Family::ALL {
        let mut host = Host::new("make-iptables-util-chains = false", false, family);
        for conntrack in every_conntrack() {
            let packet = host.packet(u32::MAX, conntrack);
            for hook in HOOKS {
                assert_eq!(host.outcome(hook, packet), passes(u32::MAX));
            }
        }
    }
}
