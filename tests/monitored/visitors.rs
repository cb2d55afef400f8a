//! Whoever comes over HTTP, well-behaved or not, keeps the service from nothing.
mod doors;

use super::wipe::{Kind, Whole, Wipe, whole};
use super::{Story, keeping};
use crate::support::{ADDRESS, Host, On, eventually, within};
use chainkeeper::story::Outcome;
use chainkeeper_contract::{Family, Table};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const WORDS: &str = "--on-conflict insist --settle 10ms --metrics-bind-address 9253";

/// Something is taken, and comes back in time.
fn works(host: &Host, story: &Story, all: &Whole) {
    let (kind, family, table) = (Kind::Delete, Family::Ipv4, Table::Filter);
    let wipe = Wipe { kind, on: On::Nft, family, table, chain: "KUBE-FIREWALL".into(), n: 0 };
    wipe.commit(host, all).expect("it is there");
    let Outcome::Repaired { gap_ms, .. } = story.repaired().outcome else { panic!("repaired") };
    assert!(gap_ms < 1000.0, "{gap_ms} ms");
}

fn is_served(host: &Host) -> bool {
    host.get(ADDRESS, "/metrics").is_some_and(|got| got.status == 200)
}

#[test]
fn each_page_is_there_and_nothing_else() {
    let host = Host::new();
    let (_run, _story) = keeping(&host, WORDS);
    for (path, text) in [("/livez", "ok\n"), ("/readyz", "ok\n"), ("/readyz?verbose", "ok\n")] {
        let got = host.get(ADDRESS, path).expect("served");
        assert_eq!((got.status, got.text.as_str()), (200, text), "{path}");
    }
    let index = host.get(ADDRESS, "/").expect("served");
    assert!(["/metrics", "/livez", "/readyz"].iter().all(|path| index.text.contains(path)));
    let text = host.get(ADDRESS, "/metrics").expect("served");
    assert!(text.head.contains("content-type: text/plain; version=0.0.4"), "{text:?}");
    let open = host.get_as(ADDRESS, "/metrics", "application/openmetrics-text").expect("served");
    assert!(open.head.contains("content-type: application/openmetrics-text; version=1.0.0"));
    assert!(open.text.ends_with("# EOF\n"));
    for path in ["/metrics/", "//metrics", "/..", "/metricsx", "/%6detrics"] {
        assert_eq!(host.get(ADDRESS, path).expect("served").status, 404, "{path}");
    }
    let head = host.said_to(ADDRESS, b"HEAD /metrics HTTP/1.1\r\nHost: h\r\n\r\n").expect("served");
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[test]
fn no_bad_request_keeps_it_from_its_work() {
    let host = Host::new();
    let (run, story) = keeping(&host, WORDS);
    let (all, before) = (whole(&host), run.descriptors());
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(1000));
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 17));
    let twice = "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000);
    let bad: [(&[u8], &[u16]); 13] = [
        (b"\0\xff\xfe garbage\r\n\r\n", &[400]),
        (&[b'x'; 1 << 16], &[400, 431]),
        (b"GET /metrics\r\n\r\n", &[400]), // HTTP/0.9
        (b"GET /metrics HTTP/2.0\r\n\r\n", &[400]),
        (b"GET /metrics HTTP/1.1\r\nX : \x01\r\n\r\n", &[400]),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", &[400]), // TLS
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody", &[405]),
        (b"NONSENSE /metrics HTTP/1.1\r\n\r\n", &[405]),
        (b"GET /metrics HTTP/1.1\r\nContent-Length: 999999999\r\n\r\nbody", &[413]),
        (b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", &[413]),
        (long.as_bytes(), &[431]),
        (many.as_bytes(), &[400, 431]),
        (path.as_bytes(), &[400, 414, 431]),
    ];
    for (request, wanted) in bad {
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        // What it has not read may cut off what it said.
        let got = host.said_to(ADDRESS, request).map(|got| got.status);
        assert!(got.is_none_or(|status| wanted.contains(&status)), "{got:?}: {shown:?}");
        assert!(got.is_some() || request.len() > 1000, "nothing was said: {shown:?}");
        works(&host, &story, &all);
    }
    let got = host.said_to(ADDRESS, twice.as_bytes());
    assert!(got.is_none_or(|got| got.status == 200 && got.text == "ok\n"), "one answer");
    assert!(is_served(&host));
    eventually("all is closed", || run.descriptors() <= before);
}

#[test]
fn two_hundred_who_say_nothing_keep_it_from_nothing() {
    let host = Host::new();
    let (run, story) = keeping(&host, WORDS);
    let (all, before) = (whole(&host), run.descriptors());
    let begun = |bytes: &[u8]| {
        let mut stream = host.visit(ADDRESS).expect("the kernel has a queue");
        stream.write_all(bytes).expect("it is taken");
        stream
    };
    let half = b"GET /metrics HTTP/1.1\r\nHost: h\r\nX-Half";
    let mut crowd: Vec<TcpStream> = Vec::new();
    for n in 0..100 {
        // The queue of the kernel is as long as that, and the service takes from it.
        crowd.push(begun(if n % 2 == 0 { b"" } else { half }));
        crowd.push(begun(b"GET /livez HTTP/1.1\r\n"));
    }
    let began = Instant::now();
    let mut most = 0;
    while began.elapsed() < Duration::from_secs(4) {
        works(&host, &story, &all);
        most = most.max(run.descriptors() - before);
    }
    assert!((30..=34).contains(&most), "{most} of 200 at a time, and a list of them");
    // One byte a second is no reason to wait for it any longer.
    let mut slow = crowd.pop().expect("one of them");
    let dripped = (0..60).position(|_| {
        std::thread::sleep(Duration::from_secs(1));
        slow.write_all(b"X").is_err()
    });
    assert!(dripped.is_some(), "it was let go on for a minute");
    within(60, "whoever waits has a turn", || is_served(&host));
    println!("served {:.1} s after 200 who said nothing", began.elapsed().as_secs_f64());
    drop(crowd);
    works(&host, &story, &all);
    eventually("all is closed", || run.descriptors() <= before);
}

#[test]
fn fifty_at_once_are_all_answered_while_it_repairs() {
    let host = Host::new();
    let (_run, story) = keeping(&host, WORDS);
    let all = whole(&host);
    let get = b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
    for _ in 0..5 {
        let streams: Vec<TcpStream> = host.inside(|| {
            (0..50).map(|_| TcpStream::connect(ADDRESS).expect("the kernel has a queue")).collect()
        });
        std::thread::scope(|scope| {
            for mut stream in streams {
                scope.spawn(move || {
                    stream.write_all(get).expect("it is taken");
                    let mut text = String::new();
                    stream.read_to_string(&mut text).expect("an answer");
                    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
                    assert!(text.contains("process_threads "), "all of it");
                });
            }
            works(&host, &story, &all);
        });
    }
}

/// Scrapes that never read their answer.
#[test]
fn who_does_not_read_is_cut_off() {
    let host = Host::new();
    let (run, story) = keeping(&host, WORDS);
    let (all, before) = (whole(&host), run.descriptors());
    let mut deaf = host.visit(ADDRESS).expect("served");
    // Many in one, so that the answers would be more than the buffers of a socket hold.
    let _ = deaf.write_all(&b"GET /metrics HTTP/1.1\r\n\r\n".repeat(10_000));
    works(&host, &story, &all);
    within(15, "it is closed", || run.descriptors() <= before);
    drop(deaf);
}
