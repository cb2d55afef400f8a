//! What a look at the sizes sees, on real tables in a network namespace of each test's own.
mod support;

use chainkeeper_contract::{Backend as _, ErrorKind, Family, Signal, Table, Watch, Way};
use std::fs;
use std::process::Command;
use std::time::Duration;
use support::{backend, everything, in_netns, must, pass, theirs};

const CHANGED: Result<Option<Signal>, chainkeeper_contract::BackendError> =
    Ok(Some(Signal::Commit { generation: None, writer: None }));

fn open() -> Box<dyn Watch> {
    backend().watch(Way::default()).expect("sockets are free")
}

/// A watch that knows what is there.
fn watch() -> Box<dyn Watch> {
    let mut watch = open();
    assert_eq!(watch.next(), Ok(None), "there is nothing to compare with yet");
    watch
}

/// It is seen, and once.
fn seen(watch: &mut dyn Watch, what: &str) {
    assert_eq!(watch.next(), CHANGED, "{what}");
    assert_eq!(watch.next(), Ok(None), "{what}, a second time");
}

fn tables(family: Family) -> String {
    let file = match family {
        Family::Ipv4 => "ip_tables_names",
        Family::Ipv6 => "ip6_tables_names",
    };
    fs::read_to_string(format!("/proc/thread-self/net/{file}")).expect("uid 0")
}

#[test]
fn it_has_to_be_asked_and_is_asked_more_often_after_damage() {
    in_netns(|| {
        let watch = open();
        assert!(watch.descriptor().is_none());
        let pace = watch.pace();
        assert_eq!((pace.calm, pace.close), (Duration::from_secs(1), Duration::from_millis(50)));
    });
}

#[test]
fn every_change_of_a_size_is_seen_once_in_both_families_and_all_tables() {
    in_netns(|| {
        for family in Family::ALL {
            for table in Table::ALL {
                must(family, &format!("-t {table} -N A"));
                must(family, &format!("-t {table} -A A -j RETURN"));
            }
        }
        let mut watch = watch();
        assert_eq!(watch.next(), Ok(None), "nothing has happened");
        for family in Family::ALL {
            for table in Table::ALL {
                for change in ["-F A", "-N B", "-A A -j ACCEPT", "-X B"] {
                    must(family, &format!("-t {table} {change}"));
                    seen(&mut *watch, &format!("{family} {table} {change}"));
                }
            }
        }
    });
}

#[test]
fn looking_creates_no_table() {
    in_netns(|| {
        let mut watch = watch();
        assert_eq!(watch.next(), Ok(None));
        assert_eq!(Family::ALL.map(tables), ["", ""]);
        must(Family::Ipv4, "-t nat -N A");
        seen(&mut *watch, "one table");
        assert_eq!(Family::ALL.map(tables), ["nat\n", ""]);
    });
}

#[test]
fn a_table_that_appears_is_seen() {
    in_netns(|| {
        let mut watch = watch();
        for family in Family::ALL {
            for table in Table::ALL {
                // A list of an empty table creates it.
                must(family, &format!("-t {table} -S"));
                seen(&mut *watch, &format!("{family} {table}"));
            }
        }
    });
}

#[test]
fn a_table_that_we_never_write_is_not_looked_at() {
    in_netns(|| {
        let mut watch = watch();
        must(Family::Ipv4, "-t raw -N A");
        assert_eq!(watch.next(), Ok(None));
    });
}

#[test]
fn what_only_reads_is_not_seen_and_our_own_pass_is() {
    in_netns(|| {
        let mut watch = watch();
        for what in ["our own pass", "the canaries, which come a pass later"] {
            pass(&mut backend()).expect("a pass");
            seen(&mut *watch, what);
        }
        pass(&mut backend()).expect("an idle pass");
        everything();
        assert_eq!(watch.next(), Ok(None));
    });
}

/// What the timer is still for.
#[test]
fn a_rule_in_the_place_of_another_of_its_size_is_not_seen() {
    in_netns(|| {
        must(Family::Ipv4, "-t nat -A OUTPUT -s 10.0.0.1 -j ACCEPT");
        let mut watch = watch();
        must(Family::Ipv4, "-t nat -R OUTPUT 1 -s 10.0.0.2 -j ACCEPT");
        assert!(theirs().rules(Family::Ipv4, Table::Nat, "OUTPUT")[0].contains("10.0.0.2"));
        assert_eq!(watch.next(), Ok(None));
    });
}

/// Run again by itself without the capability.
#[test]
fn without_cap_net_admin_the_first_question_is_denied_and_names_it() {
    const SELF: &str = "without_cap_net_admin_the_first_question_is_denied_and_names_it";
    let ask = || open().next();
    if std::env::var_os(SELF).is_some() {
        let error = ask().expect_err("the question is not free");
        assert_eq!(error.kind(), ErrorKind::Denied);
        let says = "cannot ask for the size of ip nat, which takes CAP_NET_ADMIN: operation not \
                    permitted (EPERM)";
        assert_eq!(error.to_string(), says);
        return;
    }
    in_netns(|| {
        must(Family::Ipv4, "-t nat -N A");
        assert_eq!(ask(), Ok(None));
        let without = ["--bounding-set=-net_admin", "--inh-caps=-net_admin"];
        let mut command = Command::new("setpriv");
        command.args(without).arg(std::env::current_exe().expect("this test"));
        let status = command.args(["--exact", SELF]).env(SELF, "1").status();
        assert!(status.expect("setpriv is installed").success());
    });
}
