//! What the host is: versions, rights, kernel settings, and what the journal has.
use super::section::tool;
use crate::backends;
use std::fmt::Write as _;
use std::fs::{read_link, read_to_string};

/// The lines of a thread's status that say what it may do.
const RIGHTS: [&str; 9] =
    ["Uid", "Gid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"];

const TOOLS: [&[&str]; 5] = [
    &["iptables", "--version"],
    &["iptables-nft", "--version"],
    &["iptables-legacy", "--version"],
    &["nft", "--version"],
    &["systemctl", "--version"],
];

const SYSCTLS: [&str; 9] = [
    "net/netfilter/nf_conntrack_timestamp",
    "net/netfilter/nf_conntrack_count",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_acct",
    "net/netfilter/nf_conntrack_tcp_be_liberal",
    "net/netfilter/nf_conntrack_tcp_loose",
    "net/bridge/bridge-nf-call-iptables",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/route_localnet",
];

/// Ours, the kernel's, those of the tools, and the system's.
pub(super) fn versions() -> Result<String, String> {
    let mut out = format!("chainkeeper {}\n", backends::VERSION);
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|e| e.to_string());
    let _ = writeln!(out, "kernel   {}", kernel.trim());
    for words in TOOLS {
        let said = tool(words).unwrap_or_else(|why| why);
        let _ = writeln!(out, "{:16} {}", words[0], said.lines().next().unwrap_or("(nothing)"));
    }
    let release = read_to_string("/etc/os-release").unwrap_or_else(|e| e.to_string());
    let wanted = |l: &&str| ["ID=", "VERSION=", "PRETTY_NAME="].iter().any(|p| l.starts_with(p));
    out.extend(release.lines().filter(wanted).map(|l| format!("{l}\n")));
    Ok(out)
}

/// Of this program, and where it is.
pub(super) fn rights() -> Result<String, String> {
    let status = read_to_string("/proc/thread-self/status").map_err(|e| e.to_string())?;
    let wanted = |l: &&str| l.split_once(':').is_some_and(|(name, _)| RIGHTS.contains(&name));
    let mut out: String = status.lines().filter(wanted).map(|l| format!("{l}\n")).collect();
    for kind in ["net", "pid", "user", "mnt"] {
        let link = read_link(format!("/proc/thread-self/ns/{kind}"));
        let found = link.map_or_else(|e| e.to_string(), |link| link.display().to_string());
        let _ = writeln!(out, "{found}");
    }
    Ok(out)
}

/// Those that say what connections and packets meet.
pub(super) fn sysctls() -> Result<String, String> {
    let one = |name: &&str| {
        let found = read_to_string(format!("/proc/sys/{name}"));
        let value = found.map_or_else(|e| format!("({e})"), |text| text.trim().to_owned());
        format!("{:46} {value}\n", name.replace('/', "."))
    };
    Ok(SYSCTLS.iter().map(one).collect())
}

/// What the service said last that somebody should look at.
pub(super) fn journal() -> Result<String, String> {
    let since = ["--since", "-24h", "-n", "30", "--no-pager", "--no-hostname"];
    let ours = ["journalctl", "-q", "-t", "chainkeeper", "-p", "warning", "-o", "short-iso"];
    tool(&[&ours[..], &since].concat())
}
