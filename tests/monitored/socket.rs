//! People and programs at the socket, well-behaved or not.
use super::wipe::{Kind, Wipe, whole};
use super::{Story, keeping};
use crate::support::{Host, On, PROGRAM, eventually};
use chainkeeper_contract::{Family, Table};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread::sleep;
use std::time::{Duration, Instant};

const FOLLOW: &[u8] = b"{\"ask\":\"events\",\"since_ms\":0,\"follow\":true}\n";

fn wipe(on: On) -> Wipe {
    let (kind, family, table) = (Kind::Delete, Family::Ipv4, Table::Filter);
    Wipe { kind, on, family, table, chain: "KUBE-FIREWALL".into(), n: 0 }
}

fn connect(host: &Host) -> UnixStream {
    let stream = UnixStream::connect(host.socket()).expect("the service listens");
    stream.set_read_timeout(Some(super::PATIENCE)).expect("a stream");
    stream
}

/// Writes that, and reads what comes back until the end.
fn said(host: &Host, question: &[u8]) -> String {
    let (mut stream, mut answer) = (connect(host), String::new());
    // It may have heard enough.
    let _ = stream.write_all(question);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn the_socket_is_for_its_user_alone_and_goes_with_the_service() {
    let host = Host::new();
    let (mut run, _story) = keeping(&host, "");
    let file = std::fs::symlink_metadata(host.socket()).expect("it is there");
    assert!(file.file_type().is_socket());
    assert_eq!(file.mode() & 0o777, 0o600);
    run.signal("TERM");
    assert_eq!(run.ended(), 0);
    assert!(!host.socket().exists());
}

#[test]
fn no_bad_questioner_keeps_it_from_its_work() {
    let host = Host::new();
    let (_run, story) = keeping(&host, "--on-conflict insist --settle 10ms");
    let all = whole(&host);
    let works = || {
        wipe(On::Nft).commit(&host, &all).expect("it is there");
        story.repaired();
    };
    let megabyte = [b'x'; 1 << 20];
    let deep = b"[".repeat(4000);
    let bad: [&[u8]; 6] = [
        b"\n",
        b"\0\xff\xfe garbage \n",
        b"{\"ask\":\"nothing\"}\n",
        b"{\"ask\"",
        &deep,
        &megabyte,
    ];
    for question in bad {
        let answer = said(&host, question);
        let shown = &question[..question.len().min(20)];
        assert!(answer.is_empty() || answer.starts_with("{\"error\":"), "{shown:?}: {answer}");
        works();
    }
    assert!(said(&host, &megabyte[..5000]).starts_with("{\"error\":"), "told what is wrong");

    // Half a line, and nothing more; many of them at once, more than are served at a time.
    let mut half: Vec<UnixStream> = Vec::new();
    for _ in 0..100 {
        let mut stream = connect(&host);
        stream.write_all(b"{\"ask\":").expect("it is taken");
        half.push(stream);
    }
    works();
    // Those who wait for their turn get it once the others were too slow.
    let began = Instant::now();
    drop(half.split_off(40));
    eventually("it answers again", || host.status().is_some());
    println!("answered {:.1} s after 100 who asked nothing", began.elapsed().as_secs_f64());
    drop(half);
    works();
    assert!(host.is_in_sync());
}

#[test]
fn a_follower_who_never_reads_delays_nobody() {
    let host = Host::new();
    let (_run, story) = keeping(&host, "--on-conflict insist --settle 1ms");
    let all = whole(&host);
    let (kind, family, table, chain) = (Kind::Everything, Family::Ipv4, Table::Nat, String::new());
    let wipe = Wipe { kind, on: On::Nft, family, table, chain, n: 0 };
    let mut deaf = connect(&host);
    deaf.write_all(FOLLOW).expect("it is taken");
    let began = Instant::now();
    let (mut bytes, mut count) = (0, 0);
    // More than the buffers of a socket hold.
    while bytes < 400_000 {
        wipe.commit(&host, &all).expect("it is there");
        bytes += serde_json::to_string(&story.repaired()).expect("JSON").len();
        count += 1;
    }
    println!("{count} repairs in {:.1} s beside it", began.elapsed().as_secs_f64());
    assert!(host.status().is_some_and(|s| s.day.repairs == count));
    drop(deaf);
    assert_eq!(whole(&host), all);
}

#[test]
fn events_follow_prints_a_wipe_as_it_is_repaired() {
    let host = Host::new();
    let (mut run, story) = keeping(&host, "--settle 10ms");
    let all = whole(&host);
    for (words, like) in [("", "took"), ("--output json", "{")] {
        let mut follower = std::process::Command::new(PROGRAM);
        let socket = host.socket();
        follower.args(["events", "--follow", "--socket"]).arg(&socket);
        follower.args(words.split_whitespace()).stdout(Stdio::piped());
        let mut follower = follower.spawn().expect("program starts");
        let lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
        let (read, printed) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|l| read.send(l)));
        wipe(On::Nft).commit(&host, &all).expect("it is there");
        story.repaired();
        let next = || printed.recv_timeout(super::PATIENCE).expect("it is printed");
        while !next().contains(like) {}
        let json = words.contains("json").then(next);
        if let Some(event) = json {
            let event: chainkeeper::story::Event = serde_json::from_str(&event).expect("an event");
            assert_eq!(event.number, 2);
        }
        if words.is_empty() {
            follower.kill().expect("ours");
        } else {
            // With one still following, an end is at once; and the follower ends with it.
            let began = Instant::now();
            run.signal("TERM");
            assert_eq!(run.ended(), 0);
            let length = began.elapsed();
            println!("ended after {} ms", length.as_millis());
            assert!(length < Duration::from_secs(2), "{length:?}");
        }
        follower.wait().expect("it ends");
    }
}

/// SIGTERM while a pass waits for the xtables lock.
#[test]
fn sigterm_does_not_wait_for_the_xtables_lock() {
    let host = Host::of(On::Legacy);
    let (mut run, story): (_, Story) =
        keeping(&host, "--lock-wait 5s --settle 10ms --sync-period 100ms");
    let all = whole(&host);
    // Taken without the lock, as nobody should.
    let lock = host.hold_lock(30);
    let text = "*nat\n-F KUBE-MARK-MASQ\nCOMMIT\n";
    host.sh(&format!(
        "printf '{text}' | XTABLES_LOCKFILE=/dev/null iptables-legacy-restore --noflush"
    ));
    sleep(Duration::from_millis(600)); // it has looked, and waits
    let began = Instant::now();
    run.signal("TERM");
    assert_eq!(run.ended(), 0, "{}", run.journal());
    let length = began.elapsed();
    println!("ended after {} ms", length.as_millis());
    assert!(length < Duration::from_secs(2), "{length:?}");
    drop((lock, story));
    let _run = keeping(&host, "");
    assert_eq!(whole(&host), all);
}

/// Of another program, or no socket at all.
#[test]
fn what_is_somebody_elses_at_that_path_stays_there() {
    let host = Host::new();
    let file = host.state().with_file_name("file");
    std::fs::write(&file, "mine").expect("a file");
    let other = host.state().with_file_name("other");
    let _datagrams = std::os::unix::net::UnixDatagram::bind(&other).expect("a socket");
    for path in [&file, &other] {
        let mut run = host.start(PROGRAM, &format!("run --socket {}", path.display()));
        eventually("it says so", || run.journal().contains("no answers to `status`"));
        run.signal("TERM");
        assert_eq!(run.ended(), 0, "{}", run.journal());
    }
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "mine");
    assert!(std::fs::symlink_metadata(&other).expect("still there").file_type().is_socket());
}

/// Nothing is to be read, and nothing is wrong.
#[test]
fn a_service_that_is_to_keep_nothing_is_alive() {
    let host = Host::new();
    let _run = host.start(PROGRAM, "run --make-iptables-util-chains=false");
    eventually("it is", || host.ck("check --live").code == 0);
}
