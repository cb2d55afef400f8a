//! systemd-journald's own protocol: one datagram a line, with fields. It never waits.
use super::line::Line;
use crate::safe;
use serde_json::Value;
use std::io;
use std::os::unix::net::UnixDatagram;
use tracing::Level;

/// Where journald listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";
/// The longest value; a datagram has to fit into a socket's buffer.
const LONGEST: usize = 16 * 1024;

/// The catalogue's numbers of events, so that `journalctl MESSAGE_ID=` finds them.
pub(super) const IDS: [(&str, &str); 6] = [
    ("gap", "f920791046befd1dbff95de9c1f4603c"),
    ("yielded", "81b5da2c819edb0a35332fa9335c7bd5"),
    ("recovered", "559d7c099c4474030cf3ebb13e48f182"),
    ("flows", "c41b7911d27f1511c43131fe772f756d"),
    ("paused", "2034ad8df7daadb3759b8656b86a3b53"),
    ("resumed", "128ae8ba7c5e93fd2186120b0cb0297d"),
];

pub(super) struct Journald {
    socket: UnixDatagram,
}

impl Journald {
    /// An error where nobody listens. journald throws an empty datagram away.
    pub(super) fn open() -> io::Result<Journald> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        match socket.send_to(&[], SOCKET) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            Ok(_) | Err(_) => Ok(Journald { socket }),
        }
    }

    /// False: it was not taken.
    pub(super) fn send(&self, line: &Line) -> bool {
        self.socket.send_to(&datagram(line), SOCKET).is_ok()
    }
}

fn datagram(line: &Line) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    put(&mut out, "MESSAGE", &line.message);
    put(&mut out, "PRIORITY", priority(line.level));
    put(&mut out, "SYSLOG_IDENTIFIER", "chainkeeper");
    let event = line.field("event").and_then(Value::as_str);
    let id = IDS.iter().find(|(name, _)| Some(*name) == event);
    if let Some((_, id)) = id {
        put(&mut out, "MESSAGE_ID", id);
    }
    for (name, value) in &line.fields {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        put(&mut out, &format!("CHAINKEEPER_{}", name.to_ascii_uppercase()), &text);
    }
    out
}

/// In the form that takes any value: name, length, value.
fn put(out: &mut Vec<u8>, name: &str, value: &str) {
    let value = &*safe::text(value);
    let mut end = value.len().min(LONGEST);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    let value = &value[..end];
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

/// As syslog counts.
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    }
}
