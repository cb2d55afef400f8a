//! A second witness of what is committed on a node: `nft monitor`.
use crate::node::{Node, eventually};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// All commits on a node, from its making on.
pub(crate) struct Commits<'n> {
    node: &'n Node,
    file: PathBuf,
    monitor: Child,
}

/// How a table is called that is made to be seen: nobody looks into that family.
const MARK: &str = "add table netdev ";

impl<'n> Commits<'n> {
    pub(crate) fn of(node: &'n Node) -> Commits<'n> {
        let file = node.folder.join(format!("commits-{}", number()));
        let mut monitor = node.command("nft");
        monitor.arg("monitor").stdin(Stdio::null()).stdout(File::create(&file).unwrap());
        let commits =
            Commits { node, file, monitor: monitor.spawn().expect("the package nftables") };
        eventually("nft monitor listens", || {
            commits.mark();
            !fs::read_to_string(&commits.file).unwrap().is_empty()
        });
        commits
    }

    /// What was changed, and after each change by whom, line by line. A mark that is seen tells that all before it was.
    pub(crate) fn so_far(&self) -> Vec<String> {
        let end = format!("{MARK}{}\n# new generation", self.mark());
        let read = || fs::read_to_string(&self.file).unwrap();
        eventually("nft monitor sees it", || read().contains(&end));
        let text = read();
        let mut lines = text.lines();
        let mut found = vec![];
        while let Some(line) = lines.next() {
            if line.starts_with(MARK) {
                lines.next();
            } else {
                found.push(line.to_owned());
            }
        }
        found
    }

    fn mark(&self) -> String {
        let name = format!("mark{}", number());
        self.node.sh(&format!("nft {MARK}{name}"));
        name
    }
}

impl Drop for Commits<'_> {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}

fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
