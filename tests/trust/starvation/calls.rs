//! System calls that fail, by strace(1), in every thread of the service and for as long as it is so.
use super::super::{Row, short};
use super::{Service, Tally, on_both};
use crate::support::{ADDRESS, On, PROGRAM, Running, eventually};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Calls, how they fail, and words for it. Where no words are given it gets by without.
const LACKS: [(&str, &str, &[&str]); 21] = [
    ("socket,recvfrom,recvmsg", "ENOMEM", &["ENOMEM", "annot allocate memory"]),
    ("socket,recvfrom,recvmsg", "ENOBUFS", &["ENOBUFS", "No buffer space"]),
    ("socket,recvfrom,recvmsg", "EMFILE", &["EMFILE", "Too many open files"]),
    ("setsockopt", "ENOMEM", &[]),
    ("bind", "ENOMEM", &[]),
    ("sendto,sendmsg", "ENOBUFS", &[]),
    ("sendto,sendmsg", "ENOMEM", &[]),
    ("recvfrom,recvmsg", "ENOBUFS", &[]),
    ("recvfrom,recvmsg", "ENOMEM", &[]),
    ("openat", "EMFILE", &["Too many open files"]),
    ("openat", "ENFILE", &["Too many open files in system"]),
    ("openat", "ENOMEM", &["Cannot allocate memory"]),
    ("epoll_ctl", "ENOMEM", &[]),
    ("epoll_ctl", "ENOSPC", &[]),
    ("clone,clone3,vfork", "EAGAIN", &["Resource temporarily unavailable"]),
    ("clone,clone3,vfork", "ENOMEM", &["Cannot allocate memory", "temporarily unavailable"]),
    ("timerfd_settime", "ENOMEM", &[]),
    ("accept4", "ENOBUFS", &[]),
    ("getsockopt", "ENOMEM", &[]),
    ("flock", "ENOLCK", &[]),
    ("memfd_create", "ENFILE", &[]),
];

/// Calls that are interrupted, every other time. No `write`: nothing interrupts that of tokio's eventfd, which never
/// waits, and the journal waits for nobody.
const INTERRUPTED: [&str; 10] = [
    "recvfrom,recvmsg",
    "sendto,sendmsg",
    "socket,bind,setsockopt",
    "openat,close",
    "read",
    "epoll_wait,epoll_pwait",
    "poll,ppoll",
    "wait4,waitid",
    "flock,fsync,renameat,rename",
    "clock_nanosleep,nanosleep,futex",
];

/// From now on all its threads' calls fail so, until that is dropped.
struct Failing {
    strace: Running,
    /// Who asks it something meanwhile, so that it comes to calls that it makes for nobody else.
    _asking: (Running, std::io::Result<TcpStream>),
}

impl Failing {
    fn of(service: &Service, calls: &str, how: &str) -> Failing {
        let threads =
            std::fs::read_dir(format!("/proc/{}/task", service.run.pid())).expect("it runs");
        let threads: Vec<String> = threads
            .map(|t| format!("-p {}", t.expect("a thread").file_name().to_string_lossy()))
            .collect();
        let inject = format!("-e trace={calls} -e inject={calls}:error={how}");
        let words = format!("-o {} {inject} {}", log(service).display(), threads.join(" "));
        let strace = service.host.start("strace", &words);
        // Some threads only live for a while, and may be gone already.
        let watched = |said: String| {
            said.matches("attached").count() + said.matches("ptrace(PTRACE_").count()
        };
        eventually("strace watches", || watched(strace.journal()) == threads.len());
        let scrape = service.host.visit(ADDRESS);
        let scrape = scrape.and_then(|mut stream| {
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").map(|()| stream)
        });
        Failing { strace, _asking: (service.host.start(PROGRAM, "status"), scrape) }
    }
}

/// What strace(1) writes of it.
fn log(service: &Service) -> PathBuf {
    service.host.state().with_file_name("strace.log")
}

impl Drop for Failing {
    /// Killed, it would leave them as they were only after a while.
    fn drop(&mut self) {
        self.strace.signal("INT");
        self.strace.ended();
    }
}

/// Lost: not repaired once they succeed again, a panic, a spin, an end without a documented code, not said.
#[test]
fn memory_descriptors_buffers_and_threads_that_are_refused() {
    let what = "system calls refused for want of memory, descriptors, buffers or threads";
    attacked(Row::new(what, "refusals"), &LACKS.map(|(calls, how, says)| (calls, how, says)));
}

/// Lost: the same.
#[test]
fn calls_that_are_interrupted_again_and_again() {
    let every_other = INTERRUPTED.map(|calls| (calls, "EINTR:when=1+2", &[] as &[&str]));
    attacked(
        Row::new("every other system call of a kind interrupted (EINTR)", "kinds"),
        &every_other,
    );
}

fn attacked(row: Row, all: &[(&str, &str, &[&str])]) {
    let (tally, missed) = (Tally::default(), Mutex::new(Vec::new()));
    let called = AtomicUsize::new(0);
    let row = on_both(row, |on, row| {
        let mut service = Service::new(on, "--metrics-bind-address 9253");
        // In CI every other one on the one, the rest on the other.
        let (first, step) = if short() { (usize::from(on == On::Legacy), 2) } else { (0, 1) };
        for (calls, how, says) in all.iter().skip(first).step_by(step) {
            let (name, length) = (format!("{calls} {how}"), Duration::from_millis(700));
            let mut one = Row::new("", "");
            service.lacks(&mut one, &name, says, length, |s| Failing::of(s, calls, how));
            // What it did not call was not refused.
            match std::fs::read_to_string(log(&service)).expect("strace wrote it") {
                log if log.contains("(INJECTED)") => {
                    called.fetch_add(1, Ordering::Relaxed);
                    row.add(one);
                }
                _ => missed.lock().expect("no panic").push(format!("{name} ({})", on.name())),
            }
        }
        tally.of(&service);
        service.stops(row);
    });
    let missed = missed.into_inner().expect("no panic");
    println!("not called: {missed:#?}");
    let called = called.into_inner();
    assert!(called >= missed.len(), "{called} were called, and these were not: {missed:#?}");
    row.end(&format!("both backends; {}; {} not called", tally.notes(), missed.len()));
}
