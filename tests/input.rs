//! Bad input, missing rights, missing pieces: an exit code and a message that says what to do, never
//! a panic, and never a write.
use crate::support::{Host, PROGRAM, Said, Scratch};
use serde_json::Value;

/// Runs it, expects this code, nothing on standard output, nothing written; what it complained of.
fn refused(host: &Host, words: &str, code: i32) -> String {
    let before = host.generation();
    complaint(&host.ck(words), words, code, host.generation() == before)
}

fn complaint(said: &Said, words: &str, code: i32, untouched: bool) -> String {
    let Said { stdout, stderr, .. } = said;
    assert_eq!(said.code, code, "{words}\n{stdout}{stderr}");
    assert!(!stderr.contains("panicked"), "{words}\n{stderr}");
    assert!(stderr.starts_with("error: ") && stdout.is_empty(), "{words}\n{stdout}{stderr}");
    assert!(untouched, "{words} wrote something");
    stderr.clone()
}

/// The message and the way out, as one text.
fn message(error: &str, remedy: &str) -> String {
    format!("error: {error}\n  do    {remedy}\n")
}

#[test]
fn a_bit_outside_of_the_mark_is_refused_by_every_command() {
    let host = Host::new();
    for key in ["masquerade-bit", "drop-bit"] {
        for bit in ["-1", "32", "9223372036854775807"] {
            // Checked even when no chains are made, as kubelet does.
            for rest in [
                "diff",
                "apply",
                "remove",
                "render",
                "run",
                "apply --make-iptables-util-chains=false",
            ] {
                let said = refused(&host, &format!("{rest} --{key} {bit}"), 2);
                let what = format!("{key} {bit} must be between 0 and 31, inclusive");
                let remedy =
                    "give it a bit of the mark that nobody else uses; kubelet's are 14 and 15";
                assert_eq!(said, message(&what, remedy));
            }
        }
    }
}

#[test]
fn both_ends_of_the_mark_are_accepted() {
    let host = Host::new();
    host.ck_ok("apply --masquerade-bit 0 --drop-bit 31", 0);
    host.ck_ok("diff --masquerade-bit 0 --drop-bit 31", 0);
}

#[test]
fn equal_bits_are_refused_unless_no_chains_are_made() {
    let host = Host::new();
    for bits in ["--masquerade-bit 15", "--drop-bit 14", "--masquerade-bit 3 --drop-bit 3"] {
        let said = refused(&host, &format!("apply {bits}"), 2);
        let remedy = "give each a bit of its own; kubelet's are 14 and 15";
        assert_eq!(said, message("masquerade-bit and drop-bit must be different", remedy));
        host.ck_ok(&format!("apply {bits} --make-iptables-util-chains=false"), 0);
    }
    assert_eq!(host.sh("nft list ruleset"), "");
}

#[test]
fn a_value_or_a_word_that_is_not_known_is_refused() {
    let host = Host::new();
    for (words, names) in [
        ("apply --family ipx", "possible values: both, ipv4, ipv6"),
        ("apply --profile old", "possible values: auto, full, current"),
        ("apply --backend bpf", "possible values: auto, nft, legacy"),
        ("apply --masquerade-bit x", "'--masquerade-bit <BIT>'"),
        ("apply --make-iptables-util-chains=maybe", "possible values: true, false"),
        ("apply --masqurade-bit 3", "'--masquerade-bit'"),
        ("aply", "'apply'"),
        ("run --sync-period soon", "sync-period `soon` is not a length of time"),
        ("run --sync-period 0s", "sync-period `0s` is not a length of time"),
    ] {
        let said = refused(&host, words, 2);
        assert!(said.contains(names), "{words}\n{said}");
    }
}

/// The words of each are in `config::bad`.
#[test]
fn with_a_bad_setting_nothing_is_done() {
    let host = Host::new();
    let file = Scratch::new("bad.toml", "# ours\nmasqurade-bit = 3\n");
    for command in ["apply", "run", "status", "config check", "config show"] {
        let said = refused(&host, &format!("{command} --config {}", file.path()), 2);
        let what = format!("config {} line 2: unknown key `masqurade-bit`", file.path());
        assert_eq!(said, message(&what, "did you mean `masquerade-bit`?"));
    }
}

#[test]
fn a_config_file_that_cannot_be_read_is_named() {
    let host = Host::new();
    let bytes = Scratch::new("bytes.toml", "");
    bytes.write([0xff, 0xfe, 0]);
    for path in ["/nonexistent/chainkeeper.toml", "/", &bytes.path()] {
        let said = refused(&host, &format!("run --config {path}"), 2);
        assert!(said.starts_with(&format!("error: config {path}: ")), "{said}");
        let remedy = "  do    check the path given to --config, or leave --config out\n";
        assert!(said.ends_with(remedy), "{said}");
    }
}

/// A name of a file may hold any bytes.
#[test]
fn a_word_that_is_not_utf8_is_no_panic() {
    let host = Host::new();
    let bin = env!("CARGO_BIN_EXE_chainkeeper");
    for (command, code) in [("diff", 1), ("remove", 0), ("apply", 0)] {
        let said = host.try_sh(&format!(
            "dir=$(mktemp -d); trap 'rm -r \"$dir\"' EXIT; file=$dir/$(printf 'bad\\377.toml'); \
             : >\"$file\"; {bin} --config \"$file\" {command}"
        ));
        assert_eq!(said.code, code, "{command}: {}", said.stderr);
    }
}

#[test]
fn flags_win_over_the_config_file() {
    let host = Host::new();
    let text = "masquerade-bit = 5\ndrop-bit = 6\nfamily = 'ipv6'\nprofile = 'full'\n";
    let file = Scratch::new("flags.toml", text);
    let config = format!("--config {}", file.path());
    host.ck_ok(&format!("apply {config} --masquerade-bit 7 --family ipv4"), 0);
    let save = host.sh("iptables-nft-save");
    assert!(save.contains("KUBE-MARK-MASQ -j MARK --set-xmark 0x80/0x80"), "the flag\n{save}");
    assert!(save.contains("KUBE-MARK-DROP -j MARK --set-xmark 0x40/0x40"), "the file\n{save}");
    let tables = host.sh("nft list tables");
    assert!(!tables.contains("ip6"), "{tables}");
    // Bits that only clash across file and flags clash all the same.
    refused(&host, &format!("apply {config} --masquerade-bit 6"), 2);
    // What the file switches off, a flag switches on.
    let off = Scratch::new("off.toml", "make-iptables-util-chains = false\n");
    let on = format!("diff --config {} --make-iptables-util-chains", off.path());
    assert!(host.ck_ok(&on, 1).contains("+ "), "{on}");
}

/// The capability taken away for good, and granted without being effective. The second is what a
/// container with another user than root sees; by a securebit, since uids may not be mapped here.
const NOWHERE: &str = "setpriv --bounding-set=-net_admin --inh-caps=-net_admin";
const NOT_EFFECTIVE: &str = "setpriv --securebits=+noroot --inh-caps=-net_admin";

#[test]
fn without_the_capability_every_command_says_what_is_missing() {
    for (lacking, why, remedy) in [
        (
            NOWHERE,
            "CAP_NET_ADMIN is missing from the bounding set",
            "run as root with CAP_NET_ADMIN, or try it without: `chainkeeper run --sandbox`",
        ),
        (
            NOT_EFFECTIVE,
            "CAP_NET_ADMIN is granted, but not to this user: it is not effective",
            "run as uid 0 with only this capability: \
             docker run --user 0 --cap-drop ALL --cap-add NET_ADMIN --network host ...",
        ),
    ] {
        let host = Host::new();
        host.ck_ok("apply", 0);
        host.sh("iptables-nft -t nat -F KUBE-MARK-MASQ");
        let before = host.generation();
        for words in ["diff", "apply", "remove", "run"] {
            let said = host.try_sh(&format!("exec timeout 20 {lacking} {PROGRAM} {words}"));
            let said = complaint(&said, words, 4, host.generation() == before);
            let lines: Vec<&str> = said.lines().collect();
            let [error, rest @ ..] = &lines[..] else { panic!("{said}") };
            assert!(error.contains("operation not permitted (EPERM)"), "{said}");
            assert_eq!(rest, [format!("  why   {why}"), format!("  do    {remedy}")], "{said}");
        }
        // What does not look at the host needs no right.
        host.sh(&format!("{lacking} {PROGRAM} render"));
    }
}

/// Runs chainkeeper where no iptables is installed.
fn without_tools(host: &Host, words: &str) -> Said {
    let hide = "mount -t tmpfs none /usr/sbin; [ -L /sbin ] || mount -t tmpfs none /sbin";
    host.try_sh(&format!("exec unshare --mount sh -ec '{hide}; exec timeout 20 {PROGRAM} {words}'"))
}

#[test]
fn without_iptables_legacy_is_refused_with_what_is_missing() {
    let host = Host::new();
    for words in ["diff", "apply", "remove", "run"] {
        let words = format!("{words} --backend legacy");
        let before = host.generation();
        let said = without_tools(&host, &words);
        let said = complaint(&said, &words, 3, host.generation() == before);
        assert!(said.contains("iptables-legacy-save and -restore are not in PATH"), "{said}");
        // No module and no kernel brings a program.
        assert!(!said.contains("update the kernel"), "{said}");
    }
    assert_eq!(without_tools(&host, "apply").code, 0, "nft needs no tool");
}

#[test]
fn with_make_iptables_util_chains_false_nothing_is_made_and_nothing_removed() {
    let host = Host::new();
    for words in ["diff", "apply", "remove"] {
        host.ck_ok(&format!("{words} --make-iptables-util-chains=false"), 0);
    }
    assert_eq!(host.sh("nft list ruleset"), "");

    host.ck_ok("apply", 0);
    host.sh("iptables-nft -t nat -F KUBE-MARK-MASQ");
    let before = (host.generation(), host.sh("nft -a list ruleset"));
    for words in ["diff", "apply", "remove", "remove --force"] {
        let text = host.ck_ok(&format!("{words} --make-iptables-util-chains=false"), 0);
        let note = "nothing is kept and nothing removed: make-iptables-util-chains is false\n";
        assert_eq!(text, note);
        assert_eq!((host.generation(), host.sh("nft -a list ruleset")), before);
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> =
        value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn results_as_json_have_the_documented_keys() {
    let host = Host::new();
    for (words, code, in_sync, commits) in [
        ("diff", 1, false, 0),
        ("apply", 0, false, 1), // it was not in sync when looked at
        ("apply", 0, true, 0),
        ("diff", 0, true, 0),
        ("remove --dry-run", 0, false, 0),
        ("remove", 0, false, 1),
    ] {
        let result = parse(&host.ck_ok(&format!("{words} --output json"), code));
        let top = [
            "backend",
            "commits",
            "dialect",
            "families",
            "generation",
            "generation_after",
            "in_sync",
            "other_backend",
            "took_ms",
            "written",
        ];
        assert_eq!(keys(&result), top, "{words}");
        assert_eq!(keys(&result["families"]), ["ip", "ip6"], "{words}");
        for (_, family) in result["families"].as_object().expect("an object") {
            let all = ["error", "in_sync", "notes", "problems", "steps"];
            assert_eq!(keys(family), all, "{words}");
            assert_eq!(family["error"], Value::Null);
            assert_eq!(family["steps"].as_array().expect("a list").is_empty(), in_sync, "{words}");
        }
        assert_eq!(result["in_sync"], in_sync, "{words}");
        assert_eq!(result["commits"], commits, "{words}");
        assert_eq!(result["written"], commits > 0, "{words}");
        if commits > 0 {
            assert_eq!(result["generation_after"], host.generation(), "{words}");
        }
    }
}

#[test]
fn the_rest_as_json_parses_too() {
    let host = Host::new();
    for words in ["render --output json", "render --format json"] {
        let result = parse(&host.ck_ok(words, 0));
        let families = result["families"].as_array().expect("a list");
        assert_eq!(families.len(), 2);
        let all = ["canaries", "chains", "family", "jumps"];
        assert!(families.iter().all(|f| all.iter().all(|k| keys(f).contains(k))), "{result:#}");
    }
    let result = parse(&host.ck_ok("apply --make-iptables-util-chains=false --output json", 0));
    assert_eq!(result["in_sync"], true);
    let said = without_tools(&host, "apply --backend legacy --output json");
    assert_eq!(said.code, 3);
    assert_eq!(keys(&parse(&said.stdout)["error"]), ["detail", "kind", "manifest", "message"]);
}

/// Waiting for a writer, or reading without an end, would be a service that never starts.
#[test]
fn settings_that_are_no_file_are_refused_at_once() {
    let host = Host::new();
    let pipe = host.state().with_file_name("pipe").display().to_string();
    host.sh(&format!("mkfifo {pipe}"));
    for file in [&pipe, "/dev/zero"] {
        for key in ["config", "kubelet-config"] {
            let said = host.ck_under("timeout 20", &format!("--{key} {file} config check"));
            assert_eq!(said.code, 2, "{said:?}");
            assert!(said.stderr.contains(&format!("{file}: not a small file")), "{said:?}");
        }
    }
    // That one ends.
    host.ck_ok("--config /dev/null config check", 0);
}

#[test]
fn a_file_of_settings_is_read_as_a_whole_or_not_at_all() {
    let host = Host::new();
    let fits = 1 << 20;
    for (length, code) in [(fits, 0), (fits + 1, 2)] {
        let text = format!("settle = '1s'\n{}", " ".repeat(length - 14));
        let file = Scratch::new("long", &text);
        host.ck_ok(&format!("--config {} config check", file.path()), code);
    }
}

#[test]
fn settings_that_anybody_may_change_are_used_and_told() {
    let host = Host::new();
    let file = Scratch::new("open", "settle = '1s'\n");
    let said = || host.ck_ok(&format!("--config {} config check", file.path()), 0);
    host.sh(&format!("chmod 0664 {}", file.path()));
    assert!(!said().contains("note"));
    host.sh(&format!("chmod 0666 {}", file.path()));
    assert!(said().contains("anybody may write to it (mode 0666)"), "{}", said());
    let kubelet = Scratch::new("kubelet.yaml", "kind: KubeletConfiguration\n");
    host.sh(&format!("chmod 0666 {}", kubelet.path()));
    let said = host.ck_ok(&format!("--kubelet-config {} config check", kubelet.path()), 0);
    assert!(said.contains(&format!("config {}: anybody", kubelet.path())), "{said}");
}
