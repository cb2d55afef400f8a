//! Crowds at the local socket and at the metrics listener, while chains are taken and have to come back.
use super::service;
use crate::support::{ADDRESS, Host, comes_true};
use crate::trust::{BOUND, Row, many};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Who asks well is answered by then: the crowd is cut off after 10 s at most, 32 at a time.
const PATIENCE: u64 = 60;

/// What each of a crowd says at first; after that it says nothing, and reads nothing.
const SOCKET: [&[u8]; 7] = [
    b"",
    b"\n",
    b"{\"ask\":",
    b"\0\xff\xfe\n",
    b"{\"ask\":\"events\",\"since_ms\":0,\"follow\":true}\n",
    b"{\"ask\":\"status\"}",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];
const HTTP: [&[u8]; 9] = [
    b"",
    b"GET /metrics HTTP/1.1\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: h\r\nX-Slow: ",
    b"GET /metrics HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\0\x01\0\x01",
    b"GET /../../../../etc/shadow HTTP/1.1\r\n\r\n",
    b"DELETE / HTTP/1.1\r\n\r\n",
    b"POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    b"GET /metrics HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n",
];

/// Takes a chain; whether it was back in time.
fn mended(host: &Host) -> Result<Duration, Duration> {
    host.sh("nft flush chain ip nat KUBE-MARK-MASQ");
    let began = Instant::now();
    let back =
        comes_true(PATIENCE, || host.sh("nft list chain ip nat KUBE-MARK-MASQ").contains("mark"));
    let took = began.elapsed();
    if back && took <= Duration::from_secs(BOUND) { Ok(took) } else { Err(took) }
}

/// Lost: a repair that was late, or a good question that was not answered once the crowd was cut off.
fn beside<T>(
    row: &mut Row,
    host: &Host,
    crowd: usize,
    each: impl Fn(usize) -> Option<T>,
    answers: impl Fn() -> bool,
) -> String {
    let (mut inside, mut longest) = (Vec::new(), Duration::ZERO);
    let every = (crowd / 10).max(1);
    for n in 0..crowd {
        inside.extend(each(n));
        if n % every == 0 {
            match mended(host) {
                Ok(took) => longest = longest.max(took),
                Err(took) => row.lost(format!("back after {took:?} beside {n}")),
            }
        }
    }
    let in_all = inside.len();
    let began = Instant::now();
    let answered = comes_true(PATIENCE, &answers);
    row.one(answered, || format!("no answer beside {in_all}"));
    row.tried(in_all);
    assert!(2 * in_all >= crowd, "no crowd: {in_all} of {crowd} came in");
    let after = began.elapsed();
    drop(inside);
    row.one(comes_true(PATIENCE, answers), || "no answer after they have gone".into());
    format!(
        "repairs within {} ms; a good question answered after {:.1} s beside {in_all}",
        longest.as_millis(),
        after.as_secs_f64()
    )
}

#[test]
fn a_crowd_at_the_socket_delays_no_repair() {
    let mut row = Row::new("hostile clients at the local socket at once", "clients");
    let host = Host::new();
    let _run = service(&host, "");
    let client = |n: usize| {
        let mut stream = UnixStream::connect(host.socket()).ok()?;
        let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
        let long = [b'x'; 1 << 16];
        let _ = stream.write_all(if n % 8 == 7 { &long } else { SOCKET[n % 8] });
        Some(stream)
    };
    // The kernel's queue is bounded: who finds no place waits in `connect`, and so would this test.
    let notes =
        beside(&mut row, &host, many(90, 150), client, || host.ck("check --live").code == 0);
    row.end(&notes);
}

#[test]
fn a_crowd_at_the_metrics_delays_no_repair() {
    let mut row = Row::new("hostile clients at the metrics listener at once", "clients");
    let host = Host::new();
    let _run = service(&host, &format!("--metrics-bind-address {ADDRESS}"));
    let client = |n: usize| {
        let address = ADDRESS.parse().expect("an address");
        let mut stream = host
            .inside(|| TcpStream::connect_timeout(&address, Duration::from_millis(200)))
            .ok()?;
        let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
        let many = b"X: x\r\n".repeat(5000);
        let _ = stream.write_all(if n % 10 == 9 { &many } else { HTTP[n % 10] });
        let _ = stream.set_nonblocking(true);
        // Now and then somebody reads a byte.
        let _ = n.is_multiple_of(3).then(|| stream.read(&mut [0]));
        Some(stream)
    };
    let served = || host.get(ADDRESS, "/metrics").is_some_and(|got| got.status == 200);
    let notes = beside(&mut row, &host, many(120, 1000), client, served);
    row.end(&notes);
}
