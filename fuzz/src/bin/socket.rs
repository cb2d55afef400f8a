//! Any bytes at both ends of the local socket, on a real one: no panic; who asks anything gets whole lines of answers,
//! an error where it was no question; who reads any answers gets values or errors, to the end.
#![no_main]
use chainkeeper::control::server::{Asked, Reply, Server};
use chainkeeper::control::{Answer, Request, ask};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::fd::IntoRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::Receiver;

/// Of open(2).
const O_PATH: i32 = 0o10_000_000;

struct Host {
    runtime: Runtime,
    inbox: Receiver<Asked>,
    _server: Server,
    other: UnixListener,
    paths: Paths,
}

/// Where both listen.
struct Paths {
    server: PathBuf,
    client: PathBuf,
}

thread_local! { static HOST: RefCell<Host> = RefCell::new(host()); }

fn path(end: &str) -> PathBuf {
    PathBuf::from(format!("/dev/shm/chainkeeper-fuzz-{}.{end}", std::process::id()))
}

/// Takes the name of a socket away, as nobody would once this process is ended by what is found: a path to it without.
fn unnamed(path: &Path) -> PathBuf {
    let file = OpenOptions::new().read(true).custom_flags(O_PATH).open(path).expect("it is there");
    std::fs::remove_file(path).expect("it is ours");
    PathBuf::from(format!("/proc/self/fd/{}", file.into_raw_fd()))
}

fn host() -> Host {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let started = runtime.block_on(async { Server::start(&path("server")) });
    let (server, inbox) = started.expect("/dev/shm can be written");
    let other = UnixListener::bind(path("client")).expect("/dev/shm can be written");
    let paths = Paths { server: unnamed(&path("server")), client: unnamed(&path("client")) };
    Host { runtime, inbox, _server: server, other, paths }
}

fuzz_target!(|bytes: &[u8]| HOST.with_borrow_mut(|host| {
    asking(host, bytes);
    reading(host, bytes);
}));

/// These bytes to our server.
fn asking(host: &mut Host, bytes: &[u8]) {
    let Host { runtime, inbox, paths, .. } = host;
    let mut heard = None;
    let answers = runtime.block_on(async {
        tokio::select! {
            answers = visit(&paths.server, bytes) => answers,
            () = answer(inbox, &mut heard) => String::new(),
        }
    });
    let line = bytes.split_inclusive(|b| *b == b'\n').next().unwrap_or_default();
    let question = serde_json::from_slice::<Request>(line).ok();
    assert_eq!(heard, question);
    for line in answers.lines() {
        let answer: Answer = serde_json::from_str(line).expect("an answer");
        assert_eq!(matches!(answer, Answer::Error(_)), question.is_none(), "{line}");
    }
    assert!(question.is_none() || answers == "{\"done\":true}\n", "{answers}");
}

async fn answer(inbox: &mut Receiver<Asked>, heard: &mut Option<Request>) {
    while let Some(Asked { request, reply }) = inbox.recv().await {
        *heard = Some(request);
        let _ = reply.send(Reply { now: vec![Answer::Done(true)], later: None });
    }
}

async fn visit(path: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(path).await.expect("it listens");
    let mut answers = Vec::new();
    // It may have heard enough before all was sent.
    if stream.write_all(bytes).await.is_ok() {
        let _ = stream.shutdown().await;
    }
    let _ = stream.read_to_end(&mut answers).await;
    String::from_utf8(answers).expect("it is text")
}

/// These bytes as what a server answers to our client.
fn reading(host: &Host, bytes: &[u8]) {
    let answers = ask(&host.paths.client, &Request::Status {}).expect("it listens");
    let (mut stream, _) = host.other.accept().expect("somebody asked");
    stream.write_all(bytes).expect("the buffer holds more than an input");
    drop(stream);
    for answer in answers.flatten() {
        let line = serde_json::to_string(&answer).expect("an answer can be written");
        assert_eq!(serde_json::from_str::<Answer>(&line).expect("and read"), answer);
    }
}
