//! Where it is served: an address that cannot be had, another after a reload, and the local socket's.
use super::super::wipe::whole;
use super::super::{Story, keeping};
use super::{WORDS, works};
use crate::support::{ADDRESS, Host, PROGRAM, Running, Scratch, eventually};
use chainkeeper::control::{Request, ask_once};
use std::net::TcpListener;
use std::path::Path;

fn answers(host: &Host, address: &str) -> bool {
    host.get(address, "/livez").is_some_and(|got| got.status == 200)
}

/// Somebody has that address.
fn taken(host: &Host, address: &str) -> TcpListener {
    host.inside(|| TcpListener::bind(address).expect("nobody has it"))
}

#[test]
fn a_port_that_is_taken_keeps_it_from_nothing_and_is_served_once_it_is_free() {
    let host = Host::new();
    let other = taken(&host, ADDRESS);
    let (run, story) = keeping(&host, WORDS);
    works(&host, &story, &whole(&host));
    let journal = run.journal();
    let warning = journal.lines().find(|l| l.contains("WARN")).expect("it says so");
    assert!(warning.contains(ADDRESS) && warning.contains("ss -ltnp"), "{warning}");
    drop(other);
    eventually("it is served", || answers(&host, ADDRESS));
    assert_eq!(run.journal().matches("cannot be served").count(), 1, "{}", run.journal());
}

#[test]
fn an_address_that_comes_up_later_is_served_then() {
    let host = Host::new();
    let words = "--metrics-bind-address 192.0.2.7:9253";
    let (run, _story) = keeping(&host, words);
    assert!(run.journal().contains("No interface has that address"), "{}", run.journal());
    host.sh("ip address add 192.0.2.7/32 dev lo");
    eventually("it is served", || answers(&host, "192.0.2.7:9253"));
}

#[test]
fn an_address_of_ipv6_is_as_good() {
    let host = Host::new();
    let (_run, _story) = keeping(&host, "--metrics-bind-address [::1]:9253");
    assert!(answers(&host, "[::1]:9253") && !answers(&host, ADDRESS));
}

#[test]
fn without_the_setting_nothing_is_served() {
    let host = Host::new();
    let (_run, _story) = keeping(&host, "");
    assert_eq!(host.sh("ss -Hltn"), "");
}

struct Reloaded {
    host: Host,
    file: Scratch,
    run: Running,
}

impl Reloaded {
    fn new(name: &str, text: &str) -> Reloaded {
        let (host, file) = (Host::new(), Scratch::new(name, text));
        let run = host.start(PROGRAM, &format!("run --config {}", file.path()));
        eventually("it is served", || answers(&host, ADDRESS));
        Reloaded { host, file, run }
    }

    /// Waits until it is done.
    fn reload(&self, text: &str) {
        let done = |run: &Running| {
            let journal = run.journal();
            journal.matches("configuration reloaded").count()
                + journal.matches("keeping the last good").count()
        };
        let before = done(&self.run);
        self.file.write(text);
        self.run.signal("HUP");
        eventually("it is reloaded", || done(&self.run) > before);
    }
}

const HERE: &str = "metrics-bind-address = \"127.0.0.1:9253\"";
const THERE: &str = "metrics-bind-address = \"127.0.0.1:9254\"";

#[test]
fn a_reload_moves_it_and_what_cannot_be_had_leaves_it_where_it_was() {
    let it = Reloaded::new("moves.toml", HERE);
    it.reload(THERE);
    eventually("it has moved", || answers(&it.host, "127.0.0.1:9254"));
    assert!(!answers(&it.host, ADDRESS));
    // Taken: the old one goes on until the new one is free.
    let other = taken(&it.host, ADDRESS);
    it.reload(HERE);
    eventually("it says so", || it.run.journal().contains("until then at http://127.0.0.1:9254"));
    assert!(answers(&it.host, "127.0.0.1:9254"));
    drop(other);
    eventually("it has moved back", || answers(&it.host, ADDRESS));
    assert!(!answers(&it.host, "127.0.0.1:9254"));
    // The same port of every address, which the old one is in the way of.
    it.reload("metrics-bind-address = \"0.0.0.0:9253\"");
    it.host.sh("ip address add 192.0.2.7/32 dev lo");
    eventually("it has moved", || answers(&it.host, "192.0.2.7:9253"));
    // A file that is wrong changes nothing, and is counted.
    it.reload("nonsense");
    let scrape = it.host.scrape();
    assert_eq!(scrape.at("config_reloads_total{result=\"failure\"}"), 1.0);
    assert_eq!(scrape.at("config_reloads_total{result=\"success\"}"), 3.0);
    assert_eq!(scrape.at("config_last_reload_success"), 0.0);
    it.reload("");
    eventually("it is closed", || !answers(&it.host, ADDRESS));
}

#[test]
fn a_reload_moves_the_local_socket_and_what_cannot_be_had_leaves_it() {
    let it = Reloaded::new("socket.toml", HERE);
    let status = |path: &Path| ask_once(path, &Request::Status {}).is_ok();
    let old = it.host.socket();
    eventually("it answers", || status(&old));
    let follower = Story::of(&it.host);
    let new = old.with_file_name("new.sock");
    let at = |path: &Path| format!("{HERE}\nsocket = \"{}\"", path.display());
    it.reload(&at(&new));
    eventually("it has moved", || status(&new));
    assert!(!old.exists());
    // Somebody else's file is no socket.
    let file = old.with_file_name("file");
    std::fs::write(&file, "mine").expect("a file");
    it.reload(&at(&file));
    assert!(status(&new) && it.run.journal().contains("goes on answering"), "{}", it.run.journal());
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "mine");
    it.reload(HERE);
    eventually("it has moved back", || status(&old));
    assert!(!new.exists());
    // Descriptors of sockets that are gone are gone: one listens.
    let listening = it.host.sh("ss -Hlx").matches("chainkeeper.sock").count();
    assert_eq!(listening, 1);
    drop(follower);
}
