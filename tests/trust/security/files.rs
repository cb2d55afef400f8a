//! Whoever may write to a folder that we use: links, pipes and other people's sockets in the place of our files.
use super::service;
use crate::support::{Host, On, PROGRAM, Running, Scratch, comes_true};
use crate::trust::{BOUND, Row, many};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// No command waits longer for what is no file, at any load.
const HANGS: Duration = Duration::from_secs(30);

/// A file that is somebody else's: its text, mode and owner must stay.
struct Victim(Scratch);

impl Victim {
    fn new(name: &str) -> Victim {
        let file = Scratch::new(&format!("victim-{name}"), "precious");
        let victim = Victim(file);
        std::fs::set_permissions(victim.path(), std::fs::Permissions::from_mode(0o640))
            .expect("ours");
        victim
    }

    fn path(&self) -> String {
        self.0.path()
    }

    fn is_well(&self) -> bool {
        let meta = std::fs::metadata(self.path()).expect("it is there");
        let text = std::fs::read_to_string(self.path()).expect("it is there");
        text == "precious" && meta.mode() & 0o7777 == 0o640 && meta.uid() == 0
    }
}

/// What is put in the place of a file: `$1` is the file, `$2` the victim.
const TRAPS: [(&str, &str); 6] = [
    ("a link to another's file", "ln -sfn \"$2\" \"$1\""),
    ("a hard link to it", "ln -f \"$2\" \"$1\""),
    ("a pipe", "mkfifo \"$1\""),
    ("a folder", "mkdir \"$1\""),
    ("a link to itself", "ln -sfn \"$1\" \"$1\""),
    ("a device", "ln -sfn /dev/zero \"$1\""),
];

fn trap(host: &Host, script: &str, file: &Path, victim: &Victim) {
    let (file, victim) = (file.display(), victim.path());
    host.sh(&format!("set -- '{file}' '{victim}'; rm -rf \"$1\"; {script}"));
}

/// Each trap for that file, and commands that walk into it. Lost: another's file is changed, or it hangs.
fn walk(
    row: &mut Row,
    on: On,
    name: &str,
    words: &[&str],
    file: impl Fn(&Host) -> std::path::PathBuf,
) {
    for (what, script) in TRAPS {
        let host = Host::of(on);
        let victim = Victim::new(&format!("{name}-{}", what.replace([' ', '\''], "-")));
        for words in words {
            trap(&host, script, &file(&host), &victim);
            let (began, words) =
                (Instant::now(), words.replace("FILE", &file(&host).display().to_string()));
            let said = host.ck_under(&format!("timeout {}", HANGS.as_secs()), &words);
            let hung = began.elapsed() >= HANGS || said.code == 124;
            row.one(!hung && victim.is_well() && !said.stderr.contains("panicked"), || {
                format!("{name} is {what}: {words}: hung {hung}, {said:?}")
            });
        }
    }
}

#[test]
fn nothing_in_the_place_of_a_file_is_followed() {
    let mut row = Row::new(
        "links, pipes, folders and devices in the place of state, lock, settings and report",
        "commands",
    );
    walk(&mut row, On::Nft, "state", &["--backend auto apply", "diff"], Host::state);
    walk(&mut row, On::Legacy, "lock", &["--backend legacy --lock-wait 1s apply"], Host::lock);
    walk(&mut row, On::Nft, "config", &["--config FILE config check"], |host| {
        host.state().with_file_name("c.toml")
    });
    walk(&mut row, On::Nft, "kubelet", &["--kubelet-config FILE config check"], |host| {
        host.state().with_file_name("k.yaml")
    });
    walk(&mut row, On::Nft, "report", &["report FILE"], |host| {
        host.state().with_file_name("report.txt")
    });
    row.end("");
}

/// Names of files that are not in their place yet, made by somebody before. Lost: one of them was written through.
/// And of two starts: a new file that may have been there before (no `O_EXCL`), or a name that both have used.
#[test]
fn no_name_of_a_new_file_is_foreseen() {
    let mut row =
        Row::new("files made beforehand under the names that new ones could have", "files");
    // In legacy it is remembered what was made.
    let host = Host::of(On::Legacy);
    let victim = Victim::new("foreseen");
    let names = ["chainkeeper.sock.new", ".state.json.", "state.json.lock", "state.json.new"];
    for name in names {
        symlink(victim.path(), host.state().with_file_name(name)).expect("the host's folder");
    }
    let _run = service(&host, "");
    // Once they are in place.
    let written = || std::fs::read_to_string(host.state()).is_ok_and(|text| text.contains("KUBE-"));
    row.one(comes_true(BOUND, written), || "nothing was written".into());
    for name in names {
        row.one(victim.is_well(), || name.into());
    }
    let mut known: Vec<String> = Vec::new();
    for _ in 0..2 {
        let made = made();
        row.one(!made.is_empty(), || "no new file was made".into());
        for call in made {
            let name = call.split('"').nth(1).unwrap_or_default();
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            row.one(call.contains("O_EXCL") && !known.contains(&name), || {
                format!("{call}, after {known:?}")
            });
            known.push(name);
        }
    }
    row.end(&format!("of two starts: {}", known.join(", ")));
}

/// The calls by which a start makes the new file of its state, on a host of its own.
fn made() -> Vec<String> {
    let host = Host::of(On::Legacy);
    let log = host.state().with_file_name("calls");
    let strace = format!("strace -f -qq -e trace=openat,open -o {}", log.display());
    let said = host.ck_under(&strace, "apply");
    assert_eq!(said.code, 0, "{said:?}");
    let calls = std::fs::read_to_string(log).expect("strace wrote it");
    let folder = host.state().with_file_name("").display().to_string();
    let is_new =
        |line: &&str| line.contains(&folder) && line.contains("O_CREAT") && line.contains(".state");
    calls.lines().filter(is_new).map(str::to_owned).collect()
}

/// Somebody who may write to the folder of the socket changes what is at its names all the time, while we start. Lost:
/// the mode or text of another's file has changed, or the chains were not kept.
#[test]
fn who_owns_the_folder_of_the_socket_gains_no_file() {
    let mut row = Row::new(
        "starts in a folder where somebody puts links at the names of the socket",
        "starts",
    );
    let victim = Victim::new("socket");
    // Each `bind` ends 50 ms late: there is time for them in any case.
    let slow =
        format!("-D -f -o /dev/null -e trace=bind -e inject=bind:delay_exit=50000 {PROGRAM} run");
    for n in 0..many(3, 20) {
        let host = Host::new();
        let (new, stop) = (host.socket().with_extension("sock.new"), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let aside = host.socket().with_extension("link");
                while !stop.load(Ordering::Relaxed) {
                    let bound =
                        std::fs::symlink_metadata(&new).is_ok_and(|found| !found.is_symlink());
                    // In the place of what has just been bound; now and then all the time.
                    if bound || n % 3 == 2 {
                        let _ = symlink(victim.path(), &aside);
                        let _ = std::fs::rename(&aside, &new);
                    }
                }
            });
            let run = host.start("strace", &slow);
            let keeps = comes_true(20, || host.ck("diff").code == 0);
            std::thread::sleep(Duration::from_millis(300));
            stop.store(true, Ordering::Relaxed);
            row.one(keeps && victim.is_well(), || format!("start {n}: {keeps}, {}", run.journal()));
        });
    }
    row.end("");
}

/// Lost: a planted socket, file or link was taken away, or keeps the service from its work.
#[test]
fn what_was_planted_at_the_socket_is_nobodys_gain() {
    let mut row = Row::new("another's socket, file, link and pipe at the path of ours", "starts");
    for (what, script) in TRAPS.into_iter().chain([("a socket", "")]) {
        let host = Host::new();
        let victim = Victim::new(&format!("planted-{}", what.replace([' ', '\''], "-")));
        let _listener = match script {
            "" => Some(std::os::unix::net::UnixListener::bind(host.socket()).expect("free")),
            script => {
                trap(&host, script, &host.socket(), &victim);
                None
            }
        };
        let run = service(&host, "");
        let said = comes(&run);
        host.sh("iptables-nft -t nat -F KUBE-MARK-MASQ");
        let mended = comes_true(20, || host.ck("diff").code == 0);
        row.one(said && mended && victim.is_well(), || {
            format!("{what}: mended {mended}: {}", run.journal())
        });
    }
    row.end("");
}

fn comes(run: &Running) -> bool {
    comes_true(10, || run.journal().contains("no answers to `status`"))
}
