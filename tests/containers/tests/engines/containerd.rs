//! containerd, by its own client `ctr`. What it hands over is what Kubernetes' containers get: no ambient
//! capabilities, no_new_privs unless allowed, the default seccomp profile.
use super::{Talks, Want, load_all};
use crate::node::{Node, Said, eventually, said};
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// What ctr gives to a container by default (containerd 1.6, oci/spec.go).
const DEFAULT: [&str; 14] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];

pub(super) struct Containerd<'n> {
    node: &'n Node,
    daemon: Child,
}

impl<'n> Containerd<'n> {
    pub(super) fn start(node: &'n Node) -> Self {
        std::fs::write(
            node.folder.join("containerd.toml"),
            "version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n",
        )
        .unwrap();
        let mut containerd = node.command("containerd");
        containerd.args([
            "--config",
            &node.path("containerd.toml"),
            "--root",
            &node.path("containerd"),
        ]);
        containerd.args([
            "--state",
            &node.path("containerd-run"),
            "--address",
            &node.path("containerd.sock"),
        ]);
        containerd.stdin(Stdio::null()).stdout(Stdio::null());
        containerd.stderr(File::create(node.folder.join("containerd.log")).unwrap());
        let containerd =
            Containerd { node, daemon: containerd.spawn().expect("the package containerd") };
        eventually("containerd is ready", || said(containerd.command().arg("version")).code == 0);
        load_all(&containerd);
        containerd
    }

    fn command(&self) -> Command {
        let mut command = Command::new("ctr");
        command.args(["--address", &self.node.path("containerd.sock")]);
        command.args(["--namespace", "chainkeeper-image-test"]);
        command
    }
}

impl Drop for Containerd<'_> {
    fn drop(&mut self) {
        said(Command::new("kill").arg(self.daemon.id().to_string()));
        let _ = self.daemon.wait();
    }
}

impl Talks for Containerd<'_> {
    fn run(&self, name: &str, want: &Want, detached: bool) -> Command {
        let mut command = self.command();
        command.args(["run", "--seccomp"]);
        if detached {
            command.args(["--detach", "--log-uri", &format!("file://{}", self.node.path(name))]);
        } else {
            command.arg("--rm");
        }
        let dropped = DEFAULT.iter().filter(|name| !want.capabilities.contains(name));
        command.args(dropped.map(|capability| format!("--cap-drop=CAP_{capability}")));
        let added = want.capabilities.iter().filter(|name| !DEFAULT.contains(name));
        command.args(added.map(|capability| format!("--cap-add=CAP_{capability}")));
        command.args(want.environment.iter().map(|set| format!("--env={set}")));
        command.args(want.user.map(|user| format!("--user={user}")));
        command.args((!want.no_new_privs).then_some("--allow-new-privs"));
        command.args(want.read_only.then_some("--read-only"));
        if want.host_network {
            command.args(["--with-ns", &format!("network:{}", self.node.netns())]);
        }
        if want.host_pid {
            command.args(["--with-ns", "pid:/proc/1/ns/pid"]);
        }
        if want.mapped {
            command.args(["--uidmap=0:100000:65536", "--gidmap=0:100000:65536"]);
        }
        for (from, to, read_only) in want.mounts(self.node) {
            let mode = if read_only { "ro" } else { "rw" };
            command
                .args(["--mount", &format!("type=bind,src={from},dst={to},options=rbind:{mode}")]);
        }
        command
            .arg(format!("docker.io/library/{}", want.tag()))
            .args([name, want.program.unwrap_or("/chainkeeper")]);
        command.args(want.words.split_whitespace());
        command
    }

    fn exec(&self, name: &str) -> Command {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mut command = self.command();
        let id = format!("e{}", NEXT.fetch_add(1, Ordering::Relaxed));
        command.args(["tasks", "exec", "--exec-id", &id, name]);
        command
    }

    fn logs(&self, name: &str) -> String {
        std::fs::read_to_string(self.node.folder.join(name)).unwrap_or_default()
    }

    fn stop(&self, name: &str) -> i32 {
        said(self.command().args(["tasks", "kill", "--signal", "SIGTERM", name]));
        eventually("it ends", || !self.is_running(name));
        // It ends with the exit code of the task.
        let code = said(self.command().args(["tasks", "delete", name])).code;
        said(self.command().args(["containers", "delete", name]));
        code
    }

    fn is_running(&self, name: &str) -> bool {
        let listed = said(self.command().args(["tasks", "ls"])).stdout;
        let is = |line: &str| line.starts_with(&format!("{name} ")) && line.contains("RUNNING");
        listed.lines().any(is)
    }

    fn load(&self, archive: &str) -> Said {
        said(self.command().args(["images", "import", archive]))
    }
}
