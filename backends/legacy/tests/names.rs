//! The tools under the names that distributions give them: links to the real ones in a folder that is
//! looked in alone.
mod support;

use chainkeeper_legacy::{LegacyBackend, Setup, Tools};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use support::{errors, in_netns, lock_file, pass, plan};

/// A folder of links; gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, links: &[&str], to: &str) -> Folder {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let folder = Folder(folder.join(format!("{}-{name}", std::process::id())));
        fs::create_dir_all(&folder.0).expect("the target directory can be written");
        for link in links {
            symlink(real(to), folder.0.join(link)).expect("a link");
        }
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn real(name: &str) -> PathBuf {
    let found = ["/usr/sbin", "/sbin"].map(|folder| Path::new(folder).join(name));
    found.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{name} is installed"))
}

const PLAIN: [&str; 6] = [
    "iptables",
    "iptables-save",
    "iptables-restore",
    "ip6tables",
    "ip6tables-save",
    "ip6tables-restore",
];

#[test]
fn under_each_name_they_read_and_write() {
    let multi = "xtables-legacy-multi";
    for (name, links) in [("multi", &[multi][..]), ("plain", &PLAIN)] {
        in_netns(|| {
            let folder = Folder::new(name, links, multi);
            let setup = Setup::with(Tools::find_in(std::slice::from_ref(&folder.0)));
            let setup = Setup { lock: lock_file("ours"), ..setup };
            let mut backend = LegacyBackend::open(setup).expect(name);
            assert_eq!(errors(pass(&mut backend).expect("a pass")), [], "{name}");
            assert!(plan(&mut backend).expect("a look").is_empty(), "{name}");
        });
    }
}

#[test]
fn a_plain_iptables_of_nf_tables_is_none_of_them() {
    let folder = Folder::new("nft", &PLAIN, "xtables-nft-multi");
    let missing =
        Tools::find_in(std::slice::from_ref(&folder.0)).describe().expect_err("nothing of legacy");
    assert!(missing.contains("iptables-legacy-save"), "{missing}");
}
