//! `report`: all that helps and nothing that is a secret, on hosts in any state.
use crate::support::{Host, On, PROGRAM, Scratch, eventually, nobody};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;

const TITLES: [&str; 11] = [
    "versions",
    "rights",
    "configuration",
    "backend",
    "status",
    "events of the last 24 hours",
    "last warnings in the journal",
    "our chains",
    "difference",
    "rules by chain",
    "kernel settings",
];

fn path(host: &Host) -> PathBuf {
    host.state().with_file_name("report.txt")
}

/// To standard output, always with every section.
fn report(host: &Host, words: &str) -> String {
    let text = host.ck_ok(&format!("report - {words}"), 0);
    for title in TITLES {
        assert!(text.contains(&format!("\n== {title}\n")), "{title}:\n{text}");
    }
    text
}

fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("\n== {title}\n")).expect("a section");
    rest.split("\n== ").next().unwrap_or_default().trim()
}

#[test]
fn of_a_healthy_host_it_has_everything_and_changes_nothing() {
    for on in On::BOTH {
        let host = Host::of(on);
        host.ck_ok("apply", 0);
        let before = (host.generation(), host.legacy_tables(), host.files());
        let file = path(&host).display().to_string();
        let said = host.ck_ok(&format!("report {file}"), 0);
        assert!(said.contains(&format!("{file}: 11 sections, ")), "{said}");
        let mut after = host.files();
        after.retain(|name| name != "report.txt");
        assert_eq!((host.generation(), host.legacy_tables(), after), before);
        let mode = std::fs::metadata(&file).expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&file).expect("it is text");
        for (title, what) in [
            ("versions", "encoder  "),
            ("versions", "iptables-nft     iptables v1."),
            ("rights", "CapEff:"),
            ("configuration", "settle = \"250ms\""),
            ("status", "no answer: no service answers at "),
            ("our chains", "-j MARK --set-xmark 0x4000/0x4000"),
            ("our chains", "--comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE"),
            ("our chains", "ip filter INPUT\n             [0:0]  -j KUBE-FIREWALL"),
            ("our chains", "ip6 nat KUBE-MARK-MASQ"),
            ("difference", "Nothing to write."),
            ("rules by chain", "KUBE-POSTROUTING                 3"),
            ("kernel settings", "net.ipv4.ip_forward"),
        ] {
            assert!(section(&text, title).contains(what), "{title}: {what}\n{text}");
        }
        assert!(section(&text, "backend").starts_with(on.name()), "{text}");
    }
}

#[test]
fn counters_are_those_of_the_rules() {
    let host = Host::of(On::Nft);
    host.ck_ok("apply", 0);
    // Packets pass the jump.
    host.sh("bash -c 'for n in 1 2 3; do echo x >/dev/udp/127.0.0.1/9 || :; done' 2>/dev/null");
    let counted = host.sh("iptables-nft-save -c -t filter | grep -- '-A INPUT -j KUBE-FIREWALL'");
    let counter = counted.split(' ').next().expect("a counter").to_owned();
    assert_ne!(counter, "[0:0]");
    let text = report(&host, "");
    let jump = format!("{counter}  -j KUBE-FIREWALL");
    assert!(section(&text, "our chains").contains(&jump), "{jump}\n{text}");
}

#[test]
fn rules_of_others_among_ours_are_all_counted() {
    for on in On::BOTH {
        let host = Host::of(on);
        host.ck_ok("apply", 0);
        let tool = host.on().both_iptables()[0];
        host.by(tool, "for n in $(seq 30); do $T -A INPUT -p tcp --dport $n; done");
        let text = report(&host, "");
        let ours = section(&text, "our chains");
        assert!(ours.contains("-j KUBE-FIREWALL\n    (30 rules of others)"), "{on:?}:\n{ours}");
    }
}

#[test]
fn json_tells_where_it_is() {
    let host = Host::new();
    let file = path(&host).display().to_string();
    let said = host.ck_ok(&format!("report {file} --output json"), 0);
    let said: serde_json::Value = serde_json::from_str(&said).expect("one object");
    let size = std::fs::metadata(&file).expect("it is there").len();
    assert_eq!((&said["path"], &said["bytes"]), (&file.into(), &size.into()), "{said}");
    let sections = said["sections"].as_array().expect("a list");
    let title = |n: usize| sections[n]["title"].as_str().expect("a title");
    assert_eq!((0..sections.len()).map(title).collect::<Vec<_>>(), TITLES);
    assert_eq!(sections[4]["ok"], false, "no service is there: {said}");
    assert_eq!(host.ck("report - --output json").code, 2);
}

#[test]
fn what_is_there_is_neither_overwritten_nor_followed() {
    let host = Host::new();
    let (file, target) = (path(&host), path(&host).with_file_name("target"));
    std::fs::write(&file, "mine").expect("the target directory can be written");
    let words = format!("report {}", file.display());
    let said = host.ck(&words);
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(said.stderr.contains("nothing is overwritten"), "{}", said.stderr);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "mine");
    std::fs::remove_file(&file).expect("it is there");
    symlink(&target, &file).expect("a link");
    assert_eq!(host.ck(&words).code, 2);
    assert!(!target.exists(), "it was followed");
    assert_eq!(host.ck("report /no/such/folder/x").code, 5);
    assert_eq!(host.ck("report /dev/full").code, 2);
}

#[test]
fn settings_that_cannot_be_used_do_not_stop_it() {
    let host = Host::new();
    let config = Scratch::new("broken.toml", "setle = \"1s\"\n");
    let text = report(&host, &format!("--config {}", config.path()));
    let said = section(&text, "configuration");
    assert!(
        said.starts_with("no answer: config ") && said.contains("did you mean `settle`?"),
        "{said}"
    );
    assert!(section(&text, "difference").contains("changes, one commit"), "{text}");
}

#[test]
fn without_rights_it_says_what_it_could_not_ask() {
    let host = Host::new();
    let Some(nobody) = nobody(65534, "-all") else { return };
    let said = host.ck_under(&nobody, "report - --backend nft");
    assert_eq!(said.code, 0, "{}", said.stderr);
    let text = said.stdout;
    TITLES.iter().for_each(|title| assert!(text.contains(&format!("\n== {title}\n")), "{title}"));
    assert!(section(&text, "rights").contains("CapEff: 0000000000000000"), "{text}");
    assert!(section(&text, "difference").contains("CAP_NET_ADMIN"), "{text}");
    assert!(section(&text, "kernel settings").contains("ip_forward"), "{text}");
}

/// In every place that somebody else's words could come from.
#[test]
fn secrets_of_others_are_not_in_it_unless_asked_for() {
    for on in On::BOTH {
        let host = Host::of(on);
        let secret = "s3cr3t";
        host.ck_ok("apply", 0);
        for tool in on.both_iptables() {
            let address = if tool.starts_with("ip6") { "2001:db8::7" } else { "198.51.100.7" };
            host.by(
                tool,
                &format!(
                    "$T -I INPUT -s {address} -m comment --comment '{secret} in words' -j DROP
                 $T -t nat -I KUBE-POSTROUTING 2 -m comment --comment {secret} -j RETURN
                 $T -t nat -A KUBE-MARK-MASQ -m comment --comment '{secret} \"quoted\"' -j ACCEPT
                 $T -A FORWARD -m string --string {secret} --algo bm -j DROP
                 $T -I INPUT -m comment --comment '{secret}' -j ACCEPT"
                ),
            );
        }
        // Left alone it is in the status as well, and in the journal's lines.
        let _run = host.start(PROGRAM, "run --observe --heal-flows 203.0.113.0/24");
        host.ck_ok("check --live --wait 10s", 0);
        // Whoever takes it has it in its command line, and a name that writes on terminals.
        let tool = on.both_iptables()[0];
        let evil = format!("{}/a\u{1b}[31mb", host.state().parent().expect("a folder").display());
        host.sh(&format!(
            "printf '#!/bin/sh\\n{tool} -D OUTPUT -j KUBE-FIREWALL; : \"$1\"; sleep 0.2\\n' >'{evil}'
             chmod +x '{evil}'; '{evil}' {secret}"
        ));
        if on == On::Nft {
            eventually("it is told", || !host.ck("events").stdout.contains("nothing happened"));
        }
        let text = report(&host, "--heal-flows 203.0.113.0/24");
        assert!(!text.contains(secret), "{on:?}\n{text}");
        for address in ["198.51.100", "2001:db8", "203.0.113"] {
            assert!(!text.contains(address), "{address} {on:?}\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
        let others = section(&text, "our chains");
        assert!(others.contains("(1 rule of others)"), "{text}");
        let all = report(&host, "--with-foreign-rules --with-addresses");
        assert!(all.contains(secret) && all.contains("198.51.100.7"), "{all}");
    }
}

#[test]
fn a_running_service_tells_its_story_without_command_lines() {
    let host = Host::new();
    let _run = host.start(PROGRAM, "run --settle 10ms");
    host.ck_ok("check --live --wait 10s", 0);
    eventually("it is in sync", || host.ck("diff").code == 0);
    // It lives until it was asked who it is.
    host.sh("sh -c 'iptables-nft -D INPUT -j KUBE-FIREWALL'; sleep 0.2");
    eventually("it is told", || host.ck("events").stdout.contains("took  ip filter"));
    let text = report(&host, "");
    assert!(section(&text, "status").contains("in sync"), "{text}");
    assert!(section(&text, "events of the last 24 hours").contains("took  ip filter"), "{text}");
    assert!(!text.contains("-D INPUT"), "{text}");
    let with = report(&host, "--with-command-lines");
    let known = host.ck("events").stdout.contains("-D INPUT");
    assert_eq!(with.contains("-D INPUT"), known, "{with}");
}

/// A tool that hangs costs its section, and not for ever.
#[test]
fn a_tool_that_hangs_holds_nothing_up() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    host.put("nft", "exec sleep 60");
    let text = report(&host, "");
    let chains = section(&text, "our chains");
    assert!(chains.contains("ip nat KUBE-MARK-MASQ"), "{text}");
    assert!(chains.contains("[0:0]  -j MARK"), "counters come from the kernel: {text}");
    assert!(section(&text, "rules by chain").contains("not read: nft: not done"), "{text}");
    assert!(section(&text, "kernel settings").contains("ip_forward"), "{text}");
}

/// Root may be in a folder that is somebody else's.
#[test]
fn no_tool_of_the_folder_it_is_run_in_is_started() {
    let host = Host::new();
    let folder = host.state().with_file_name("theirs");
    let script = "#!/bin/sh\necho $0 >>started\n";
    host.sh(&format!(
        "mkdir {0}; cd {0}; printf '{script}' >nft; cp nft iptables; chmod +x *",
        folder.display()
    ));
    for path in ["", ".", ":/bin", "/bin:"] {
        let said = host.ck_under(&format!("env -C {} PATH={path}", folder.display()), "report -");
        assert_eq!(said.code, 0, "{said:?}");
        let started = std::fs::read_to_string(folder.join("started"));
        assert!(started.is_err(), "PATH={path}: {started:?}");
    }
}
