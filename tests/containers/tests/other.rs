//! An image of another Debian suite's iptables, as a CNI plugin or a kubelet in a container brings one along.
use crate::engines::{Engine, Want, images};
use crate::node::said;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// 1.8.7, 1.8.11, and the newest: `scripts/other-iptables` has unpacked them.
pub(crate) const SUITES: [&str; 3] = ["bullseye", "trixie", "sid"];

/// Into the image go the suite, which has no shell, and beside it one of this machine with its own loader. Before
/// /usr was merged a loader lay in /lib; since then /lib leads there, by a link of another package.
const IMAGE: &str = r#"
cp -a "$suite" "$root"
for lib in lib lib64; do [ -e "$root/$lib" ] || ln -s "usr/$lib" "$root/$lib"; done
mkdir "$root/host"
cp /bin/sh /bin/sleep "$root/host"
for file in $(ldd /bin/sh /bin/sleep | grep -o '/[^ :]*' | sort -u); do
    case $file in */ld-linux*) cp -L "$file" "$root/host/loader" ;; *.so*) cp -L "$file" "$root/host" ;; esac
done
printf '%s' "$kubelet" >"$root/kubelet.sh"
printf 'FROM scratch\nCOPY . /\n' >"$root.file"
buildah="buildah --root $root.storage --runroot $root.run --storage-driver vfs"
$buildah build --quiet --format docker --isolation chroot --tag "localhost/$tag" --file "$root.file" "$root"
$buildah push --quiet "localhost/$tag" "docker-archive:$root.tar:$tag"
"#;

/// Where that suite is unpacked.
pub(crate) fn unpacked(suite: &str) -> PathBuf {
    let found = Path::new(&images()).with_file_name("other-iptables").join(suite);
    assert!(found.exists(), "scripts/other-iptables has not unpacked {suite}");
    found
}

/// Builds the image with that suite's iptables and a kubelet, and loads it.
pub(crate) fn load(engine: &Engine<'_>, suite: &'static str) {
    let root = engine.node.folder.join(format!("other-{suite}"));
    let mut sh = Command::new("sh");
    sh.args(["-ec", IMAGE]).env("root", &root).env("suite", unpacked(suite));
    sh.env("tag", format!("other-iptables:{suite}")).env("kubelet", KUBELET);
    let built = said(&mut sh);
    assert_eq!(built.code, 0, "{built:?}");
    engine.load(&format!("{}.tar", root.display()));
    let _ = fs::remove_dir_all(&root);
}

/// A container with that suite's iptables and the rights of a CNI plugin.
pub(crate) fn want(suite: &str, program: &'static str, words: &'static str) -> Want {
    Want {
        name: "other-iptables",
        version: suite.to_owned(),
        program: Some(program),
        words,
        capabilities: &["NET_ADMIN", "NET_RAW"],
        run: false,
        lock: Some("xtables.lock"),
        ..Want::nft()
    }
}

/// A kubelet of 1.28 or later, see there.
pub(crate) const KUBELET: &str = include_str!("kubelet.sh");
