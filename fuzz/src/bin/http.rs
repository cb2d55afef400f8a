//! Any bytes sent to the door of the metrics, on a real connection: no panic, and whatever is answered is one whole
//! answer of HTTP, 200 only to who reads a page that is there.
#![no_main]
use chainkeeper::http::{Door, Page};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

struct Host {
    runtime: Runtime,
    door: Door,
    address: SocketAddr,
}

thread_local! { static HOST: RefCell<Host> = RefCell::new(host()); }

fn host() -> Host {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("lo is up");
    let address = free.local_addr().expect("bound");
    drop(free);
    let mut door = Door::default();
    runtime.block_on(async { door.want(Some(address)) });
    Host { runtime, door, address }
}

fuzz_target!(|bytes: &[u8]| HOST.with_borrow_mut(|host| {
    let Host { runtime, door, address } = host;
    let answer = runtime.block_on(async {
        tokio::select! {
            answer = visit(*address, bytes) => answer,
            () = serve(door) => Vec::new(),
        }
    });
    check(bytes, &answer);
}));

async fn serve(door: &mut Door) {
    loop {
        let asked = door.asked().await;
        let _ = asked.reply.send(Page::plain(200, "a page\n".into()));
    }
}

/// What is answered, up to the end of the connection.
async fn visit(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let mut answer = Vec::new();
    // It may have heard enough before all was sent.
    if stream.write_all(bytes).await.is_ok() {
        let _ = stream.shutdown().await;
    }
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

fn check(bytes: &[u8], answer: &[u8]) {
    if answer.is_empty() {
        return;
    }
    let text = std::str::from_utf8(answer).expect("it is text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).expect("a status");
    assert!(["200", "400", "404", "405", "413", "414", "431"].contains(&status), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let asked_head = bytes.starts_with(b"HEAD ") || bytes.windows(5).any(|w| w == b"HEAD ");
    assert!(asked_head || length.is_none_or(|n| n.parse() == Ok(body.len())), "{text}");
    if status == "200" {
        assert!(asked_head || body == "a page\n", "{text}");
        assert!(bytes.windows(4).any(|w| w == b"GET " || w == b"HEAD"), "{bytes:?}");
    }
}
