//! podman with runc.
use super::Want;
use super::docker_like::DockerLike;
use crate::node::{Node, said};
use std::process::Command;

pub(super) struct Podman<'n>(pub(super) &'n Node);

impl Drop for Podman<'_> {
    /// A container without the node's network would outlive the node.
    fn drop(&mut self) {
        said(self.command().args(["rm", "--all", "--force", "--time=0"]));
    }
}

impl DockerLike for Podman<'_> {
    fn node(&self) -> &Node {
        self.0
    }

    fn command(&self) -> Command {
        let mut command = self.0.command("podman");
        let (root, run) = (self.0.path("podman"), self.0.path("podman-run"));
        command.args(["--root", &root, "--runroot", &run, "--storage-driver", "vfs"]);
        // crun refuses cgroups of both versions side by side.
        command.args(["--runtime", "/usr/sbin/runc", "--cgroup-manager=cgroupfs"]);
        command
    }

    fn own(&self, want: &Want) -> Vec<&'static str> {
        let mut words = vec!["--cgroup-parent=/chainkeeper-image-test", "--read-only-tmpfs=false"];
        // Where root lacks CAP_SYS_RESOURCE it may not raise them to podman's own.
        words.extend(["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]);
        words.extend(want.mapped.then_some("--uidmap=0:100000:65536"));
        words
    }

    fn is_healthy(&self, name: &str) -> bool {
        said(self.command().args(["healthcheck", "run", name])).code == 0
    }
}
