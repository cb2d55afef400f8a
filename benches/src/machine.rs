//! What the figures were measured on.
use crate::world;

/// Kernel, processor, load, and the versions of what is compared with.
pub(crate) fn now() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (kernel, info, load) =
        (read("/proc/sys/kernel/osrelease"), read("/proc/cpuinfo"), read("/proc/loadavg"));
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown processor");
    let load = load.split(' ').next().unwrap_or_default();
    let version = |tool| world::output(tool, &["--version"]).unwrap_or_else(|_| "none".into());
    let tools =
        ["iptables-nft", "iptables-legacy", "nft"].map(|tool| version(tool).trim().to_owned());
    format!("Linux {}, {cores} cores, load {load}; {model}\n{}", kernel.trim(), tools.join(", "))
}
