//! A program that is left running beside the test.
use super::eventually;
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
