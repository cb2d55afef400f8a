//! Files that are away, full, held or something else: the lock, what is remembered, the socket.
use super::super::{Row, many};
use super::{Service, Tally, on_both};
use crate::support::{On, comes_true};
use std::time::Duration;

/// What is done to a file in `$F`, the service's own, how it ends, and words for it.
const STATE: [(&str, &str, &str, &str); 5] = [
    ("its folder gone", "rm -rf $F/state", "true", ""),
    (
        "its folder read-only",
        "rm -rf $F/state; mount -o remount,ro $F",
        "mount -o remount,rw $F",
        "cannot remember",
    ),
    (
        "its disk full",
        "rm -rf $F/state; head -c 1M /dev/zero >$F/full || true",
        "rm $F/full",
        "cannot remember",
    ),
    (
        "a folder in its place",
        "rm -rf $F/state; mkdir -p $F/state/state.json/x",
        "rm -rf $F/state",
        "state.json: ",
    ),
    ("its disk gone", "umount -l $F", "mount -t tmpfs -o size=16k none $F", ""),
];

const LOCK: [(&str, &str, &str, &str); 5] = [
    (
        "held by somebody",
        "flock --no-fork $F/lock sleep 60 & echo $! >$F/holder; sleep 0.1",
        "kill $(cat $F/holder)",
        "lock",
    ),
    ("deleted", "rm -f $F/lock", "true", ""),
    ("a folder in its place", "rm -f $F/lock; mkdir $F/lock", "rmdir $F/lock", "Is a directory"),
    (
        "its folder gone",
        "rm -rf $F/*; umount -l $F || true; rmdir $F",
        "mkdir -p $F",
        "No such file or directory",
    ),
    (
        "none on a read-only folder",
        "mkdir -p $F; mount -t tmpfs none $F; mount -o remount,ro $F",
        "umount -l $F",
        "Read-only file system",
    ),
];

/// The end of the attack.
struct Cure<'a>(Box<dyn Fn() + 'a>);

impl Drop for Cure<'_> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// In a mount namespace of the service's own, with a small disk at `$F`.
fn service(on: On, name: &str, words: &str) -> (Service, String) {
    let folder =
        format!("{}/{}-{}-{name}", env!("CARGO_TARGET_TMPDIR"), std::process::id(), on.name());
    std::fs::create_dir_all(&folder).expect("the target directory can be written");
    let disk = "mount -t tmpfs -o size=16k none \"$F\"; exec \"$@\"";
    let script = format!("{folder}.sh");
    let lock = if name == "lock" { "export XTABLES_LOCKFILE=$F/lock" } else { "" };
    std::fs::write(&script, format!("F={folder}; {lock}\n{disk}\n")).expect("a script");
    let words = words.replace("$F", &folder);
    (Service::under(on, &format!("unshare -m sh {script}"), &words), folder)
}

fn attacked(
    row: &mut Row,
    tally: &Tally,
    on: On,
    what: &str,
    words: &str,
    all: &[(&str, &str, &str, &str)],
) {
    let (mut service, folder) = service(on, what, words);
    let pid = service.run.pid();
    for _ in 0..many(1, 4) {
        for (how, attack, end, says) in all {
            let says = if says.is_empty() { vec![] } else { vec![*says] };
            let inside = |s: &Service, script: &str| {
                let script = script.replace("$F", &folder);
                s.host.sh(&format!("nsenter -t {pid} -m sh -ec '{script}' >/dev/null 2>&1"));
            };
            let name = format!("{what} {how}");
            service.lacks(row, &name, &says, Duration::from_millis(900), |s| {
                inside(s, attack);
                let (script, host) = (end.replace("$F", &folder), s.host.path());
                Cure(Box::new(move || {
                    let words = [
                        &format!("--net={host}"),
                        "-m",
                        "-t",
                        &pid.to_string(),
                        "sh",
                        "-c",
                        &script,
                    ];
                    let _ = std::process::Command::new("nsenter").args(words).status();
                }))
            });
        }
    }
    tally.of(&service);
    service.stops(row);
    let _ = std::fs::remove_file(format!("{folder}.sh"));
    let _ = std::fs::remove_dir_all(folder);
}

/// Lost: not repaired, also while it is so (nothing of it is needed), not said where something could not be
/// remembered, a spin, a panic, an end.
#[test]
fn what_it_remembers_cannot_be_written() {
    let tally = Tally::default();
    let row = Row::new(
        "state file without folder, on a read-only, full or vanished disk, or a folder",
        "attacks",
    );
    let row = on_both(row, |on, row| {
        // In nftables nothing has to be remembered after the first pass.
        let all: Vec<_> = STATE
            .into_iter()
            .map(|(a, b, c, says)| (a, b, c, if on == On::Nft { "" } else { says }))
            .collect();
        attacked(row, &tally, on, "state", "--state-file $F/state/state.json", &all);
    });
    row.end(&format!("both backends; {}", tally.notes()));
}

/// Lost: not repaired once it can be had again, not said, a spin, a panic, an end.
#[test]
fn the_lock_is_held_gone_or_something_else() {
    let tally = Tally::default();
    let mut row = Row::new(
        "xtables lock held, deleted, a folder, without folder, on a read-only disk",
        "attacks",
    );
    attacked(&mut row, &tally, On::Legacy, "lock", "", &LOCK);
    row.end(&format!("legacy; {}", tally.notes()));
}

/// Lost: not answered again within 5 s, or a repair that fails meanwhile.
#[test]
fn the_socket_is_taken_away() {
    let row = Row::new("file or folder of the local socket taken away", "times");
    let row = on_both(row, |on, row| {
        let folder =
            format!("{}/{}-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id(), on.name());
        let socket = format!("{folder}/run/it.sock");
        let service = Service::new(on, &format!("--socket {socket}"));
        let lives = || service.host.ck(&format!("check --live --socket {socket}")).code == 0;
        for n in 0..many(4, 40) {
            let _ = match n % 2 {
                0 => std::fs::remove_file(&socket),
                _ => std::fs::remove_dir_all(&folder),
            };
            let taken = service.take();
            let well = taken && comes_true(5, || lives() && service.is_whole());
            row.one(well, || format!("{on:?}, {n}: {}", service.run.journal()));
        }
        service.stops(row);
        let _ = std::fs::remove_dir_all(folder);
    });
    row.end("both backends");
}
