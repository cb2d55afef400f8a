//! What people see, as snapshots: `INSTA_UPDATE=always` writes them, reviewing them is reading them.
mod backends;
mod contained;
mod journal;
mod legacy;
pub(crate) mod monitor;
mod moving;
mod probe;
mod terminal;

use crate::support::{Host, Said};
use insta::assert_snapshot;

/// What a host looks like to people: its scripts are in `/usr/local/sbin`, what it remembers and locks is in
/// `/run/lock`. So no snapshot depends on where the checkout is, nor does the place where a line is broken.
const AT_HOME: &str = "exec unshare -m sh -ec 'mkdir -p /run/lock /usr/local/sbin
    mount --bind \"$0\" /run/lock
    mount --bind \"$0/bin\" /usr/local/sbin
    export PATH=/usr/local/sbin:$PATH STATE_DIRECTORY=/run/lock RUNTIME_DIRECTORY=/run/lock
    export XTABLES_LOCKFILE=/run/lock/xtables.lock
    exec \"$@\"' \"$STATE_DIRECTORY\" \"$@\"";

/// A host with that plain iptables and the legacy tools, on which somebody has done that.
fn home(host: Host, plain: &str, setup: &str) -> Host {
    let host = home_without_tools(host, plain, setup);
    host.count_starts();
    host
}

/// The same with the machine's own tools.
fn home_without_tools(host: Host, plain: &str, setup: &str) -> Host {
    // The kernel has legacy's modules from now on, whatever ran before.
    Host::unknown().sh("iptables-legacy -L; ip6tables-legacy -L");
    host.put("at-home", AT_HOME);
    host.plain(plain);
    host.sh(setup);
    host
}

const NFT: &str = "v1.8.9 (nf_tables)";

/// A command under `setpriv` or the like, as it stands on a terminal, and its exit code.
fn shown_under(host: &Host, before: &str, words: &str) -> String {
    let Said { code, stdout, stderr } = host.ck_under(&format!("at-home {before}"), words);
    screen(&format!("$ chainkeeper {words}\n{stdout}{stderr}(exit {code})"))
}

fn shown(host: &Host, words: &str) -> String {
    shown_under(host, "", words)
}

/// Milliseconds are the one thing that differs from run to run.
fn screen(text: &str) -> String {
    let line = |l: &str| match (l.ends_with(" ms"), l.rfind(", ")) {
        (true, Some(at)) => format!("{}, (time) ms", &l[..at]),
        (_, _) => l.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Without the lines of single chains and rules, which `backends` shows.
fn shape(text: &str) -> String {
    let all = text.lines().filter(|l| !l.starts_with("  "));
    all.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_good_day() {
    let host = Host::new();
    assert_snapshot!("diff_empty_host", host.ck_ok("diff", 1));
    assert_snapshot!("apply_first", screen(&host.ck_ok("apply", 0)));
    assert_snapshot!("apply_again", screen(&host.ck_ok("apply", 0)));
    assert_snapshot!("diff_in_sync", host.ck_ok("diff", 0));
    assert_snapshot!("remove", screen(&host.ck_ok("remove", 0)));
}

#[test]
fn a_bad_day() {
    let host = Host::new();
    host.ck_ok("apply", 0);
    host.sh("iptables-nft -t nat -D KUBE-POSTROUTING 1
         iptables-nft -t nat -A KUBE-MARK-MASQ -p tcp -j ACCEPT
         iptables-nft -I INPUT -j ACCEPT
         iptables-nft -t mangle -X KUBE-KUBELET-CANARY
         iptables-nft -I OUTPUT -p udp --dport 53 -j ACCEPT
         nft add table ip6 nat '{ flags dormant; }'");
    assert_snapshot!("diff_bad_day", host.ck_ok("diff", 1));
    assert_snapshot!("diff_validate", host.ck_ok("diff --validate", 1));
    assert_snapshot!("apply_bad_day", screen(&host.ck_ok("apply", 5)));
    host.sh("iptables-nft -t nat -N CNI-DN-x; iptables-nft -t nat -A CNI-DN-x -j KUBE-MARK-DROP");
    assert_snapshot!("remove_dry_run", host.ck_ok("remove --dry-run", 0));
    assert_snapshot!("remove_kept", screen(&host.ck_ok("remove", 0)));
}

#[test]
fn help_and_render() {
    let host = Host::new();
    assert_snapshot!("help", host.ck_ok("--help", 0));
    assert_snapshot!("render_beside_kube_proxy", host.ck_ok("render --beside-kube-proxy", 0));
}

#[test]
fn errors_say_what_why_and_the_way_out() {
    let host = Host::new();
    let bin = env!("CARGO_BIN_EXE_chainkeeper");
    let said = |words: &str, code: i32| {
        let said = host.try_sh(words);
        assert_eq!(said.code, code, "{words}: {}", said.stderr);
        said.stderr
    };
    let unprivileged =
        format!("setpriv --bounding-set=-net_admin --inh-caps=-net_admin {bin} diff");
    assert_snapshot!("error_no_capability", said(&unprivileged, 4));
    let no_tools = "mount -t tmpfs none /usr/sbin; [ -L /sbin ] || mount -t tmpfs none /sbin";
    let hidden = format!("unshare -m sh -ec '{no_tools}; {bin} apply --backend legacy'");
    assert_snapshot!("error_legacy", said(&hidden, 3));
    assert_snapshot!("error_bit", said(&format!("{bin} apply --drop-bit 32"), 2));
}
