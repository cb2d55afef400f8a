//! A plain reader of what is served over HTTP, and what Prometheus' own tool says of it.
use super::Host;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where the tests have it served.
pub(crate) const ADDRESS: &str = "127.0.0.1:9253";

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

/// Each line of a page of metrics: what is before its value, and the value.
#[derive(Debug)]
pub(crate) struct Scrape(BTreeMap<String, f64>);

impl Host {
    /// A connection from inside.
    pub(crate) fn visit(&self, address: &str) -> std::io::Result<TcpStream> {
        let stream = self.inside(|| TcpStream::connect(address))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(stream)
    }

    /// Writes that, and reads until the end. `None`: nothing was answered.
    pub(crate) fn said_to(&self, address: &str, bytes: &[u8]) -> Option<Got> {
        let mut stream = self.visit(address).ok()?;
        let mut answer = Vec::new();
        // It may have heard enough, and close before all is read.
        let _ = stream.write_all(bytes);
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).expect("UTF-8");
        let (head, text) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Got { status, head: head.to_lowercase(), text: text.to_owned() })
    }

    /// A page. `None`: nobody answers there.
    pub(crate) fn get(&self, address: &str, path: &str) -> Option<Got> {
        self.get_as(address, path, "*/*")
    }

    pub(crate) fn get_as(&self, address: &str, path: &str, accept: &str) -> Option<Got> {
        let ask = format!("GET {path} HTTP/1.1\r\nHost: h\r\nAccept: {accept}\r\n\r\n");
        self.said_to(address, ask.as_bytes())
    }

    /// The metrics of now.
    pub(crate) fn scrape(&self) -> Scrape {
        let got = self.get(ADDRESS, "/metrics").expect("it is served");
        assert_eq!(got.status, 200, "{got:?}");
        Scrape::of(&got.text)
    }
}

impl Scrape {
    pub(crate) fn of(text: &str) -> Scrape {
        let line = |line: &str| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            (name.to_owned(), value.parse().expect("a number"))
        };
        Scrape(text.lines().filter(|l| !l.starts_with('#')).map(line).collect())
    }

    /// `name` or `name{labels}`, without the prefix.
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(&format!("chainkeeper_{name}")).or_else(|| self.0.get(name)).copied()
    }

    /// The same of what must be there.
    pub(crate) fn at(&self, name: &str) -> f64 {
        self.get(name).unwrap_or_else(|| panic!("{name} is missing in {:#?}", self.0))
    }

    /// The sum of all whose names begin so.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        self.all(name).map(|(_, value)| value).sum()
    }

    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, f64)> {
        let start = format!("chainkeeper_{name}");
        self.0.iter().filter_map(move |(n, v)| n.starts_with(&start).then_some((n.as_str(), *v)))
    }
}

/// Where promtool is. A machine without it says that a test is left out; where a change is judged it must be
/// there.
pub(crate) fn promtool_path() -> Option<PathBuf> {
    let tool = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("promtool");
    if !tool.exists() {
        let why = format!("{} is not there; scripts/promtool makes it", tool.display());
        assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{why}");
        eprintln!("LEFT OUT: what promtool says. {why}");
        return None;
    }
    Some(tool)
}

/// What `promtool check metrics` has to say: nothing, if all is well.
pub(crate) fn promtool(text: &str) -> Option<String> {
    let mut check = Command::new(promtool_path()?);
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut check = check.stderr(Stdio::piped()).spawn().expect("promtool starts");
    check.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = check.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    Some(format!(
        "{}{}",
        String::from_utf8_lossy(&said),
        match output.status.success() {
            true => String::new(),
            false => format!("({})", output.status),
        }
    ))
}
