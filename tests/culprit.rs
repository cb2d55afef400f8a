//! Who wrote, of real processes. The event itself is made up here: a name and a thread.
mod namespaces;
mod processes;

use chainkeeper::culprit::{Culprit, Process};

/// A process in words, as all tell it in one way or another.
fn phrase(unit: Option<&str>, container: Option<&str>, parent: Option<&str>) -> String {
    let [unit, container] = [unit, container].map(|name| name.map(str::to_string));
    let parent = parent.map(|name| (name.to_string(), 640));
    let command = Some("nft -f /root/secret".to_string());
    let process = Some(Process { pid: 88, parent, unit, container, command });
    let name = Some("nft".to_string());
    Culprit { name, thread: Some(89), process, unknown: None }.to_string()
}

#[test]
fn a_culprit_is_one_short_phrase() {
    let unit = "firewalld.service";
    assert_eq!(phrase(Some(unit), None, Some("systemd")), "nft (pid 88, firewalld.service)");
    let id = Some("3f2a9c0d1e2f");
    assert_eq!(phrase(None, id, Some("sh")), "nft (pid 88, container 3f2a9c0d1e2f)");
    let both = "nft (pid 88, container 3f2a9c0d1e2f, firewalld.service)";
    assert_eq!(phrase(Some(unit), id, None), both);
    assert_eq!(phrase(None, None, Some("bash")), "nft (pid 88, by bash)");
    assert_eq!(phrase(None, None, None), "nft (pid 88)");
}

#[test]
fn somebody_where_nothing_tells() {
    let nobody = Culprit::unknown_writer();
    assert_eq!(nobody.to_string(), "somebody");
    assert_eq!(nobody.unknown.as_deref(), Some("nothing tells who"));
    let nameless = Culprit { name: Some(String::new()), thread: Some(7), ..nobody };
    assert_eq!(nameless.to_string(), "somebody (thread 7, nothing tells who)");
}
