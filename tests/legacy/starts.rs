//! How many processes a command starts: scripts in front of the tools write each down. To open a backend
//! is to choose one, with a look of its own and without the lock, also where one is asked for. So a
//! command saves what is there twice, `run` but once more than it has passes.
use crate::support::{Host, On, PROGRAM, Running, eventually};

/// What both families' tools were started in a while, sorted.
const SAVES: [&str; 2] = ["ip6tables-legacy-save", "iptables-legacy-save"];
const RESTORES: [&str; 2] = ["ip6tables-legacy-restore", "iptables-legacy-restore"];

/// The tools that this command starts, sorted.
fn started(host: &Host, words: &str, code: i32) -> Vec<String> {
    let before = host.starts().len();
    host.ck_ok(words, code);
    let mut names = host.starts().split_off(before);
    names.sort();
    names
}

/// Sorted as well.
fn sum(parts: &[&[&str]]) -> Vec<String> {
    let mut all: Vec<String> = parts.concat().into_iter().map(str::to_owned).collect();
    all.sort();
    all
}

/// Asked for, remembered, or seen: it costs the same, once there are tables.
fn hosts() -> [(Host, &'static str); 3] {
    let asked = Host::unknown();
    asked.count_starts();
    let seen = Host::unknown();
    seen.count_starts();
    for tool in On::Legacy.both_iptables() {
        // With all tables there: the first restore of an empty host is the next test's.
        seen.by(tool, "$T -t mangle -N KUBE-IPTABLES-HINT; $T -L -n; $T -t nat -L -n");
    }
    [(asked, "--backend legacy"), (Host::of(On::Legacy), ""), (seen, "")]
}

#[test]
fn an_empty_host_takes_one_restore_of_each_family_and_no_save() {
    for (host, backend) in hosts().into_iter().take(2) {
        for words in ["diff", "probe"] {
            let code = i32::from(words == "diff");
            assert_eq!(started(&host, &format!("{backend} {words}"), code), sum(&[]));
            // A save that names a table would make it.
            let tables =
                host.sh("cat /proc/self/net/ip_tables_names /proc/self/net/ip6_tables_names");
            assert_eq!(tables, "", "made by looking");
        }
        assert_eq!(started(&host, &format!("{backend} apply"), 0), sum(&[&RESTORES]));
    }
}

#[test]
fn where_tables_are_each_family_is_saved_to_choose_and_to_act() {
    let [_, _, (host, _)] = hosts();
    // Where there is something to do `diff` looks once more: canaries are no drift, but shown.
    assert_eq!(started(&host, "diff", 1), sum(&[&SAVES, &SAVES, &SAVES]));
    assert_eq!(started(&host, "apply", 0), sum(&[&SAVES, &SAVES, &RESTORES]));
}

#[test]
fn an_idle_pass_saves_and_restores_nothing() {
    for (host, backend) in hosts() {
        host.ck_ok(&format!("{backend} apply"), 0);
        assert_eq!(host.ck_ok(&format!("{backend} apply"), 0), "in sync, nothing written\n");
        for words in ["apply", "diff"] {
            assert_eq!(started(&host, &format!("{backend} {words}"), 0), sum(&[&SAVES, &SAVES]));
        }
        assert_eq!(started(&host, &format!("{backend} probe"), 0), sum(&[&SAVES]));
    }
}

#[test]
fn a_repair_restores_the_family_that_needs_it() {
    for (host, backend) in hosts() {
        host.ck_ok(&format!("{backend} apply"), 0);
        for (tool, restore) in
            On::Legacy.both_iptables().into_iter().zip(RESTORES.into_iter().rev())
        {
            host.by(tool, "$T -t nat -F KUBE-MARK-MASQ; $T -D INPUT -j KUBE-FIREWALL");
            let words = format!("{backend} apply");
            assert_eq!(started(&host, &words, 0), sum(&[&SAVES, &SAVES, &[restore]]));
        }
        let words = format!("{backend} remove");
        assert_eq!(started(&host, &words, 0), sum(&[&SAVES, &SAVES, &RESTORES]));
    }
}

/// A pass of `run` chooses by what it is about to act on.
#[test]
fn an_idle_pass_of_run_saves_each_family_once() {
    for (host, backend) in hosts() {
        host.ck_ok(&format!("{backend} apply"), 0);
        let before = host.starts().len();
        let mut run = host.start(PROGRAM, &format!("{backend} -vv run --sync-period 100ms"));
        let passes = |run: &Running| run.journal().matches("looked at generation").count();
        eventually("a few passes", || passes(&run) >= 4);
        run.signal("TERM");
        assert_eq!(run.ended(), 0, "{}", run.journal());
        eventually("all is read", || run.journal().contains("stopped; "));
        let mut names = host.starts().split_off(before);
        names.sort();
        // Opening it is a look of its own.
        assert_eq!(names, sum(&vec![&SAVES[..]; 1 + passes(&run)]));
    }
}
