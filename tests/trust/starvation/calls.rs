//! System calls that fail, by strace(1), in every thread of the service and for as long as it is so.
use super::super::{Row, short};
use super::{Service, Tally, on_both};
use crate::support::{On, Running, eventually};
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
struct Failing(Running);

impl Failing {
    fn of(service: &Service, calls: &str, how: &str) -> Failing {
        let threads =
            std::fs::read_dir(format!("/proc/{}/task", service.run.pid())).expect("it runs");
        let threads: Vec<String> = threads
            .map(|t| format!("-p {}", t.expect("a thread").file_name().to_string_lossy()))
            .collect();
        let inject = format!("-e trace={calls} -e inject={calls}:error={how}");
        let words = format!("-o /dev/null {inject} {}", threads.join(" "));
        let strace = service.host.start("strace", &words);
        let all = threads.len();
        eventually("strace watches", || strace.journal().matches("attached").count() == all);
        Failing(strace)
    }
}

impl Drop for Failing {
    /// Killed, it would leave them as they were only after a while.
    fn drop(&mut self) {
        self.0.signal("INT");
        self.0.ended();
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
    let tally = Tally::default();
    let row = on_both(row, |on, row| {
        let mut service = Service::new(on, "--metrics-bind-address 9253");
        // In CI every other one on the one, the rest on the other.
        let (first, step) = if short() { (usize::from(on == On::Legacy), 2) } else { (0, 1) };
        for (calls, how, says) in all.iter().skip(first).step_by(step) {
            let (name, length) = (format!("{calls} {how}"), Duration::from_millis(700));
            service.lacks(row, &name, says, length, |s| Failing::of(s, calls, how));
        }
        tally.of(&service);
        service.stops(row);
    });
    row.end(&format!("both backends; {}", tally.notes()));
}
