//! A dockerd whose host network is the node's.
use super::{Talks, Want};
use crate::node::{Node, Said, eventually, said};
use std::fs::File;
use std::process::{Child, Command, Stdio};

/// Debian's client, which fits Debian's dockerd.
const CLIENT: &str = "/usr/bin/docker";

pub(super) struct Docker<'n> {
    node: &'n Node,
    daemon: Child,
}

impl<'n> Docker<'n> {
    pub(super) fn start(node: &'n Node) -> Self {
        let settings = "{\"cgroup-parent\": \"/chainkeeper-image-test\"}";
        std::fs::write(node.folder.join("daemon.json"), settings).unwrap();
        let mut dockerd = node.command("dockerd");
        dockerd.args([
            "--config-file",
            &node.path("daemon.json"),
            "--data-root",
            &node.path("docker"),
        ]);
        dockerd.args([
            "--exec-root",
            &node.path("docker-run"),
            "--pidfile",
            &node.path("docker.pid"),
        ]);
        dockerd.args(["--host", &format!("unix://{}", node.path("docker.sock"))]);
        dockerd.stdin(Stdio::null()).stdout(Stdio::null());
        dockerd.stderr(File::create(node.folder.join("docker.log")).unwrap());
        let docker = Docker { node, daemon: dockerd.spawn().expect("the package docker.io") };
        eventually("dockerd is ready", || said(docker.command().arg("info")).code == 0);
        docker
    }

    fn command(&self) -> Command {
        let mut command = Command::new(CLIENT);
        command.args(["--host", &format!("unix://{}", self.node.path("docker.sock"))]);
        command
    }
}

impl Drop for Docker<'_> {
    /// A container without the node's network would outlive the node.
    fn drop(&mut self) {
        let running = said(self.command().args(["ps", "--quiet"])).stdout;
        if !running.trim().is_empty() {
            said(self.command().arg("kill").args(running.split_whitespace()));
        }
        said(Command::new("kill").arg(self.daemon.id().to_string()));
        let _ = self.daemon.wait();
    }
}

impl Talks for Docker<'_> {
    fn run(&self, name: &str, want: &Want, detached: bool) -> Command {
        let mut command = self.command();
        command.args(["run", "--name", name, "--cap-drop=ALL"]);
        command.args(if detached { ["--detach"] } else { ["--rm"] });
        command.args(want.capabilities.iter().map(|capability| format!("--cap-add={capability}")));
        command.args(want.environment.iter().map(|set| format!("--env={set}")));
        command.args(want.user.map(|user| format!("--user={user}")));
        command.args(want.no_new_privs.then_some("--security-opt=no-new-privileges"));
        command.args(want.read_only.then_some("--read-only"));
        command.arg(if want.host_network { "--network=host" } else { "--network=none" });
        command.args(want.host_pid.then_some("--pid=host"));
        command.args(want.program.map(|program| format!("--entrypoint={program}")));
        assert!(!want.mapped, "a setting of the daemon, not of a container");
        for (from, to, read_only) in want.mounts(self.node) {
            let end = if read_only { ":ro" } else { "" };
            command.args(["--volume", &format!("{from}:{to}{end}")]);
        }
        // That of the image, at shorter times.
        command.args(["--health-interval=1s", "--health-timeout=2s", "--health-retries=1"]);
        command.arg(want.tag()).args(want.words.split_whitespace());
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
        let mut is = String::new();
        eventually("it was looked at", || {
            let asked =
                said(self.command().args(["inspect", "--format={{.State.Health.Status}}", name]));
            is = asked.stdout;
            is.trim() != "starting"
        });
        is.trim() == "healthy"
    }

    fn load(&self, archive: &str) -> Said {
        said(self.command().args(["load", "--quiet", "--input", archive]))
    }
}
