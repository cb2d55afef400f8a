//! A real firewalld, on a bus of its own: none of its commands fails beside us, and whatever it does, ours is
//! whole afterwards. Only where it is installed: its package starts it on a host that has systemd, so
//! scripts/setup installs it for CI alone.
use super::{is_whole, looping, service};
use crate::support::{Host, On, Running, Scratch, eventually, within};

/// Root may do everything on it. An abstract socket belongs to a network namespace.
const BUS: &str = r#"<busconfig>
  <type>system</type>
  <listen>unix:abstract=firewalld</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"#;

const ADDRESS: &str = "export DBUS_SYSTEM_BUS_ADDRESS=unix:abstract=firewalld";

/// Its settings and its log are in a folder of its own. What is dropped is ended.
struct Firewalld<'a> {
    host: &'a Host,
    bus: (Running, Scratch, Scratch),
    daemon: (Running, Scratch),
}

impl Firewalld<'_> {
    fn start<'a>(host: &'a Host, backend: &str) -> Firewalld<'a> {
        let config = Scratch::new(&format!("bus-{backend}"), BUS);
        let bus =
            format!("exec dbus-daemon --config-file '{}' --nofork --nopidfile", config.path());
        let bus = looping(host, &bus);
        let folder = host.state().with_file_name("firewalld");
        let folder = folder.display();
        host.sh(&format!(
            "mkdir '{folder}'; printf 'FirewallBackend={backend}\\nDefaultZone=public\\n' >'{folder}'/firewalld.conf"
        ));
        let daemon = format!(
            "{ADDRESS}\nexec firewalld --nofork --nopid --system-config '{folder}' \
             --log-target file --log-file '{folder}'/log"
        );
        eventually("there is a bus", || host.try_sh("grep -q @firewalld /proc/net/unix").code == 0);
        let daemon = looping(host, &daemon);
        let started = Firewalld { host, bus: (bus.0, bus.1, config), daemon };
        let state = || host.try_sh(&format!("{ADDRESS}; firewall-cmd --state")).code == 0;
        within(30, "firewalld has started", state);
        started
    }

    /// Runs a command of firewall-cmd. What fails inside it is in the log.
    fn command(&self, words: &str) {
        self.host.sh(&format!("{ADDRESS}; firewall-cmd {words}"));
        self.nothing_failed(words);
    }

    fn nothing_failed(&self, after: &str) {
        let log = self.host.state().with_file_name("firewalld").join("log");
        let log = std::fs::read_to_string(log).unwrap_or_default();
        assert!(!log.contains("ERROR") && !log.contains("FAILED"), "{after}\n{log}");
    }
}

#[test]
fn none_of_its_commands_fails_and_ours_is_whole_after_each() {
    let probe = Host::new();
    if probe.try_sh("command -v firewalld && command -v dbus-daemon").code != 0 {
        assert!(std::env::var_os("CI").is_none(), "CI has a firewalld: scripts/setup");
        return println!("left out: firewalld and dbus-daemon are not installed");
    }
    for backend in ["nftables", "iptables"] {
        let host = Host::of(On::Nft);
        // So many commands in half a minute would be a fight, see `deleting`.
        let run = service(&host, "--on-conflict insist");
        let whole = |after: &str| {
            within(20, after, || is_whole(&host, ""));
            host.ck_ok("check --wait 10s", 0);
        };
        let mut firewalld = Firewalld::start(&host, backend);
        whole("all is in place after its start");
        firewalld.nothing_failed("start");
        for words in
            ["--reload", "--add-service http", "--complete-reload", "--panic-on", "--panic-off"]
        {
            firewalld.command(words);
            whole(words);
        }
        let direct = "--direct --add-rule ipv4 filter INPUT 0 -p tcp --dport 1 -j ACCEPT";
        firewalld.command(direct);
        firewalld.command("--reload");
        whole("--reload with a direct rule");
        firewalld.daemon.0.signal("TERM");
        assert_eq!(firewalld.daemon.0.ended(), 0, "{}", firewalld.daemon.0.journal());
        firewalld.nothing_failed("stop");
        whole("all is in place after its end");
        println!("{backend}: {}", run.journal());
        drop(firewalld.bus);
    }
}
