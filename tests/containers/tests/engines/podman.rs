//! podman with runc.
use super::{Talks, Want};
use crate::node::{Node, Said, said};
use std::process::Command;

pub(super) struct Podman<'n>(&'n Node);

impl<'n> Podman<'n> {
    pub(super) fn start(node: &'n Node) -> Self {
        Podman(node)
    }

    fn command(&self) -> Command {
        let mut command = self.0.command("podman");
        let (root, run) = (self.0.path("podman"), self.0.path("podman-run"));
        command.args(["--root", &root, "--runroot", &run, "--storage-driver", "vfs"]);
        // crun refuses cgroups of both versions side by side.
        command.args(["--runtime", "/usr/sbin/runc", "--cgroup-manager=cgroupfs"]);
        command
    }
}

impl Drop for Podman<'_> {
    /// One without the node's network would outlive the node.
    fn drop(&mut self) {
        said(self.command().args(["rm", "--all", "--force", "--time=0"]));
    }
}

impl Talks for Podman<'_> {
    fn run(&self, name: &str, want: &Want, detached: bool) -> Command {
        let mut command = self.command();
        command.args(["run", "--name", name, "--cap-drop=all"]);
        command.args(if detached { ["--detach"] } else { ["--rm"] });
        command.args(want.capabilities.iter().map(|capability| format!("--cap-add={capability}")));
        command.args(want.environment.iter().map(|set| format!("--env={set}")));
        command.args(want.user.map(|user| format!("--user={user}")));
        command.args(want.no_new_privs.then_some("--security-opt=no-new-privileges"));
        if want.read_only {
            command.args(["--read-only", "--read-only-tmpfs=false"]);
        }
        // podman runs in the node's network itself.
        command.arg(if want.host_network { "--network=host" } else { "--network=none" });
        command.args(want.host_pid.then_some("--pid=host"));
        command.args(want.program.map(|program| format!("--entrypoint={program}")));
        command.args(want.mapped.then_some("--uidmap=0:100000:65536"));
        for (from, to, read_only) in want.mounts(self.0) {
            let end = if read_only { ":ro" } else { "" };
            command.args(["--volume", &format!("{from}:{to}{end}")]);
        }
        // Where root lacks CAP_SYS_RESOURCE it may not raise them to podman's own.
        command.args(["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]);
        command.args(["--cgroup-parent=/chainkeeper-image-test"]);
        command
            .arg(format!("docker.io/library/{}", want.tag()))
            .args(want.words.split_whitespace());
        command
    }

    fn exec(&self, name: &str) -> Command {
        let mut command = self.command();
        command.args(["exec", name]);
        command
    }

    fn logs(&self, name: &str) -> String {
        let said = said(self.command().args(["logs", name]));
        said.stdout + &said.stderr
    }

    fn stop(&self, name: &str) -> i32 {
        said(self.command().args(["stop", "--time=10", name]));
        let code = said(self.command().args(["wait", name])).stdout;
        said(self.command().args(["rm", "--force", name]));
        code.trim().parse().expect("an exit code")
    }

    fn is_running(&self, name: &str) -> bool {
        said(self.command().args(["inspect", "--format={{.State.Running}}", name])).stdout.trim()
            == "true"
    }

    fn is_healthy(&self, name: &str) -> bool {
        said(self.command().args(["healthcheck", "run", name])).code == 0
    }

    fn load(&self, archive: &str) -> Said {
        said(self.command().args(["load", "--quiet", "--input", archive]))
    }
}
