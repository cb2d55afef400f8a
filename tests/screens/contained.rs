//! What is said in a container where a privilege or a mount is missing, with the line that mends it.
use super::{NFT, home, home_without_tools, shown_under};
use crate::support::{Host, PROGRAM, eventually, nobody};
use insta::assert_snapshot;

const POD: &str = "env container=pod";
/// A `/run` of the container's own, without a lock.
const RUN: &str =
    "env -u XTABLES_LOCKFILE container=pod STATE_DIRECTORY=/run/memory sh -ec 'mount -t tmpfs none /run
    mkdir /run/memory";

fn empty() -> Host {
    home(Host::unknown(), NFT, "true")
}

/// A host whose legacy tables hold kubelet's hint.
fn legacy() -> Host {
    home(Host::unknown(), NFT, "iptables-legacy -t mangle -N KUBE-IPTABLES-HINT")
}

#[test]
fn a_capability_that_is_not_granted() {
    let before = format!("{POD} setpriv --bounding-set=-net_admin --inh-caps=-net_admin");
    assert_snapshot!("no_capability", shown_under(&empty(), &before, "apply"));
}

/// As Kubernetes starts a user that is not root.
#[test]
fn a_capability_that_another_user_has_not() {
    if nobody(0, "-all").is_none() {
        return;
    }
    let user = format!("{POD} setpriv --reuid 65534 --regid 0 --clear-groups");
    assert_snapshot!("not_root", shown_under(&empty(), &user, "apply"));
    let kept = format!("{user} --no-new-privs");
    assert_snapshot!("not_root_no_new_privs", shown_under(&empty(), &kept, "apply"));
}

#[test]
fn a_capability_over_another_user_namespace() {
    let before = format!("{POD} unshare --user --map-root-user");
    assert_snapshot!("user_namespace", shown_under(&empty(), &before, "apply"));
}

#[test]
fn legacy_without_net_raw() {
    let before = format!("{POD} setpriv --bounding-set=-net_raw --inh-caps=-net_raw");
    assert_snapshot!("no_net_raw", shown_under(&legacy(), &before, "apply"));
    assert_snapshot!("no_net_raw_json", shown_under(&legacy(), &before, "apply --output json"));
}

#[test]
fn a_list_of_legacy_tables_that_cannot_be_read() {
    let Some(nobody) = nobody(65534, "+net_admin") else { return };
    assert_snapshot!("no_list", shown_under(&legacy(), &format!("{POD} {nobody}"), "apply"));
}

#[test]
fn legacy_in_an_image_without_its_tools() {
    let hidden = "mount -t tmpfs none /usr/sbin; [ -L /sbin ] || mount -t tmpfs none /sbin";
    let before = format!("{POD} sh -ec '{hidden}; exec \"$0\" \"$@\"'");
    let host = home_without_tools(Host::unknown(), NFT, "true");
    assert_snapshot!("no_tools", shown_under(&host, &before, "apply --backend legacy"));
}

/// A lock that is made here is one that nobody else takes.
#[test]
fn a_lock_that_is_not_mounted() {
    let before = format!("{RUN}; exec \"$0\" \"$@\"'");
    let host = legacy();
    assert_snapshot!("no_lock", shown_under(&host, &before, "apply"));
    assert!(!host.legacy_tables().contains("KUBE-MARK-MASQ"), "it wrote without the host's lock");
}

#[test]
fn a_lock_that_is_mounted() {
    let mounted =
        "touch /run/theirs /run/xtables.lock; mount --bind -o ro /run/theirs /run/xtables.lock";
    let before = format!("{RUN}; {mounted}; exec \"$0\" \"$@\"'");
    let said = shown_under(&legacy(), &before, "apply");
    assert!(said.ends_with("(exit 0)"), "{said}");
}

/// Nobody else writes there, so nobody has to be locked out.
#[test]
fn a_sandbox_needs_no_lock_of_the_host() {
    let before = format!("{RUN}; exec timeout 2 \"$0\" \"$@\"'");
    let said = shown_under(&legacy(), &before, "--backend legacy run --sandbox");
    assert!(said.contains("jumps written") && !said.contains("hostNetwork"), "{said}");
}

#[test]
fn a_lock_that_is_a_folder() {
    let before = format!("{RUN}; mkdir /run/xtables.lock; exec \"$0\" \"$@\"'");
    assert_snapshot!("lock_is_a_folder", shown_under(&legacy(), &before, "apply"));
}

/// `/sys` is that of whoever mounts it.
const OF_THE_NETWORK: &str =
    "env container=pod unshare -m sh -ec 'mount -t sysfs none /sys; exec \"$0\" \"$@\"'";

#[test]
fn a_network_of_its_own() {
    let host = empty();
    let probe = || shown_under(&host, OF_THE_NETWORK, "probe");
    assert_snapshot!("own_network", probe());
    // Somebody else's /sys tells nothing.
    let said = shown_under(&host, POD, "probe");
    assert!(!said.contains("hostNetwork"), "{said}");
}

#[test]
fn an_interface_whose_other_end_is_elsewhere() {
    let (host, node) = (empty(), Host::unknown());
    let pid = node.start("sleep", "100");
    host.sh(&format!("ip link add eth0 index 7 type veth peer name away netns {}", pid.pid()));
    let said = shown_under(&host, OF_THE_NETWORK, "probe");
    assert!(said.contains("hostNetwork: true"), "{said}");
    host.sh("ip link add node0 type veth peer name node1");
    let said = shown_under(&host, OF_THE_NETWORK, "probe");
    assert!(!said.contains("hostNetwork: true"), "{said}");
}

/// Nothing is mounted where socket and state are to be. `/run` stands for a root that is read-only.
const READ_ONLY: &str = "exec unshare -m sh -ec 'mount -t tmpfs -o ro none /run; exec \"$@\"' sh \
    env container=pod STATE_DIRECTORY=/run/chainkeeper RUNTIME_DIRECTORY=/run/chainkeeper \"$@\"";

#[test]
fn keeping_goes_on_without_a_place_for_socket_and_state() {
    let host = Host::unknown();
    host.put("read-only", READ_ONLY);
    let status = host.ck_under("read-only", "status");
    assert_snapshot!("no_socket", format!("{}{}", status.stdout, status.stderr));
    let events = host.ck_under("read-only", "events");
    assert!(events.code == 5 && events.stderr.contains("type: DirectoryOrCreate"), "{events:?}");
    let run = host.start("read-only", &format!("{PROGRAM} run"));
    eventually("it keeps", || host.ck("check").code == 0);
    let journal = run.journal();
    assert_eq!(journal.matches("mountPath: /run/chainkeeper").count(), 1, "{journal}");
    assert!(journal.contains("type: DirectoryOrCreate"), "{journal}");
}

#[test]
fn a_folder_of_another_user() {
    let Some(nobody) = nobody(0, "+net_admin,+net_raw") else { return };
    let theirs = "mount -t tmpfs none /run; mkdir -m 0755 /run/chainkeeper";
    let script = READ_ONLY.replace("mount -t tmpfs -o ro none /run", theirs);
    let host = Host::unknown();
    host.put("theirs", &script.replace("env container", &format!("{nobody} env container")));
    let said = host.ck_under("theirs", "probe").stdout;
    assert!(said.contains("runAsUser: 0") && !said.contains("volumeMounts"), "{said}");
}

/// The numbers that the kernel tells are those of the initial pid namespace.
#[test]
fn who_took_the_chains_from_another_pid_namespace() {
    let initial = std::path::Path::new("pid:[4026531836]");
    if std::fs::read_link("/proc/self/ns/pid").expect("/proc is mounted") != initial {
        return println!("left out: we are in another one");
    }
    let host = Host::unknown();
    host.put("apart", "exec unshare --pid --fork --kill-child --mount-proc \"$@\"");
    let _run = host.start("apart", &format!("{PROGRAM} run"));
    eventually("it keeps", || host.ck("check --live").code == 0 && host.ck("check").code == 0);
    let mut threads = vec![];
    for times in 1..=2 {
        let (pid, done) = host.feed("nft -f -", "flush chain ip nat KUBE-MARK-MASQ");
        done.expect("it was flushed");
        threads.push(format!("nft (thread {pid}, not in the initial pid namespace)"));
        let repaired = || host.ck("events").stdout.matches("KUBE-MARK-MASQ").count() == times;
        eventually("it is told", repaired);
    }
    let said = host.ck_under("env container=pod", "events");
    for thread in threads {
        assert!(said.stdout.contains(&thread), "{thread}: {}", said.stdout);
    }
    assert_eq!(said.stderr.matches("hostPID: true").count(), 1, "{}", said.stderr);
    assert_eq!(host.ck("events").stderr, "", "no container, no manifest");
}
