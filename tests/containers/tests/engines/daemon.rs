//! The daemon of an engine, of one node and as long as its value lives.
use crate::node::{Node, said};
use std::fs::File;
use std::process::{Child, Command, Stdio};

pub(super) struct Daemon(Child);

impl Daemon {
    /// Starts it in the node's network. `places`: options, and the node's file or folder for each.
    pub(super) fn start(
        node: &Node,
        program: &str,
        places: &[(&str, &str)],
        more: &[&str],
    ) -> Self {
        let mut command = node.command(program);
        for (option, name) in places {
            command.args([option, node.path(name).as_str()]);
        }
        let log = File::create(node.folder.join(format!("{program}.log"))).unwrap();
        command.args(more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Daemon(command.spawn().unwrap_or_else(|e| panic!("{program}: {e}")))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        said(Command::new("kill").arg(self.0.id().to_string()));
        let _ = self.0.wait();
    }
}
