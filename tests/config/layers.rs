//! Which of two settings counts.
use super::From;
use chainkeeper::cli::Cli;
use chainkeeper::config::{Origin, Settings};
use clap::CommandFactory as _;

/// The bit that packets are masqueraded by, and where it was set.
fn bit(from: &From) -> (u32, String) {
    let loaded = from.load().expect("settings");
    let (_, origin) = &loaded.layers.0["masquerade-bit"];
    let origin = match origin {
        Origin::File(..) => "file".into(),
        Origin::Kubelet(_) => "kubelet".into(),
        Origin::Default | Origin::Environment(_) | Origin::Flag(_) => origin.to_string(),
    };
    (loaded.config.masquerade_mark.trailing_zeros(), origin)
}

#[test]
fn flags_stand_above_the_environment_above_the_file_above_a_kubelet() {
    let kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n\
                   iptablesMasqueradeBit: 1\nauthentication:\n  anonymous: {enabled: false}\n";
    let mut from = From::default();
    assert_eq!(bit(&from), (14, "default".into()));
    from = from.kubelet(kubelet);
    assert_eq!(bit(&from), (1, "kubelet".into()));
    from = from.file("masquerade-bit = 2\n");
    assert_eq!(bit(&from), (2, "file".into()));
    from = from.set("CHAINKEEPER_MASQUERADE_BIT", "3");
    assert_eq!(bit(&from), (3, "$CHAINKEEPER_MASQUERADE_BIT".into()));
    from = from.flags("--masquerade-bit 4");
    assert_eq!(bit(&from), (4, "--masquerade-bit".into()));
}

#[test]
fn each_layer_may_say_a_part_and_the_lower_one_the_rest() {
    let from = From::default()
        .kubelet("{\"kind\": \"KubeletConfiguration\", \"iptablesDropBit\": 7, \"iptablesMasqueradeBit\": null}")
        .file("# first\n\nsettle = '1s'\nfamily = 'ipv4'\n")
        .set("CHAINKEEPER_FAMILY", "ipv6")
        .set("CHAINKEEPER_COMMAND_LINES", "false")
        .flags("--force-dialect=false");
    let loaded = from.load().expect("settings");
    let of = |key: &str| loaded.layers.0[key].clone();
    assert_eq!(of("drop-bit").0.as_integer(), Some(7));
    assert_eq!(of("masquerade-bit"), (14.into(), Origin::Default));
    assert!(matches!(of("settle").1, Origin::File(_, 3)), "{:?}", of("settle"));
    assert_eq!(of("family").0.as_str(), Some("ipv6"));
    assert!(!loaded.config.command_lines);
    assert_eq!(loaded.notes, <[String; 0]>::default());
}

/// Its own keys are read however YAML writes them; what other keys hold is none of our business.
#[test]
fn a_kubelet_file_is_read_in_every_dress_of_yaml() {
    for text in [
        "# first\n---\nkind: KubeletConfiguration # why\niptablesMasqueradeBit: 7\n...\n",
        "%YAML 1.2\n---\niptablesMasqueradeBit: +7\nkind: 'KubeletConfiguration'\n",
        "\u{feff}\"ki\\u006ed\" : >-\n  KubeletConfiguration\r\niptablesMasqueradeBit : 0x7\r\n",
        "{kind: KubeletConfiguration, iptablesMasqueradeBit: 0o7,}",
        "{\n\t\"iptablesMasqueradeBit\": 7,\n\t\"kind\": \"KubeletConfiguration\"\n}\n",
        "? kind\n: &k !!str KubeletConfiguration\n? iptablesMasqueradeBit\n: &seven 7\n",
        "a:\n  kind: Pod\n  iptablesMasqueradeBit: 9\nb:\n- kind: Pod\n- {iptablesMasqueradeBit: 9}\n\
         c: |\n  kind: Pod\nkind: KubeletConfiguration\niptablesMasqueradeBit: 7\n",
        "kind: KubeletConfiguration\na: {[b, 1]: .nan, c: !!int d, c: !e f}\n1: ~\niptablesMasqueradeBit: 7\n",
    ] {
        assert_eq!(bit(&From::default().kubelet(text)), (7, "kubelet".into()), "{text}");
    }
}

#[test]
fn null_is_no_setting_and_booleans_have_many_words() {
    let note = |make: &str| {
        let text = format!("kind: KubeletConfiguration\nmakeIPTablesUtilChains: {make}\n");
        From::default().kubelet(&text).load().expect("settings").notes.len()
    };
    for (make, notes) in [("false", 1), ("No", 1), ("OFF", 1), ("true", 0), ("yes", 0), ("on", 0)] {
        assert_eq!(note(make), notes, "{make}");
    }
    for null in ["", "~", "null"] {
        assert_eq!(note(null), 0, "{null}");
        let text = format!("kind: KubeletConfiguration\niptablesMasqueradeBit: {null}\n");
        assert_eq!(bit(&From::default().kubelet(&text)), (14, "default".into()), "{null}");
    }
}

/// A kubelet that makes no chains is why we are here: it does not tell us to make none.
#[test]
fn make_iptables_util_chains_of_a_kubelet_is_reported_and_not_obeyed() {
    let from =
        From::default().kubelet("kind: KubeletConfiguration\nmakeIPTablesUtilChains: false\n");
    let loaded = from.load().expect("settings");
    assert!(loaded.config.make_chains);
    let [note] = &loaded.notes[..] else { panic!("{:?}", loaded.notes) };
    assert!(note.ends_with("kubelet leaves the chains to us"), "{note}");
    let from =
        From::default().kubelet("kind: KubeletConfiguration\nmakeIPTablesUtilChains: true\n");
    assert!(from.load().expect("settings").notes.is_empty());
}

/// In a cluster with a service called `chainkeeper` each container has these.
#[test]
fn what_kubernetes_says_of_a_service_of_our_name_is_no_setting() {
    let mut from = From::default().set("CHAINKEEPER_SETTLE", "").set("PATH", "/");
    for name in [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_METRICS",
        "PORT",
        "PORT_9253_TCP",
        "PORT_9253_TCP_ADDR",
        "METRICS_SERVICE_HOST",
        "METRICS_PORT_80_TCP_PROTO",
    ] {
        from = from.set(&format!("CHAINKEEPER_{name}"), "tcp://10.0.0.1:9253");
    }
    assert!(from.load().expect("settings").layers.0.values().all(|(_, o)| *o == Origin::Default));
    // And no setting of ours looks like one.
    for arg in Cli::command().get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)) {
        let name = arg.to_ascii_uppercase().replace('-', "_");
        assert!(!name.contains("_PORT") && !name.contains("SERVICE_"), "{name}");
    }
}

#[test]
fn every_setting_has_a_default_and_what_is_shown_can_be_read_again() {
    let defaults = toml::Table::try_from(Settings::defaults()).expect("text");
    let flags: Vec<_> = super::Flags::command()
        .get_arguments()
        .filter_map(|arg| arg.get_long().map(str::to_owned))
        .filter(|name| !["help", "version"].contains(&name.as_str()))
        .collect();
    assert!(flags.len() > 25);
    for name in &flags {
        assert!(defaults.contains_key(name), "{name} has no default");
    }
    assert_eq!(Settings::defaults().check(), Settings::default().check());
    let again = From::default().file(defaults.to_string()).load().expect("settings");
    assert_eq!(Ok(again.config), Settings::default().check());
}

#[test]
fn a_port_alone_is_of_the_loopback_address() {
    for (text, address) in [
        ("9253", Some("127.0.0.1:9253")),
        (":9253", Some("127.0.0.1:9253")),
        ("0.0.0.0:9253", Some("0.0.0.0:9253")),
        ("[::1]:9253", Some("[::1]:9253")),
        ("none", None),
    ] {
        let from = From::default().flags(&format!("--metrics-bind-address {text}"));
        let metrics = from.load().expect("settings").config.metrics;
        assert_eq!(metrics.map(|at| at.to_string()).as_deref(), address, "{text}");
    }
}
