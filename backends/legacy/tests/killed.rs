//! A restore that is killed half-way: what others have is all there, and the next pass converges.
mod support;

use chainkeeper_contract::{Backend as _, ChainName, Family};
use std::time::Duration;
use support::{Doctored, converges, errors, everything, in_netns, is_free, must, pass};

/// The real restore gets the first table, and is killed when that is committed.
const AFTER_ONE_TABLE: &str = "
mkfifo $here/$family; $real \"$@\" <$here/$family & exec 3>$here/$family
sed /^COMMIT/q >&3; sleep 0.2; kill -9 $! $$";

/// Killed in the middle of the second table: it is read, and not committed.
const WITHIN_A_TABLE: &str = "
mkfifo $here/$family; $real \"$@\" <$here/$family & exec 3>$here/$family
sed '/^-[AI] KUBE-FIREWALL/q' >&3; sleep 0.2; kill -9 $! $$";

/// Half of the input is all it gets.
const HALF: &str = "
in=$here/$family; cat >$in; half=$(($(stat -c %s $in) / 2)); head -c $half $in | $real \"$@\"
kill -9 $$";

/// What somebody else has, with packets that were counted.
fn foreign() -> Vec<String> {
    for family in Family::ALL {
        for rule in [
            "-A INPUT -c 5 300 -p tcp -m tcp --dport 22 -j ACCEPT",
            "-A OUTPUT -c 7 420 -p udp -m udp --dport 53 -j ACCEPT",
            "-t nat -A POSTROUTING -c 2 120 -o eth9 -j RETURN",
            "-t mangle -A FORWARD -c 1 60 -j ACCEPT",
        ] {
            must(family, rule);
        }
        for chain in ["-N KUBE-FIREWALL", "-A KUBE-FIREWALL -c 3 180 -p icmp -j RETURN"] {
            must(family, chain);
        }
    }
    counted()
}

fn counted() -> Vec<String> {
    let nothing = |l: &&str| l.starts_with('[') && !l.starts_with("[0:0]");
    everything().lines().filter(nothing).map(str::to_owned).collect()
}

#[test]
fn what_others_have_is_all_there_and_the_next_pass_converges() {
    for (script, committed) in [(AFTER_ONE_TABLE, 2), (WITHIN_A_TABLE, 2), (HALF, 2)] {
        in_netns(|| {
            let theirs = foreign();
            assert_eq!(theirs.len(), 10);
            let tools = Doctored::new("killed", "restore", script);
            let errors = errors(pass(&mut tools.backend()).expect("each family has an error"));
            assert_eq!(errors.len(), 2, "{errors:?}");
            for error in &errors {
                assert!(error.to_string().contains("killed by signal 9"), "{error}");
            }
            let text = everything();
            assert_eq!(text.matches(":KUBE-FIREWALL -").count(), committed, "{script}\n{text}");
            assert!(!text.contains("-HINT"), "the last table was not sent: {text}");
            assert!(counted() == theirs && is_free(), "{text}");
            converges();
            assert_eq!(counted(), theirs);
        });
    }
}

/// All is written, and then it hangs until its time is over, or is killed.
#[test]
fn what_was_made_before_the_end_is_recorded() {
    for end in ["sleep 100", "kill -9 $$"] {
        in_netns(|| {
            foreign();
            let tools = Doctored::new("late", "restore", &format!("$real \"$@\"\n{end}"));
            let tools = tools.limit(Duration::from_secs(1));
            let mut backend = tools.backend();
            let before = everything().matches(" - [").count();
            let applied = pass(&mut backend).expect("each family has an error");
            assert_eq!(applied.commits, 2, "{end}: {applied:?}");
            assert_eq!(errors(applied).len(), 2, "{end}");
            let made = everything().matches(" - [").count() - before;
            let recorded = backend.created().expect("a record");
            assert!(made > 10 && recorded.len() == made, "{end}: {made} {recorded:?}");
            let theirs = |(_, _, chain): &(_, _, ChainName)| chain.as_str() == "KUBE-FIREWALL";
            assert!(!recorded.iter().any(theirs), "{recorded:?}");
        });
    }
}
