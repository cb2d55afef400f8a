//! Tools that are old, slow or broken: an error with their words, and nothing written; or a way around.
mod support;

use chainkeeper_contract::{Backend, BackendError, ErrorKind, Family, Table};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::{
    Doctored, backend, converges, errors, everything, in_netns, is_free, must, pass, plan,
};

/// As before 1.8.6, which did not know XTABLES_LOCKFILE.
const REAL_LOCK: &str = "XTABLES_LOCKFILE=$lock exec $real \"$@\"";

/// As before 1.6.2: what stands before the line that it does not know is committed.
const NO_RANDOM_FULLY: &str = "
in=$here/$family; cat >$in; echo run >>$here/runs-$family
bad=$(grep -n -- --random-fully $in | head -n 1 | cut -d: -f1)
[ -n \"$bad\" ] || exec $real \"$@\" <$in
end=$(head -n $bad $in | grep -n ^COMMIT | tail -n 1 | cut -d: -f1)
head -n ${end:-0} $in | $real \"$@\"
echo \"iptables-restore v1.6.1: unknown option \\\"--random-fully\\\"\" >&2
echo \"Error occurred at line: $bad\" >&2
echo \"Try \\`iptables-restore -h' or 'iptables-restore --help' for more information.\" >&2
exit 2";

/// A host with legacy tables of somebody, so that there is something to save.
fn used() {
    for family in Family::ALL {
        must(family, "-A INPUT -c 5 300 -p tcp --dport 22 -j ACCEPT");
    }
}

/// The words of the first error of a pass, which writes nothing and lets go of the lock.
fn refused(tools: &Doctored) -> (ErrorKind, String) {
    let before = everything();
    let error = match pass(&mut tools.backend()) {
        Err(error) => error,
        Ok(done) => {
            let mut errors = errors(done);
            assert_eq!(errors.len(), 2, "{errors:?} by {tools:?}");
            errors.remove(0)
        }
    };
    assert_eq!(everything(), before, "{error}");
    assert!(is_free());
    let words = error.to_string();
    assert!(words.len() < 2000 && !words.contains('\n'), "too much: {words}");
    (error.kind(), words)
}

#[test]
fn a_tool_that_wants_the_real_lock_is_refused_and_named() {
    in_netns(|| {
        used();
        let start = Instant::now();
        let tools = Doctored::new("real-lock", "restore", REAL_LOCK);
        let before = everything();
        let errors = errors(pass(&mut tools.backend()).expect("each family has an error"));
        let [BackendError::Lock { words, .. }, BackendError::Lock { .. }] = &errors[..] else {
            panic!("{errors:?}")
        };
        let says = "iptables-legacy-restore wants the xtables lock that is held for it: it knows no \
                    XTABLES_LOCKFILE, which iptables has from 1.8.6 on";
        assert_eq!(words, says);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(everything() == before && is_free());
    });
}

/// Every chain of the tables, but for the built-in ones.
fn chains() -> BTreeSet<(Family, Table, String)> {
    let mut found = BTreeSet::new();
    for family in Family::ALL {
        for table in Table::ALL {
            let said = support::theirs().run(family, &format!("-t {table} -S"));
            let names = said.stdout.lines().filter_map(|l| l.strip_prefix("-N "));
            found.extend(names.map(|name| (family, table, name.to_owned())));
        }
    }
    found
}

#[test]
fn without_random_fully_all_the_rest_is_written_and_recorded() {
    in_netns(|| {
        let tools = Doctored::new("random", "restore", NO_RANDOM_FULLY);
        let mut old = tools.backend();
        assert_eq!(errors(pass(&mut old).expect("a pass")), []);
        let runs = |n: usize| {
            ["runs-four", "runs-six"].map(|f| tools.left(f)) == [(); 2].map(|()| "run\n".repeat(n))
        };
        assert!(runs(2), "one that was refused, and one for the rest");
        let text = everything();
        assert_eq!(text.matches("-j MASQUERADE\n").count(), 2, "{text}");
        let recorded = old.created().expect("a record").iter();
        let recorded: BTreeSet<_> =
            recorded.map(|(f, t, c)| (*f, *t, c.as_str().to_owned())).collect();
        assert_eq!(recorded, chains());
        // It is no drift, for this version and for a newer one.
        assert!(plan(&mut old).expect("a look").is_empty());
        let mut new = backend();
        new.recall(old.created().expect("a record").clone());
        assert!(plan(&mut new).expect("a look").is_empty());
        // And from now on nothing is asked twice.
        must(Family::Ipv4, "-t nat -F KUBE-POSTROUTING");
        must(Family::Ipv6, "-t nat -F KUBE-POSTROUTING");
        assert_eq!(errors(pass(&mut old).expect("a pass")), []);
        assert!(runs(3) && everything() == text);
    });
}

/// Where the line that is not known is in the first table, nothing is committed before it.
#[test]
fn without_random_fully_a_lost_chain_is_filled_again() {
    in_netns(|| {
        let mut new = backend();
        pass(&mut new).expect("a pass");
        must(Family::Ipv4, "-t nat -F KUBE-POSTROUTING");
        let tools = Doctored::new("refill", "restore", NO_RANDOM_FULLY);
        let mut old = tools.backend();
        old.recall(new.created().expect("a record").clone());
        assert_eq!(errors(pass(&mut old).expect("a pass")), []);
        assert!(plan(&mut new).expect("a look").is_empty());
        assert_eq!(tools.left("runs-six"), "", "IPv6 lacked nothing");
    });
}

/// Before 1.6.2, in the words of getopt.
const NO_WAIT: &str = "for word; do if [ \"$word\" = -w ]; then echo run >>$here/refused-$family
    echo \"iptables-restore: invalid option -- 'w'\" >&2; exit 1; fi; done; exec $real \"$@\"";

#[test]
fn without_wait_it_is_asked_once_and_all_is_written() {
    in_netns(|| {
        let tools = Doctored::new("no-wait", "restore", NO_WAIT);
        let mut old = tools.backend();
        assert_eq!(errors(pass(&mut old).expect("a pass")), []);
        assert!(plan(&mut old).expect("a look").is_empty());
        must(Family::Ipv4, "-t nat -F KUBE-POSTROUTING");
        assert_eq!(errors(pass(&mut old).expect("a pass")), []);
        let refused = ["four", "six"].map(|family| tools.left(&format!("refused-{family}")));
        assert_eq!(refused, ["run\n", "run\n"], "and from then on left out");
    });
}

#[test]
fn a_tool_that_hangs_is_killed_at_its_limit() {
    in_netns(|| {
        used();
        for kind in ["save", "restore"] {
            let start = Instant::now();
            let tools = Doctored::new("hangs", kind, "exec sleep 100");
            let (error, words) = refused(&tools.limit(Duration::from_millis(300)));
            assert_eq!(error, ErrorKind::Busy);
            let says = format!("iptables-legacy-{kind}: it did not end in time and was killed");
            assert!(words.ends_with(&says), "{words}");
            assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        }
    });
}

/// A wrapper's child would write when nobody expects it any more, and without the lock.
#[test]
fn what_a_tool_has_started_is_killed_with_it() {
    in_netns(|| {
        used();
        let late = "cat >$here/$family; (sleep 1; $real --noflush <$here/$family) & wait";
        let tools = Doctored::new("late", "restore", late).limit(Duration::from_millis(300));
        let before = everything();
        refused(&tools);
        sleep(Duration::from_millis(1500));
        assert_eq!(everything(), before, "written after the end");
    });
}

#[test]
fn a_save_that_makes_no_sense_is_an_error() {
    in_netns(|| {
        used();
        let prints = |text: &str| format!("printf '{text}'");
        let no_sense = "read the ip tables by iptables-legacy-save: the answer makes no sense: ";
        for (script, says) in [
            (prints("hello, world\\n"), no_sense),
            (prints("*filter\\n:INPUT ACCEPT [0:0]\\n"), no_sense),
            (prints("\\377\\376\\000\\001"), no_sense),
            ("$real \"$@\" | head -c 150".into(), no_sense),
            ("$real \"$@\" | sed 's/-A INPUT.*/-A/'".into(), no_sense),
            ("echo words >&2; exit 1".into(), "iptables-legacy-save: exit 1: words"),
            ("$real \"$@\"; kill -9 $$".into(), "iptables-legacy-save: killed by signal 9"),
            ("exit 3".into(), "iptables-legacy-save: exit 3"),
            ("exec $here/nothing".into(), "iptables-legacy-save: exit 127: "),
        ] {
            let (kind, words) = refused(&Doctored::new("save", "save", &script));
            assert!(words.contains(says), "{script}: {words}");
            assert_eq!(kind, ErrorKind::Refused, "{script}: {words}");
        }
    });
}

#[test]
fn a_restore_that_fails_says_so_in_its_own_words() {
    in_netns(|| {
        used();
        let cry = "head -c 1000000 /dev/zero | tr '\\0' x | fold -w 100 >&2";
        for (script, kind, says) in [
            ("echo such is life >&2; exit 1".into(), ErrorKind::Refused, "exit 1: such is life"),
            ("kill -9 $$".into(), ErrorKind::Refused, "killed by signal 9"),
            ("kill -SEGV $$".into(), ErrorKind::Refused, "killed by signal 11"),
            ("exit 4".into(), ErrorKind::Refused, "exit 4"),
            (format!("{cry}; exit 1"), ErrorKind::Refused, "exit 1: xxx"),
            (format!("{cry}; echo Permission denied >&2; exit 1"), ErrorKind::Denied, "denied"),
            (
                "echo unable to initialize table >&2; exit 3".into(),
                ErrorKind::Unsupported,
                "exit 3",
            ),
        ] {
            let (error, words) = refused(&Doctored::new("restore", "restore", &script));
            assert!(words.contains("iptables-legacy-restore: ") && words.contains(says), "{words}");
            assert_eq!(error, kind, "{script}: {words}");
        }
    });
}

#[test]
fn noise_beside_a_good_result_is_no_error() {
    in_netns(|| {
        used();
        let noise = "echo Warning: noise >&2; exec $real \"$@\"";
        for kind in ["save", "restore"] {
            let tools = Doctored::new("noise", kind, noise);
            assert_eq!(errors(pass(&mut tools.backend()).expect("a pass")), [], "{kind}");
            converges();
        }
    });
}
