//! A program that is left running beside the test.
use super::eventually;
use std::fs::{DirEntry, read_dir, read_to_string};
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

/// A program that runs until it is told to stop. Dropping it kills it, and nothing else.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    journal: Arc<Mutex<String>>,
}

impl Running {
    pub(super) fn new(mut child: Child) -> Running {
        let journal = Arc::new(Mutex::new(String::new()));
        let mut pipe = child.stderr.take().expect("stderr is piped");
        let written = Arc::clone(&journal);
        // Ends with the pipe, that is with the child.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..n]);
                written.lock().expect("journal").push_str(&text);
            }
        });
        Running { child, journal }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its threads: the kernel's names, and numbers.
    pub(crate) fn threads(&self) -> Vec<(String, u32)> {
        let folder = format!("/proc/{}/task", self.pid());
        let number = |task: DirEntry| task.file_name().to_str()?.parse().ok();
        let tasks = read_dir(&folder).expect("it runs").map(|task| task.expect("it runs"));
        let name = |tid: &u32| read_to_string(format!("{folder}/{tid}/comm"));
        let named = |tid| Some((name(&tid).ok()?.trim_end().to_owned(), tid)); // some come and go
        tasks.filter_map(number).filter_map(named).collect()
    }

    /// The one with that name.
    pub(crate) fn thread(&self, name: &str) -> u32 {
        let found = self.threads().into_iter().find(|(named, _)| named == name);
        found.unwrap_or_else(|| panic!("no thread {name}")).1
    }

    /// How many descriptors it has; none once it has ended.
    pub(crate) fn descriptors(&self) -> usize {
        read_dir(format!("/proc/{}/fd", self.pid())).map_or(0, Iterator::count)
    }

    /// A number that the kernel tells of it, such as `VmRSS`.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.number_of(self.pid(), name)
    }

    /// The same of one of its threads.
    pub(crate) fn number_of(&self, thread: u32, name: &str) -> u64 {
        let status = format!("/proc/{}/task/{thread}/status", self.pid());
        let status = read_to_string(status).expect("it runs");
        let value = status.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
        let value = value.expect("it has one").trim().trim_end_matches(" kB");
        value.parse().expect("a number")
    }

    /// What it wrote to standard error so far.
    pub(crate) fn journal(&self) -> String {
        self.journal.lock().expect("journal").clone()
    }

    /// Writes a line to its standard input.
    pub(crate) fn tell(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is piped");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("it reads");
    }

    /// Sends it a signal, by its pid.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let kill = Command::new("sh").args(["-c", "kill -$0 $1", name, &pid]).status();
        assert!(kill.expect("sh").success(), "kill -{name} {pid}");
    }

    /// It has ended by itself, or was killed.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_some()
    }

    /// Waits until it ends by itself, and says how: the exit code, or -1 for a signal.
    pub(crate) fn ended(&mut self) -> i32 {
        let mut status = None;
        eventually("the program ends", || {
            status = self.child.try_wait().expect("it is our child");
            status.is_some()
        });
        status.and_then(|s| s.code()).unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
