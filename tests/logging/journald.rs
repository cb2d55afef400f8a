//! Beside a journal of the test's own, at the place of systemd's.
use super::{Host, keeping, repair};
use crate::support::{PROGRAM, eventually};
use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// `/run/systemd/journal` is the host's own folder, and standard error the stream of that name.
const BESIDE: &str = "exec unshare -m sh -ec 'mount -t tmpfs none /run
    mkdir -p /run/systemd
    ln -s \"$0\" /run/systemd/journal
    export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)
    exec \"$@\"' \"$STATE_DIRECTORY\" \"$@\"";

fn host() -> Host {
    let host = Host::new();
    host.put("beside", BESIDE);
    host
}

fn path(host: &Host) -> PathBuf {
    host.state().with_file_name("socket")
}

fn journald(host: &Host) -> UnixDatagram {
    let socket = UnixDatagram::bind(path(host)).expect("the target directory can be written");
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    socket
}

/// The fields of one datagram, all in the form with a length.
fn fields(mut data: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    while !data.is_empty() {
        let end = data.iter().position(|b| *b == b'\n').expect("a name");
        let (name, rest) = (String::from_utf8_lossy(&data[..end]), &data[end + 1..]);
        let length = u64::from_le_bytes(rest[..8].try_into().expect("eight bytes")) as usize;
        let value = String::from_utf8(rest[8..8 + length].to_vec()).expect("UTF-8");
        assert_eq!(rest[8 + length], b'\n');
        fields.insert(name.into_owned(), value);
        data = &rest[8 + length + 1..];
    }
    fields
}

/// What came so far; the empty one is a question.
fn lines(socket: &UnixDatagram) -> Vec<BTreeMap<String, String>> {
    let (mut all, mut buffer) = (vec![], vec![0; 1 << 18]);
    while let Ok(n) = socket.recv(&mut buffer) {
        all.push(fields(&buffer[..n]));
    }
    all.into_iter().filter(|line| !line.is_empty()).collect()
}

#[test]
fn where_standard_error_is_the_journal_it_gets_fields() {
    let host = host();
    let socket = journald(&host);
    let run = keeping(&host, "beside", &format!("{PROGRAM} run --settle 10ms"));
    let number = repair(&host).number.to_string();
    let lines = lines(&socket);
    assert!(lines.iter().all(|l| l["SYSLOG_IDENTIFIER"] == "chainkeeper"), "{lines:?}");
    let is_gap = |l: &&BTreeMap<String, String>| l.get("CHAINKEEPER_EVENT").is_some();
    let gap = lines.iter().find(is_gap).expect("the repair");
    let texts = [
        ("CHAINKEEPER_EVENT", "gap"),
        ("CHAINKEEPER_NUMBER", &number),
        ("CHAINKEEPER_OUTCOME", "repaired"),
        ("CHAINKEEPER_CHAINS", "ip/filter/KUBE-FIREWALL"),
        ("PRIORITY", "6"),
    ];
    texts.iter().for_each(|(name, text)| assert_eq!(gap[*name], *text, "{gap:?}"));
    assert!(gap["MESSAGE"].starts_with("repaired ip filter KUBE-FIREWALL: 1 jump"), "{gap:?}");
    assert_eq!(gap["MESSAGE_ID"].len(), 32, "{gap:?}");
    assert_eq!(run.journal(), "", "and nothing twice");
}

#[test]
fn a_journal_that_takes_nothing_holds_nothing_up_and_is_told_of_it_later() {
    let host = host();
    let socket = journald(&host);
    let _run = keeping(&host, "beside", &format!("{PROGRAM} run -vv --settle 1ms"));
    // Far more lines than a socket holds: sysctl net.unix.max_dgram_qlen.
    let most: usize = host.sh("cat /proc/sys/net/unix/max_dgram_qlen").trim().parse().expect("n");
    for _ in 0..most.clamp(10, 600) / 4 {
        host.sh("iptables-nft -D INPUT -j KUBE-FIREWALL; iptables-nft -D OUTPUT -j KUBE-FIREWALL");
        eventually("it is kept all the same", || host.is_in_sync());
    }
    let before = lines(&socket).len();
    assert!(before >= 10, "{before}");
    let told = host.events().len();
    repair(&host);
    assert!(host.events().len() > told);
    let lines = lines(&socket);
    let lost = lines.iter().find(|l| l["MESSAGE"].starts_with("the journal did not take the last"));
    let lost = lost.unwrap_or_else(|| panic!("{before} before; {lines:?}"));
    assert!(lost["CHAINKEEPER_LOST"].parse::<u32>().is_ok_and(|n| n > 0), "{lost:?}");
}

#[test]
fn without_a_journal_it_is_text_with_a_note_where_it_was_asked_for() {
    for (words, note) in [("", false), ("--log-format journald", true)] {
        let host = host();
        let run = keeping(&host, "beside", &format!("{PROGRAM} run --settle 10ms {words}"));
        repair(&host);
        eventually("it says so", || run.journal().contains("\n INFO repaired ip filter "));
        let said = run.journal().contains(
            " WARN log-format journald: /run/systemd/journal/socket: No such file or directory",
        );
        assert_eq!(said, note, "{}", run.journal());
    }
}

/// Who made the socket is gone: a connection is refused.
#[test]
fn a_journal_that_ends_stops_nothing() {
    let host = host();
    let socket = journald(&host);
    let _run = keeping(&host, "beside", &format!("{PROGRAM} run --settle 10ms"));
    drop(socket);
    repair(&host);
    std::fs::remove_file(path(&host)).expect("it was there");
    repair(&host);
    let socket = journald(&host);
    repair(&host);
    let lines = lines(&socket);
    assert_eq!(lines[0]["MESSAGE"], "the journal did not take the last 2 lines", "{lines:?}");
    assert!(lines[1]["MESSAGE"].starts_with("repaired "), "{lines:?}");
}
