//! Every command on a terminal of 80 columns, with colour and without, and for programs; on a good day and on bad
//! ones.
use super::{NFT, home};
use crate::support::{Host, PROGRAM, Running, eventually};
use chainkeeper::cli::Cli;
use chainkeeper::exit;
use clap::{Command, CommandFactory as _};
use std::io::Write as _;
use std::os::unix::net::UnixStream;

/// Each command of the command line, with each of its own options at least once, in an order that makes sense.
const TYPED: [&str; 29] = [
    "probe",
    "diff",
    "diff --validate",
    "check",
    "check --wait 1ms",
    "check --live",
    "status",
    "events --since 1h",
    "events --follow",
    "pause --for 10m",
    "status",
    "check",
    "events",
    "resume",
    "resume",
    "render",
    "render --format json --beside-kube-proxy",
    "config check",
    "config show",
    "report - --with-foreign-rules --with-command-lines --with-addresses",
    "run --observe",
    "run --sandbox",
    "run",
    "apply --wait 1ms",
    "apply",
    "diff",
    "remove --dry-run",
    "remove --force",
    "remove",
];

/// What ends when it is told to.
const ENDLESS: [&str; 2] = ["run", "events --follow"];

/// What may be wider, and why.
const WIDER: [(&str, &str); 4] = [
    ("render", "it is what iptables-save prints"),
    ("report", "it is a file, with what other programs print"),
    ("config show", "it is TOML"),
    ("run", "its journal has one line for each event, to be found by its words"),
];

/// Lines of any screen that may be: they are to be copied.
fn is_copied(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '+', '-', '~', '=']);
    let rule = line.contains("-j ") && !line.starts_with("error");
    rule || ["volumeMounts: ", "volumes: ", "yaml  "].iter().any(|yaml| line.starts_with(yaml))
}

/// So that what is typed has every command and option that there is.
#[test]
fn nothing_of_the_command_line_is_left_out() {
    fn typed(path: &str, command: &Command) {
        let ways: Vec<&str> = TYPED.into_iter().filter(|way| way.starts_with(path)).collect();
        assert!(!ways.is_empty(), "`{path}` is not typed");
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            let option = format!("--{option}");
            let is_typed = |way: &&str| way.split(' ').any(|word| word == option);
            assert!(ways.iter().any(is_typed), "`{path} {option}` is not typed");
        }
        for sub in command.get_subcommands() {
            typed(&format!("{path} {}", sub.get_name()), sub);
        }
    }
    Cli::command().get_subcommands().for_each(|sub| typed(sub.get_name(), sub));
}

/// Without colours: nothing else that a terminal obeys is left.
fn without_colour(shown: &str) -> String {
    let plain = anstream::adapter::strip_str(shown).to_string();
    let colours = shown.split("\x1b[").skip(1).filter(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
    });
    assert_eq!(colours.count(), shown.matches('\x1b').count(), "{shown:?}");
    plain
}

/// Says each of these under `before`, in every form.
fn every_screen_fits(host: &Host, before: &str, ways: &[&str]) {
    for words in ways {
        let endless = ENDLESS.iter().any(|endless| words.starts_with(endless));
        let before = format!("at-home {before} {}", if endless { "timeout 0.4" } else { "" });
        let (code, shown) = host.on_terminal(&before, words, &[]);
        let ended =
            code == 124 && endless || exit::TABLE.iter().any(|(c, _)| i32::from(*c) == code);
        assert!(ended && !shown.contains("panicked"), "`{words}`: exit {code}\n{shown}");
        let whole = WIDER.iter().any(|(wider, _)| words.starts_with(wider));
        for line in without_colour(&shown).lines().filter(|line| !whole && !is_copied(line)) {
            assert!(line.chars().count() <= 80, "`{words}` is too wide: {line}\n{shown}");
        }
        let (_, shown) = host.on_terminal(&before, words, &[("NO_COLOR", "1")]);
        assert!(!shown.contains('\x1b'), "`{words}` with NO_COLOR: {shown:?}");
        for_programs(host, &before, words);
    }
}

/// Through a pipe.
fn for_programs(host: &Host, before: &str, words: &str) {
    let said = host.ck_under(before, words);
    let all = said.stdout + &said.stderr;
    assert!(!all.contains('\x1b'), "`{words}` in a pipe: {all:?}");
    let said = host.ck_under(before, &format!("{words} --output json"));
    let values = serde_json::Deserializer::from_str(&said.stdout).into_iter::<serde_json::Value>();
    let values: Vec<_> = values
        .map(|value| value.unwrap_or_else(|e| panic!("`{words}`: {e}\n{}", said.stdout)))
        .collect();
    // A journal is none; nothing may have happened.
    let none = words.starts_with("run")
        || words.starts_with("events") && said.code != i32::from(exit::FAILED);
    assert!(none || !values.is_empty(), "`{words}` says nothing to programs: {}", said.stderr);
}

/// A host on which that was done, and then the service started so.
fn served(setup: &str, words: &str) -> (Host, Running) {
    let host = home(Host::unknown(), NFT, setup);
    let run = host.start("at-home", &format!("{PROGRAM} run {words}"));
    eventually("it keeps", || host.ck_under("at-home", "check --live").code == 0);
    (host, run)
}

#[test]
fn a_good_day() {
    let (host, _run) = served("true", "--backend nft");
    every_screen_fits(&host, "", &TYPED);
}

/// Of those who came before: kubelet's chains in legacy, ours flushed in nf_tables; no service.
#[test]
fn a_day_after_a_flush() {
    let host = home(Host::of(crate::support::On::Nft), NFT, "true");
    host.ck_ok("apply --backend nft", 0);
    host.sh("iptables-legacy -t mangle -N KUBE-IPTABLES-HINT
        ip6tables-legacy -t mangle -N KUBE-KUBELET-CANARY
        iptables-nft -t nat -F; iptables-nft -t nat -A KUBE-MARK-DROP -p udp -j ACCEPT
        iptables-nft -I OUTPUT -p udp --dport 53 -j ACCEPT
        nft add table ip6 nat '{ flags dormant; }'");
    every_screen_fits(&host, "", &TYPED);
}

/// A stubborn writer with a long name that writes on terminals, and a rule with such a comment.
#[test]
fn a_day_with_a_stubborn_writer() {
    let (host, _run) = served("true", "--backend nft --settle 10ms");
    host.put(
        "a\u{1b}[31mb",
        "for n in $(seq 40); do iptables-nft -t nat -F KUBE-MARK-MASQ; sleep 0.2; done",
    );
    let writer = host.start("at-home", "a\u{1b}[31mb");
    let yielded = || host.ck_under("at-home", "status").stdout.contains("undid");
    crate::support::within(20, "it is yielded", yielded);
    drop(writer);
    host.sh("iptables-nft -t nat -I KUBE-POSTROUTING -m comment --comment \"$(printf 'a\\033[2J%080d' 1)\" -j RETURN");
    every_screen_fits(&host, "", &TYPED);
}

#[test]
fn a_day_without_rights_in_a_container() {
    let setup = "iptables-legacy -t mangle -N KUBE-IPTABLES-HINT";
    let host = home(Host::unknown(), NFT, setup);
    for caps in ["net_admin", "net_raw"] {
        let before = format!("env container=pod setpriv --bounding-set=-{caps} --inh-caps=-{caps}");
        every_screen_fits(&host, &before, &TYPED);
    }
}

#[test]
fn a_day_on_which_the_lock_is_held() {
    let host = home(Host::of(crate::support::On::Legacy), NFT, "true");
    let _holder = host.hold_lock(100);
    let ways = ["apply", "remove", "diff", "check", "run", "status"];
    let ways = ways.map(|way| format!("{way} --lock-wait 50ms"));
    every_screen_fits(&host, "", &ways.each_ref().map(String::as_str));
}

#[test]
fn every_help() {
    fn helps(path: &str, command: &Command, all: &mut Vec<String>) {
        all.extend(["--help", "-h"].map(|help| format!("{path} {help}")));
        command
            .get_subcommands()
            .for_each(|sub| helps(&format!("{path} {}", sub.get_name()), sub, all));
    }
    let (host, mut all) = (home(Host::unknown(), NFT, "true"), vec![]);
    helps("", &Cli::command(), &mut all);
    for words in all.iter().chain(&["--version".to_owned()]) {
        let (code, shown) = host.on_terminal("at-home", words, &[]);
        assert_eq!(code, 0, "{words}: {shown}");
        for line in without_colour(&shown).lines() {
            assert!(line.chars().count() <= 80, "`{words}` is too wide: {line}");
        }
    }
}

/// What is refused is no quiet day.
#[test]
fn one_more_who_follows_than_there_may_be_is_told_so() {
    let (host, _run) = served("true", "--backend nft");
    let follow = |_| {
        let mut stream = UnixStream::connect(host.socket()).expect("the service listens");
        let question = b"{\"ask\":\"events\",\"since_ms\":0,\"follow\":true}\n";
        stream.write_all(question).expect("it is asked");
        stream
    };
    let _all: Vec<UnixStream> = (0..32).map(follow).collect();
    let refused = || {
        let (code, shown) = host.on_terminal("at-home timeout 1", "events --follow", &[]);
        code == i32::from(exit::FAILED) && shown.contains("too many follow already")
    };
    eventually("one more is refused", refused);
}
