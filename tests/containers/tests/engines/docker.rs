//! A dockerd whose host network is the node's.
use super::Want;
use super::daemon::Daemon;
use super::docker_like::DockerLike;
use crate::node::{Node, eventually, said};
use std::process::Command;

/// Debian's client, which fits Debian's dockerd.
const CLIENT: &str = "/usr/bin/docker";

pub(super) struct Docker<'n> {
    node: &'n Node,
    _daemon: Daemon,
}

impl<'n> Docker<'n> {
    pub(super) fn start(node: &'n Node) -> Self {
        let settings = "{\"cgroup-parent\": \"/chainkeeper-image-test\"}";
        std::fs::write(node.folder.join("daemon.json"), settings).unwrap();
        let host = format!("--host={}", address(node));
        let places = [
            ("--config-file", "daemon.json"),
            ("--data-root", "docker"),
            ("--exec-root", "docker-run"),
            ("--pidfile", "docker.pid"),
        ];
        let docker = Docker { node, _daemon: Daemon::start(node, "dockerd", &places, &[&host]) };
        eventually("dockerd is ready", || said(docker.command().arg("info")).code == 0);
        docker
    }
}

fn address(node: &Node) -> String {
    format!("unix://{}", node.path("docker.sock"))
}

/// The client of that node's engine.
pub(crate) fn client(node: &Node) -> Command {
    let mut command = Command::new(CLIENT);
    command.args(["--host", &address(node)]);
    command
}

impl Drop for Docker<'_> {
    /// A container without the node's network would outlive the node.
    fn drop(&mut self) {
        let running = said(self.command().args(["ps", "--quiet"])).stdout;
        if !running.trim().is_empty() {
            said(self.command().arg("kill").args(running.split_whitespace()));
        }
    }
}

impl DockerLike for Docker<'_> {
    fn node(&self) -> &Node {
        self.node
    }

    fn command(&self) -> Command {
        client(self.node)
    }

    fn own(&self, want: &Want) -> Vec<&'static str> {
        assert!(!want.mapped, "a setting of the daemon, not of a container: see `Kind::can`");
        // The health check of the image, at shorter times.
        vec!["--health-interval=1s", "--health-timeout=2s", "--health-retries=1"]
    }

    fn is_healthy(&self, name: &str) -> bool {
        let mut is = String::new();
        eventually("it was looked at", || {
            let state = ["inspect", "--format={{.State.Health.Status}}", name];
            is = said(self.command().args(state)).stdout;
            is.trim() != "starting"
        });
        is.trim() == "healthy"
    }
}
