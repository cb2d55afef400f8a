//! What the system does not give: a thread, the file of the socket.
use super::keeping;
use crate::support::{Host, PROGRAM, eventually};

/// As where pids.max is reached: strace(1) lets no thread begin. tokio's `spawn_blocking` panics there.
#[test]
fn where_the_system_gives_no_thread_connections_are_not_counted_and_all_else_goes_on() {
    let host = Host::new();
    let (run, story) = keeping(&host, "--settle 10ms");
    let inject = "clone,clone3:error=EAGAIN";
    let words = format!("-e trace=clone,clone3 -e inject={inject} -p {}", run.pid());
    let strace = host.start("strace", &words);
    eventually("strace watches", || strace.journal().contains("attached"));
    host.sh("iptables-nft -t nat -F KUBE-POSTROUTING");
    story.repaired();
    let said = "connections of a gap are not counted: Resource temporarily unavailable";
    eventually("it says so", || run.journal().contains(said));
    host.ck_ok("check --live", 0);
    drop(strace);
    host.sh("iptables-nft -t nat -F KUBE-POSTROUTING");
    story.repaired();
    assert_eq!(run.journal().matches("are not counted").count(), 1, "{}", run.journal());
}

#[test]
fn a_socket_whose_file_is_taken_away_is_there_again_and_what_is_in_its_place_stays() {
    let host = Host::new();
    let socket = host.socket().with_file_name("run").join("it.sock");
    let words = format!("--sync-period 200ms --socket {}", socket.display());
    let run = host.start(PROGRAM, &format!("run {words}"));
    let lives = || host.ck(&format!("check --live --socket {}", socket.display())).code == 0;
    eventually("it answers", lives);
    std::fs::remove_file(&socket).expect("it is there");
    eventually("it answers again", lives);
    std::fs::remove_dir_all(socket.parent().expect("a folder")).expect("it is there");
    eventually("it answers again", lives);
    assert_eq!(run.journal().matches("was gone; it answers again").count(), 2, "{}", run.journal());
    std::fs::remove_file(&socket).expect("it is there");
    std::fs::write(&socket, "mine").expect("a file");
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(std::fs::read_to_string(&socket).expect("it is there"), "mine");
    // A folder that cannot be made: said once.
    let folder = socket.parent().expect("a folder");
    std::fs::remove_dir_all(folder).expect("it is there");
    std::fs::write(folder, "mine").expect("a file");
    eventually("it says so", || run.journal().contains("cannot be had again"));
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(run.journal().matches("cannot be had again").count(), 1, "{}", run.journal());
    std::fs::remove_file(folder).expect("it is ours");
    eventually("it answers again", lives);
}
