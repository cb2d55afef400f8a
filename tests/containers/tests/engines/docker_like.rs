//! What podman and Docker understand alike.
use super::{Talks, Want};
use crate::node::{Node, Said, said};
use std::process::Command;

/// One of the two.
pub(super) trait DockerLike {
    fn node(&self) -> &Node;
    /// Its client, at this node's own engine.
    fn command(&self) -> Command;
    /// Its own words for a container like that.
    fn own(&self, want: &Want) -> Vec<&'static str>;
    fn is_healthy(&self, name: &str) -> bool;
}

impl<T: DockerLike> Talks for T {
    fn run(&self, name: &str, want: &Want, detached: bool) -> Command {
        let mut command = self.command();
        command.args(["run", "--name", name, "--cap-drop=ALL"]);
        command.arg(if detached { "--detach" } else { "--rm" });
        command.args(want.capabilities.iter().map(|capability| format!("--cap-add={capability}")));
        command.args(want.environment.iter().map(|set| format!("--env={set}")));
        command.args(want.user.map(|user| format!("--user={user}")));
        command.args(want.no_new_privs.then_some("--security-opt=no-new-privileges"));
        command.args(want.read_only.then_some("--read-only"));
        // Both run in the node's network themselves.
        command.arg(if want.host_network { "--network=host" } else { "--network=none" });
        command.args(want.host_pid.then_some("--pid=host"));
        command.args(want.program.map(|program| format!("--entrypoint={program}")));
        for (from, to, read_only) in want.mounts(self.node()) {
            let end = if read_only { ":ro" } else { "" };
            command.args(["--volume", &format!("{from}:{to}{end}")]);
        }
        command.args(self.own(want)).arg(want.tag()).args(want.words.split_whitespace());
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
        let state = ["inspect", "--format={{.State.Running}}", name];
        said(self.command().args(state)).stdout.trim() == "true"
    }

    fn is_healthy(&self, name: &str) -> bool {
        DockerLike::is_healthy(self, name)
    }

    fn load(&self, archive: &str) -> Said {
        said(self.command().args(["load", "--quiet", "--input", archive]))
    }
}
