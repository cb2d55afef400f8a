//! Where a process is at home: the systemd unit and the container, from the text of its `cgroup`.

/// What is enough of a container id, and what all tools print.
const SHORT: usize = 12;
/// Slices that half of the system is in.
const EVERYBODYS: [&str; 4] = ["-.slice", "system.slice", "user.slice", "machine.slice"];

/// The unit and the container, as far as the text tells. One line for each hierarchy, `ID:CONTROLLERS:PATH`:
/// systemd's own of cgroup v1 is asked first, then that of v2, the others of v1 for containers only.
pub(super) fn home(text: &str) -> (Option<String>, Option<String>) {
    let lines: Vec<(&str, &str)> = text.split_inclusive('\n').filter_map(line).collect();
    let of = |wanted: &'static str| lines.iter().filter(move |(name, _)| *name == wanted);
    let systemd = || of("name=systemd").chain(of("")).map(|(_, path)| *path);
    let container = systemd().chain(lines.iter().map(|(_, path)| *path)).find_map(container);
    let unit = systemd().find_map(unit).or_else(|| {
        // The slice of a container says less than the container.
        if container.is_none() { systemd().find_map(slice) } else { None }
    });
    let [unit, container] = [unit, container].map(|name| name.map(str::to_string));
    (unit, container)
}

/// The controllers and the path. A line without an end was cut, and its path with it.
fn line(line: &str) -> Option<(&str, &str)> {
    let mut fields = line.strip_suffix('\n')?.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    // Of a zombie that was the last one there.
    Some((controllers, path.strip_suffix(" (deleted)").unwrap_or(path)))
}

/// The innermost service or scope that is not just a container's: `/system.slice/k3s.service/init`.
fn unit(path: &str) -> Option<&str> {
    let is = |name: &&str| {
        let unit = named(name, ".service") || named(name, ".scope");
        unit && container_id(name).is_none()
    };
    path.rsplit('/').find(is)
}

/// The innermost slice that tells something.
fn slice(path: &str) -> Option<&str> {
    path.rsplit('/').find(|name| named(name, ".slice") && !EVERYBODYS.contains(name))
}

/// Does systemd allow that name for a unit of this kind? Whoever may make cgroups may call them anything.
fn named(name: &str, kind: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    name.len() > kind.len() && name.ends_with(kind) && name.chars().all(allowed)
}

/// The innermost container.
fn container(path: &str) -> Option<&str> {
    path.rsplit('/').find_map(container_id).and_then(|id| id.get(..SHORT))
}

/// The id in `docker-ID.scope`, `cri-containerd-ID.scope`, `ID`, `SLICE:cri-containerd:ID`. The monitor of
/// a container, `libpod-conmon-ID.scope`, is outside of it.
fn container_id(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    let (before, id) = name.split_at_checked(name.len().checked_sub(64)?)?;
    let hex = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let parted = before.is_empty() || before.ends_with(['-', ':']);
    (hex && parted && !before.contains("conmon")).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2a9c0d1e2f5b6a7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
    const OTHER: &str = "0badc0de1e2f5b6a7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
    const POD: &str = "pod1f0a2b3c_4d5e_6f70_8192_a3b4c5d6e7f8";

    /// What the text says, ID in full and OTHER put in.
    fn said(text: &str) -> (Option<String>, Option<String>) {
        home(&text.replace("ID", ID).replace("OTHER", OTHER).replace("POD", POD))
    }

    #[track_caller]
    fn is(text: &str, unit: &str, container: &str) {
        let some = |name: &str| Some(name.to_string()).filter(|n| !n.is_empty());
        assert_eq!(said(text), (some(unit), some(container)), "{text}");
    }

    #[test]
    fn the_unit_of_v2() {
        is("0::/system.slice/firewalld.service\n", "firewalld.service", "");
        is("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope", "");
        is("0::/system.slice/k3s.service/init\n", "k3s.service", "");
        is("0::/system.slice/docker.service/a/b\n", "docker.service", "");
        let own = "/user.slice/user-1000.slice/user@1000.service/app.slice/app-a\\x2db.scope";
        is(&format!("0::{own}\n"), "app-a\\x2db.scope", "");
        is("0::/init.scope\n", "init.scope", "");
        is("0::/system.slice/a.service (deleted)\n", "a.service", "");
        is("0::/kubepods.slice/kubepods-burstable.slice\n", "kubepods-burstable.slice", "");
        is("0::/system.slice\n", "", "");
        is("0::/\n", "", "");
    }

    #[test]
    fn the_unit_of_v1_and_of_both() {
        let v1 = "5:memory:/system.slice/other.service\n4:cpu,cpuacct:/system.slice\n\
                  1:name=systemd:/system.slice/ufw.service\n";
        is(v1, "ufw.service", "");
        is(&format!("{v1}0::/system.slice/x.service\n"), "ufw.service", "");
        // A zombie of v1 has left its cgroups.
        is("1:name=systemd:/\n0::/system.slice/ufw.service\n", "ufw.service", "");
        // systemd has no part in it.
        is("5:memory:/system.slice/other.service\n0::/\n", "", "");
    }

    #[test]
    fn containers_by_everybody_who_makes_them() {
        for path in [
            "/system.slice/docker-ID.scope",
            "/docker/ID",
            "/kubepods.slice/kubepods-POD.slice/cri-containerd-ID.scope",
            "/kubepods.slice/kubepods-besteffort.slice/crio-ID.scope",
            "/kubepods/burstable/POD/ID",
            "/machine.slice/libpod-ID.scope/container",
            "/../../kubepods.slice/cri-containerd-ID.scope",
            "/../ID",
            "/kubepods-burstable-POD.slice:cri-containerd:ID",
            "/system.slice/docker-OTHER.scope/kubelet.slice/cri-containerd-ID.scope",
        ] {
            is(&format!("0::{path}\n"), "", "3f2a9c0d1e2f");
            is(&format!("1:name=systemd:{path}\n0::/\n"), "", "3f2a9c0d1e2f");
        }
        is("4:memory:/docker/ID\n1:name=systemd:/\n", "", "3f2a9c0d1e2f");
        is("4:memory:/docker/OTHER\n1:name=systemd:/docker/ID\n", "", "3f2a9c0d1e2f");
    }

    #[test]
    fn a_unit_and_a_container() {
        let inside = "0::/system.slice/docker-ID.scope/system.slice/kubelet.service\n";
        is(inside, "kubelet.service", "3f2a9c0d1e2f");
        let of_user =
            "0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope\n";
        is(of_user, "user@1000.service", "3f2a9c0d1e2f");
        is("0::/system.slice/web.service/libpod-payload-ID\n", "web.service", "3f2a9c0d1e2f");
        // The monitor is not in the container.
        let monitor = format!("libpod-conmon-{ID}.scope");
        is(&format!("0::/machine.slice/{monitor}\n"), &monitor, "");
    }

    #[test]
    fn what_is_odd_says_nothing() {
        let long = format!("0::/docker/a{ID}\n");
        let short = format!("0::/docker/{}\n", &ID[1..]);
        let upper = format!("0::/docker/{}\n", ID.to_uppercase());
        let bytes = format!("0::/docker/é{}\n", &ID[1..]);
        for text in [
            "",
            "\n",
            "0\n",
            "0:\n",
            "0::\n",
            "::\n",
            ":::::\n",
            "0::/.service\n",
            "0::/.scope\n",
            "0::/a b.service\n",
            "0::/a\x1b[2J.service\n",
            "0::/é.service\n",
            "0::/x.mount\n",
            "0::/system.slice/cut.service",
            "0::/../..\n",
            &long,
            &short,
            &upper,
            &bytes,
        ] {
            is(text, "", "");
        }
    }
}
