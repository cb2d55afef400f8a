//! containerd, by its own client `ctr`. What it hands over is what Kubernetes' containers get: no ambient
//! capabilities, no_new_privs unless allowed, the default seccomp profile.
use super::daemon::Daemon;
use super::{Talks, Want};
use crate::node::{Node, Said, eventually, said};
use std::path::PathBuf;
use std::process::Command;
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
    _daemon: Daemon,
}

impl<'n> Containerd<'n> {
    pub(super) fn start(node: &'n Node) -> Self {
        let settings = "version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n";
        std::fs::write(node.folder.join("containerd.toml"), settings).unwrap();
        let places = [
            ("--config", "containerd.toml"),
            ("--root", "containerd"),
            ("--state", "containerd-run"),
            ("--address", "containerd.sock"),
        ];
        let _daemon = Daemon::start(node, "containerd", &places, &[]);
        let containerd = Containerd { node, _daemon };
        eventually("containerd is ready", || said(containerd.command().arg("version")).code == 0);
        containerd
    }

    /// The image for that user: ctr itself can name none.
    fn image(&self, want: &Want) -> String {
        let Some(user) = want.user else { return want.tag() };
        let image = format!("{}-of-{}", want.tag(), user.replace(':', "-"));
        let folder = self.node.folder.join("as-user");
        let script = format!(
            "rm -rf $0; mkdir $0; cd $0; tar -xf {}
             config=$(jq -r '.[0].Config' manifest.json)
             jq '.config.User = \"{user}\"' $config >changed; mv changed $config
             jq '.[0].RepoTags = [\"{image}\"]' manifest.json >changed; mv changed manifest.json
             tar -cf ../as-user.tar *",
            want.archive()
        );
        let made = said(Command::new("sh").args(["-ec", &script]).arg(&folder));
        assert_eq!(made.code, 0, "{made:?}");
        let loaded = self.load(&self.node.path("as-user.tar"));
        assert_eq!(loaded.code, 0, "{loaded:?}");
        image
    }

    /// What a container in the background has printed, and its exit code once it has ended.
    fn files(&self, name: &str) -> [PathBuf; 2] {
        ["log", "code"].map(|end| self.node.folder.join(format!("{name}.{end}")))
    }

    fn command(&self) -> Command {
        // In the node's network, with which it ends.
        let mut command = self.node.command("ctr");
        command.args(["--address", &self.node.path("containerd.sock")]);
        command.args(["--namespace", "chainkeeper-image-test"]);
        command
    }
}

impl Drop for Containerd<'_> {
    /// A container without the node's network would outlive the node.
    fn drop(&mut self) {
        let running = said(self.command().args(["tasks", "ls", "--quiet"])).stdout;
        for name in running.split_whitespace() {
            said(self.command().args(["tasks", "kill", "--signal", "SIGKILL", name]));
        }
    }
}

impl Talks for Containerd<'_> {
    fn run(&self, name: &str, want: &Want, detached: bool) -> Command {
        let mut command = self.command();
        if detached {
            // ctr knows the exit code only of a container that it waits for.
            let [log, code] = self.files(name);
            let script = "log=$1 code=$2; shift 2
                          { \"$@\" >$log 2>&1 </dev/null; echo $? >$code; } >/dev/null 2>&1 &";
            let ctr = command;
            command = Command::new("sh");
            command
                .args(["-c", script, "sh"])
                .args([log, code])
                .arg(ctr.get_program())
                .args(ctr.get_args());
        }
        command.args(["run", "--rm", "--seccomp"]);
        let dropped = DEFAULT.iter().filter(|name| !want.capabilities.contains(name));
        command.args(dropped.map(|capability| format!("--cap-drop=CAP_{capability}")));
        let added = want.capabilities.iter().filter(|name| !DEFAULT.contains(name));
        command.args(added.map(|capability| format!("--cap-add=CAP_{capability}")));
        command.args(want.environment.iter().map(|set| format!("--env={set}")));
        command.args((!want.no_new_privs).then_some("--allow-new-privs"));
        command.args(want.read_only.then_some("--read-only"));
        if want.host_network {
            command.args(["--with-ns", &format!("network:{}", self.node.netns())]);
        }
        assert!(!want.host_pid && !want.mapped, "ctr cannot: see `Kind::can`");
        for (from, to, read_only) in want.mounts(self.node) {
            let mode = if read_only { "ro" } else { "rw" };
            command
                .args(["--mount", &format!("type=bind,src={from},dst={to},options=rbind:{mode}")]);
        }
        let program = want.program.unwrap_or("/chainkeeper");
        command.arg(self.image(want)).args([name, program]);
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
        std::fs::read_to_string(&self.files(name)[0]).unwrap_or_default()
    }

    fn stop(&self, name: &str) -> i32 {
        said(self.command().args(["tasks", "kill", "--signal", "SIGTERM", name]));
        eventually("it ends", || !self.is_running(name));
        let code = std::fs::read_to_string(&self.files(name)[1]).unwrap();
        code.trim().parse().expect("an exit code")
    }

    fn is_running(&self, name: &str) -> bool {
        // Made first, and filled then.
        std::fs::read_to_string(&self.files(name)[1]).unwrap_or_default().is_empty()
    }

    /// It has no health check: what Kubernetes' manifest asks.
    fn is_healthy(&self, name: &str) -> bool {
        said(self.exec(name).args(["/chainkeeper", "check", "--live"])).code == 0
    }

    fn load(&self, archive: &str) -> Said {
        said(self.command().args(["images", "import", archive]))
    }
}
