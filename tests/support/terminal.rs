//! Chainkeeper on a terminal of 80 columns.
use super::{Host, PROGRAM};
use nix::pty::{Winsize, openpty};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

impl Host {
    /// Runs chainkeeper with these words under `before` and with that in its environment. Its exit code, and
    /// all that is to be seen.
    pub(crate) fn on_terminal(
        &self,
        before: &str,
        words: &str,
        more: &[(&str, &str)],
    ) -> (i32, String) {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal");
        let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("a descriptor"));
        let mut shell = Command::new("sh");
        shell.args(["-ec", &format!("exec {before} {PROGRAM} {words}")]);
        self.environment(&mut shell);
        shell.env("PATH", self.search_path()).env("TERM", "xterm").env_remove("NO_COLOR");
        shell.envs(more.iter().copied());
        shell.stdin(end(&pty.slave)).stdout(end(&pty.slave)).stderr(end(&pty.slave));
        let mut child = self.inside(|| shell.spawn().expect("it starts"));
        // Ours are closed, so that reading ends with the child.
        drop((shell, pty.slave));
        let (mut shown, mut buffer, mut master) = (Vec::new(), [0; 4096], File::from(pty.master));
        while let Ok(n @ 1..) = master.read(&mut buffer) {
            shown.extend_from_slice(&buffer[..n]);
        }
        let code = child.wait().expect("it is our child").code().unwrap_or(-1);
        (code, String::from_utf8_lossy(&shown).replace("\r\n", "\n"))
    }
}
