//! Chainkeeper with fewer rights.
use super::{Host, PROGRAM, Said};
use std::process::Command;

impl Host {
    /// Runs chainkeeper with these words under `setpriv` or the like.
    pub(crate) fn ck_under(&self, before: &str, words: &str) -> Said {
        let mut shell = Command::new("sh");
        shell.args(["-ec", &format!("exec {before} {PROGRAM} {words}")]);
        self.run(shell.env("PATH", self.search_path()))
    }
}

/// `setpriv` for nobody with that group and these capabilities. `None`, with a word, where there is no such
/// user: in the user namespace that `make test` makes without root.
pub(crate) fn nobody(group: u32, caps: &str) -> Option<String> {
    let setpriv = format!("setpriv --reuid 65534 --regid {group} --clear-groups");
    let works = Command::new("sh").args(["-c", &format!("{setpriv} true")]).status();
    if !works.expect("sh").success() {
        println!("left out: this user namespace has no user 65534");
        return None;
    }
    Some(format!("{setpriv} --inh-caps={caps} --ambient-caps={caps}"))
}
