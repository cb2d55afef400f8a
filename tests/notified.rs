//! What `run` tells a service manager, without one: the test is at the other end of NOTIFY_SOCKET.
mod hung;
mod lines;

use crate::support::{ADDRESS, Host, On, PROGRAM, Running, at_once, eventually};
use nix::time::{ClockId, clock_gettime};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than anything takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// The place of the service manager.
struct Manager {
    socket: UnixDatagram,
    path: String,
}

impl Manager {
    fn of(host: &Host) -> Manager {
        let path = host.state().with_file_name("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket in the host's folder");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Manager { socket, path: path.display().to_string() }
    }

    /// `run` with this socket, and what else is in its environment.
    fn starts(&self, host: &Host, words: &str, more: &[(&str, &str)]) -> Running {
        let mut all = vec![("NOTIFY_SOCKET", self.path.as_str())];
        all.extend(more);
        host.start_with(PROGRAM, &format!("run {words}"), &all)
    }

    /// The lines of the next message.
    fn next(&self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).expect("it tells something");
        let text = std::str::from_utf8(&bytes[..length]).expect("text");
        text.lines().map(str::to_owned).collect()
    }

    /// The next message that is no ping.
    fn word(&self) -> Vec<String> {
        loop {
            let next = self.next();
            if next != ["WATCHDOG=1"] {
                return next;
            }
        }
    }

    /// How many messages come in so long. Each has to be a ping.
    fn pings(&self, length: Duration) -> usize {
        let until = Instant::now() + length;
        let mut count = 0;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|l| !l.is_zero())
        {
            self.socket.set_read_timeout(Some(left)).expect("a timeout");
            let mut bytes = [0; 4096];
            if let Ok(length) = self.socket.recv(&mut bytes) {
                assert_eq!(&bytes[..length], b"WATCHDOG=1\n");
                count += 1;
            }
        }
        self.socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        count
    }
}

#[test]
fn ready_means_that_the_chains_are_there() {
    at_once(On::BOTH, |on| {
        let host = Host::of(on);
        let manager = Manager::of(&host);
        let mut run = manager.starts(&host, "", &[]);
        let there = host.ck("check").code;
        let status = format!("STATUS={}: in sync", on.name());
        assert_eq!(manager.next(), ["READY=1", &status]);
        assert_eq!(host.ck("check").code, 0, "before it was {there}");
        // Without WATCHDOG_USEC there is no ping, and without a change nothing else.
        assert_eq!(manager.pings(Duration::from_millis(500)), 0);
        run.signal("TERM");
        assert_eq!(manager.next(), ["STOPPING=1", "STATUS=stopping"]);
        assert_eq!(run.ended(), 0, "{}", run.journal());
    });
}

#[test]
fn it_is_ready_too_when_the_first_pass_has_failed_and_says_so() {
    let host = Host::of(On::Legacy);
    host.doctor("restore", "echo 'no luck today' >&2; exit 4");
    let manager = Manager::of(&host);
    let _run = manager.starts(&host, "", &[]);
    let [ready, status] = &manager.next()[..] else { panic!("two lines") };
    assert_eq!(ready, "READY=1");
    assert!(status.starts_with("STATUS=legacy: failed: ip"), "{status}");
    assert!(status.contains("no luck today"), "{status}");
    host.heal();
    assert_eq!(manager.next(), ["STATUS=legacy: in sync"]);
}

#[test]
fn a_status_line_follows_each_change() {
    let host = Host::new();
    let manager = Manager::of(&host);
    let run = manager.starts(&host, "--settle 300ms", &[]);
    assert_eq!(manager.next()[0], "READY=1");
    host.sh("iptables-nft -t nat -F KUBE-POSTROUTING");
    assert_eq!(manager.next(), ["STATUS=nft: missing: ip nat KUBE-POSTROUTING"]);
    assert_eq!(manager.next(), ["STATUS=nft: in sync"]);
    host.ck_ok("pause", 0);
    assert_eq!(manager.next(), ["STATUS=nft: in sync; paused"]);
    host.ck_ok("resume", 0);
    assert_eq!(manager.next(), ["STATUS=nft: in sync"]);
    run.signal("TERM");
    assert_eq!(manager.next()[0], "STOPPING=1");
}

/// In microseconds, as in the message.
fn monotonic() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("there is one");
    now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000
}

#[test]
fn a_reload_begins_and_ends_also_when_it_is_refused() {
    let host = Host::new();
    let file = host.state().with_file_name("config.toml");
    std::fs::write(&file, "sync-period = \"30s\"\n").expect("the host's folder");
    let manager = Manager::of(&host);
    let run = manager.starts(&host, &format!("--config {}", file.display()), &[]);
    assert_eq!(manager.next()[0], "READY=1");
    for (text, status) in [
        ("sync-period = \"40s\"\n", "nft: in sync"),
        ("sync-period = \"soon\"\n", "nft: in sync; the last reload was refused"),
        ("sync-period = \"50s\"\n", "nft: in sync"),
    ] {
        std::fs::write(&file, text).expect("the host's folder");
        let before = monotonic();
        run.signal("HUP");
        let [reloading, time] = &manager.next()[..] else { panic!("two lines") };
        assert_eq!(reloading, "RELOADING=1");
        let time: i64 =
            time.strip_prefix("MONOTONIC_USEC=").expect("the time").parse().expect("it");
        assert!(before <= time && time <= monotonic(), "{before} {time}");
        assert_eq!(manager.next(), ["READY=1", &format!("STATUS={status}")]);
    }
    assert!(run.journal().contains("soon"), "{}", run.journal());
}

/// What a tool could do in our name: it must not get the address.
#[test]
fn a_tool_does_not_inherit_the_way_to_the_service_manager() {
    let host = Host::of(On::Legacy);
    host.doctor("restore", "env >>\"$here/restore\"; exec \"$real\" \"$@\"");
    host.doctor("save", "env >>\"$here/save\"; exec \"$real\" \"$@\"");
    let manager = Manager::of(&host);
    let _run = manager.starts(&host, "--sync-period 100ms", &[("WATCHDOG_USEC", "60000000")]);
    assert_eq!(manager.word()[0], "READY=1");
    eventually("it has read and written", || {
        ["save", "restore"].iter().all(|kind| host.left(kind).contains("STATE_DIRECTORY="))
    });
    for kind in ["save", "restore"] {
        let left = host.left(kind);
        assert!(!left.contains("NOTIFY_SOCKET") && !left.contains("WATCHDOG_"), "{kind}: {left}");
    }
}

/// Its socket holds few messages; and it may be an abstract one.
#[test]
fn who_does_not_read_stops_nobody_and_is_told_the_latest_later() {
    let host = Host::new();
    let name = format!("chainkeeper-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    // Abstract names belong to a network namespace.
    let socket = host.inside(|| UnixDatagram::bind_addr(&address).expect("a socket"));
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let manager = Manager { socket, path: format!("@{name}") };
    let run = manager.starts(&host, "", &[("WATCHDOG_USEC", "2000")]);
    assert_eq!(host.ck_ok("check --wait 10s --live", 0), "running\n");
    host.ck_ok("check --wait 10s", 0);
    // That it is ready may still have fitted in before the pings; this does not.
    sleep(Duration::from_millis(100));
    host.ck_ok("pause", 0);
    eventually("it says so", || run.journal().contains("cannot be told anything"));
    while !manager.next().contains(&"STATUS=nft: in sync; paused".to_owned()) {}
}

/// What it did not get has passed before it could be told again.
#[test]
fn who_has_the_latest_again_is_not_told_and_keeps_nobody_from_the_pages() {
    let host = Host::new();
    let manager = Manager::of(&host);
    let words = "--metrics-bind-address 9253";
    let run = manager.starts(&host, words, &[("WATCHDOG_USEC", "2000")]);
    assert_eq!(manager.word(), ["READY=1", "STATUS=nft: in sync"]);
    sleep(Duration::from_secs(1)); // until the pings have filled its socket
    host.ck_ok("pause", 0);
    eventually("it says so", || run.journal().contains("cannot be told anything"));
    host.ck_ok("resume", 0);
    sleep(Duration::from_millis(1500)); // for longer than until it is told again
    assert_eq!(host.get(ADDRESS, "/livez").expect("it is served").status, 200);
}

#[test]
fn without_a_socket_nothing_is_sent_and_a_dead_one_stops_nobody() {
    let host = Host::new();
    let nobody = host.state().with_file_name("nobody").display().to_string();
    let mut run = host.start_with(
        PROGRAM,
        "run",
        &[("NOTIFY_SOCKET", nobody.as_str()), ("WATCHDOG_USEC", "20000")],
    );
    eventually("it keeps", || host.ck("check").code == 0);
    eventually("it says so", || run.journal().contains("cannot be told anything"));
    run.signal("TERM");
    assert_eq!(run.ended(), 0);
    assert_eq!(run.journal().matches("cannot be told").count(), 1, "{}", run.journal());
}
