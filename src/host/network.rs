//! Whose network this is, as `/sys/class/net` has it.
use nix::net::if_::if_nameindex;
use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::path::Path;

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    name: String,
    /// Its number.
    index: u32,
    /// The number of its other end, which may be in another namespace; its own where it has none, 0 for the
    /// tunnels that the kernel puts into each namespace.
    other: u32,
}

/// Is it a network that was made for a container? `None`: it could not be found out, or somebody has chosen
/// another network since (`--netns`, `--sandbox`): what is in /sys is that of whoever mounted it.
pub(super) fn is_own() -> Option<bool> {
    let links = links(Path::new("/sys/class/net"))?;
    let shown: BTreeMap<String, u32> = links.iter().map(|l| (l.name.clone(), l.index)).collect();
    let here = if_nameindex().ok()?;
    let name = |i: &nix::net::if_::Interface| (i.name().to_string_lossy().into_owned(), i.index());
    (here.iter().map(name).collect::<BTreeMap<_, _>>() == shown).then(|| of_container(&links))
}

fn links(folder: &Path) -> Option<Vec<Link>> {
    let mut links = Vec::new();
    for entry in read_dir(folder).ok()? {
        let entry = entry.ok()?;
        let number = |file| read_to_string(entry.path().join(file)).ok()?.trim().parse().ok();
        // `bonding_masters` is no interface.
        if let (Some(index), Some(other)) = (number("ifindex"), number("iflink")) {
            links.push(Link {
                name: entry.file_name().to_string_lossy().into_owned(),
                index,
                other,
            });
        }
    }
    Some(links)
}

/// `lo` alone, or beside it one interface that leads out. A node has more, or one that leads nowhere else.
fn of_container(links: &[Link]) -> bool {
    let others: Vec<&Link> = links.iter().filter(|l| l.name != "lo" && l.other != 0).collect();
    match others[..] {
        [] => true,
        [one] => one.other != one.index,
        [_, _, ..] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(links: &[(&str, u32, u32)], own: bool) {
        let link = |(name, index, other): &(&str, u32, u32)| Link {
            name: (*name).to_owned(),
            index: *index,
            other: *other,
        };
        assert_eq!(of_container(&links.iter().map(link).collect::<Vec<_>>()), own, "{links:?}");
    }

    #[test]
    fn a_pod_has_one_interface_that_leads_out() {
        is(&[("lo", 1, 1), ("eth0", 2, 17)], true);
        is(&[("lo", 1, 1), ("tunl0", 2, 0), ("sit0", 3, 0), ("eth0", 4, 17)], true);
        is(&[("lo", 1, 1)], true);
        is(&[("lo", 1, 1), ("tunl0", 2, 0)], true);
    }

    #[test]
    fn a_node_has_another() {
        is(&[("lo", 1, 1), ("ens3", 2, 2)], false);
        is(&[("lo", 1, 1), ("ens3", 2, 2), ("veth4a", 5, 2)], false);
        is(&[("lo", 1, 1), ("eth0", 7, 8), ("veth4a", 9, 2)], false);
    }
}
