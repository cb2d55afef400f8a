//! `--netns`: from outside of a host all is as inside, and outside nothing is touched.
use crate::support::in_one_line;
use crate::support::{Host, On, PROGRAM, Said, Scratch, eventually, nobody};
use chainkeeper::control::{Answer, Request, ask_once};

/// In the order of a life.
const ALL: &str = "probe
    diff
    apply
    diff
    diff --validate
    check
    status
    apply
    render
    remove --dry-run
    remove
    check
    events
    check --live
    pause
    resume";

fn number(host: &Host) -> String {
    let link = host.sh("readlink /proc/self/ns/net");
    format!("ns-{}", link.trim().trim_start_matches("net:[").trim_end_matches(']'))
}

/// Exit code and words; lengths of time are all that differs.
fn timeless(said: &Said) -> String {
    let line = |l: &str| match l.rsplit_once(", ") {
        Some((before, after)) if after.ends_with(" ms") => before.to_owned(),
        Some(_) | None => l.to_owned(),
    };
    let all = format!("{}\n{}\n{}", said.code, said.stdout, said.stderr);
    all.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn folder(host: &Host) -> String {
    host.state().parent().expect("a folder").display().to_string()
}

fn all_tables(host: &Host) -> String {
    host.sh("nft list ruleset; cat /proc/thread-self/net/ip_tables_names 2>/dev/null || true")
}

#[test]
fn every_command_does_from_outside_what_it_does_inside() {
    for on in On::BOTH {
        let (outside, inside, twin) = (Host::unknown(), Host::unknown(), Host::unknown());
        let before = (outside.generation(), all_tables(&outside));
        let backend = on.name();
        let number = number(&inside);
        let netns = format!("--netns {}", inside.path());
        for words in ALL.lines().map(str::trim) {
            let words = format!("{words} --backend {backend} --lock-wait 10s");
            let there = timeless(&outside.ck(&format!("{netns} {words}")));
            let here = timeless(&twin.ck(&words));
            // Files are those of each host, with the namespace's number in their names; what is to be typed
            // next has the namespace, too.
            let there =
                there.replace(&folder(&outside), "FOLDER").replace(&format!("-{number}."), ".");
            let there = there.replace(&format!(" {netns}"), "");
            let here = here.replace(&folder(&twin), "FOLDER");
            assert_eq!(in_one_line(&there), in_one_line(&here), "{words}");
        }
        assert_eq!((outside.generation(), all_tables(&outside)), before, "{backend}");
        outside.ck_ok(&format!("--netns {} --backend {backend} apply", inside.path()), 0);
        inside.ck_ok(&format!("--backend {backend} diff"), 0);
        assert_eq!((outside.generation(), all_tables(&outside)), before, "{backend}");
        let state = format!("state-{number}.json");
        if on == On::Legacy {
            assert!(outside.files().contains(&state), "{:?}", outside.files());
        }
        assert!(!outside.files().contains(&"state.json".to_owned()), "{:?}", outside.files());
    }
}

#[test]
fn a_service_here_and_one_there_do_not_meet() {
    let (outside, inside) = (Host::new(), Host::unknown());
    let netns = format!("--netns {}", inside.path());
    let _there = outside.start(PROGRAM, &format!("run {netns} --backend nft --settle 10ms"));
    let _here = outside.start(PROGRAM, "run --settle 10ms");
    for words in ["", &netns] {
        let check = format!("check --live --wait 10s {words}");
        assert_eq!(outside.ck_ok(&check, 0), "running\n");
    }
    let socket = outside.socket().with_file_name(format!("chainkeeper-{}.sock", number(&inside)));
    let pid = |path: &std::path::Path| match ask_once(path, &Request::Status {}) {
        Ok(Answer::Status(status)) => status.pid,
        other => panic!("{other:?}"),
    };
    assert_ne!(pid(&socket), pid(&outside.socket()));
    let repaired = || outside.ck_ok(&format!("events {netns}"), 0).contains("took  ip");
    inside.sh("iptables-nft -D INPUT -j KUBE-FIREWALL");
    eventually("the one inside repairs it", repaired);
    inside.ck_ok("diff --backend nft", 0);
    assert!(outside.ck_ok("events", 0).contains("nothing happened"));
    assert!(outside.ck_ok(&format!("status {netns}"), 0).contains("in sync"));
}

#[test]
fn a_name_is_one_of_ip_netns() {
    let host = Host::new();
    // In a mount namespace of its own, nobody else sees the name.
    let script = format!(
        "unshare -m sh -ec 'mkdir -p /run/netns; mount -t tmpfs none /run/netns
           touch /run/netns/blue; mount --bind /proc/self/ns/net /run/netns/blue
           {PROGRAM} --netns blue config show; {PROGRAM} --netns /run/netns/blue config show'"
    );
    let said = host.sh(&script);
    assert_eq!(said.matches("/chainkeeper-blue.sock\"").count(), 2, "{said}");
    assert_eq!(said.matches("/state-blue.json\"").count(), 2, "{said}");
    assert!(said.contains("# --netns"), "{said}");
    let own = host.ck_ok("--netns /proc/self/ns/net --socket /x.sock config show", 0);
    assert!(own.contains("socket = \"/x.sock\""), "{own}");
}

#[test]
fn what_is_no_network_namespace_is_named_with_a_way_out() {
    let host = Host::new();
    let file = Scratch::new("no-namespace", "");
    for (path, what) in [
        (file.path().as_str(), "that is no network namespace"),
        ("/proc/self/ns/mnt", "that is no network namespace"),
        ("/tmp", "that is no network namespace"),
        ("/proc/4194999/ns/net", "there is none"),
        ("no-such-name", "/run/netns/no-such-name: there is none"),
    ] {
        let said = host.ck(&format!("--netns {path} check"));
        assert_eq!(said.code, 2, "{path}: {}", said.stderr);
        assert!(said.stderr.contains("error: cannot use network namespace "), "{}", said.stderr);
        assert!(
            said.stderr.contains(what) && said.stderr.contains("\n  do    "),
            "{}",
            said.stderr
        );
    }
    for words in ["--netns x run --sandbox", "run --sandbox --netns x"] {
        let said = host.ck(words);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(said.stderr.contains("--netns and --sandbox contradict"), "{}", said.stderr);
    }
    let Some(nobody) = nobody(65534, "+net_admin,+net_raw") else { return };
    let said = host.ck_under(&nobody, "--netns /proc/self/ns/net check");
    assert_eq!(said.code, 4, "{}", said.stderr);
    assert!(said.stderr.contains("CAP_SYS_ADMIN"), "{}", said.stderr);
}
