//! Every metric: its name, labels, meaning (the HELP text), and what to do when it is bad. What is served
//! and `docs/metrics.md` come from here.

/// What kind of metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only rises while the service runs.
    Counter,
    /// How it is now.
    Gauge,
    /// Lengths of time, sorted by these bounds (seconds).
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// As it is served.
    pub name: &'static str,
    /// What kind.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
    /// What to do when it is bad; empty where it cannot be.
    pub remedy: &'static str,
}

const GAPS: &[f64] =
    &[0.01, 0.05, 0.1, 0.25, 0.3, 0.4, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
const WRITES: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
const DETECTIONS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0, 60.0];

pub(super) static BUILD_INFO: Row = Row {
    name: "chainkeeper_build_info",
    kind: Kind::Gauge,
    labels: &["version", "encoder"],
    help: "Always 1: the version, and which encoder writes",
    remedy: "",
};
pub(super) static BACKEND_INFO: Row = Row {
    name: "chainkeeper_backend_info",
    kind: Kind::Gauge,
    labels: &["backend", "basis", "row"],
    help: "Always 1: the backend in use, what the choice rests on (asked, evidence, remembered, nothing) and the row of decision 0005",
    remedy: "Another row or backend than yesterday: `chainkeeper probe` says why",
};
pub(super) static MIXED_HOST: Row = Row {
    name: "chainkeeper_mixed_host",
    kind: Kind::Gauge,
    labels: &[],
    help: "1: the last choice of a backend found rules of others in both. With --backend nothing is compared: 0",
    remedy: "Find who writes to the other backend (`chainkeeper probe`): packets pass both",
};
pub(super) static OBSERVE: Row = Row {
    name: "chainkeeper_observe",
    kind: Kind::Gauge,
    labels: &[],
    help: "1: nothing is written (run --observe)",
    remedy: "",
};
pub(super) static IN_SYNC: Row = Row {
    name: "chainkeeper_in_sync",
    kind: Kind::Gauge,
    labels: &["family", "table"],
    help: "1: nothing that is kept of the table is missing, and it could be read (as status and /readyz say; what is only watched shows in missing)",
    remedy: "`chainkeeper status` says what is missing, and `missing` how much. Alert on it after minutes, not seconds",
};
pub(super) static MISSING: Row = Row {
    name: "chainkeeper_missing",
    kind: Kind::Gauge,
    labels: &["family", "table", "kind"],
    help: "What is missing now: chains, rules and jumps that are not there; changed: chains that are whole, but not as they should be",
    remedy: "As `in_sync`; a pause, a yielded chain or an error is why it stays",
};
pub(super) static LOSSES: Row = Row {
    name: "chainkeeper_losses_total",
    kind: Kind::Counter,
    labels: &["family", "table", "kind"],
    help: "What others took, as it was at worst. Counted when it is back, or (of what is only watched) when it would be repaired. What is yielded is not",
    remedy: "See `culprits`; `chainkeeper events` has each",
};
pub(super) static REPAIRS: Row = Row {
    name: "chainkeeper_repairs_total",
    kind: Kind::Counter,
    labels: &["family", "table"],
    help: "Repairs that brought back something of the table",
    remedy: "Rising without end: somebody fights. See `culprits` and `yields`",
};
pub(super) static WOULD_REPAIRS: Row = Row {
    name: "chainkeeper_would_repairs_total",
    kind: Kind::Counter,
    labels: &["family", "table"],
    help: "Repairs that were not made because the table is only watched (--observe, --keep)",
    remedy: "What `run` without --observe would have done",
};
pub(super) static RETURNS: Row = Row {
    name: "chainkeeper_returns_total",
    kind: Kind::Counter,
    labels: &["family", "table"],
    help: "Losses that somebody else put back",
    remedy: "A kubelet or an agent repairs, too: fine",
};
pub(super) static GAP_SECONDS: Row = Row {
    name: "chainkeeper_gap_seconds",
    kind: Kind::Histogram(GAPS),
    labels: &[],
    help: "From the first commit that took something until nothing of it was missing",
    remedy: "Longer than `settle` by more than a second: see `repair_seconds`, `errors` and `commit_restarts`; or others commit without rest",
};
pub(super) static DETECTION_SECONDS: Row = Row {
    name: "chainkeeper_detection_seconds",
    kind: Kind::Histogram(DETECTIONS),
    labels: &[],
    help: "From the first commit that took something until a look had shown it; of what was repaired",
    remedy: "Long: `overruns`, or news that are only asked for (`chainkeeper status`)",
};
pub(super) static REPAIR_SECONDS: Row = Row {
    name: "chainkeeper_repair_seconds",
    kind: Kind::Histogram(WRITES),
    labels: &[],
    help: "Of each repair, from its look to its last answer",
    remedy: "Long: a busy machine, big foreign tables, or the xtables lock (legacy)",
};
pub(super) static COMMITS: Row = Row {
    name: "chainkeeper_commits_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Commits of ours to the kernel, the first ones too; in legacy one for each restore",
    remedy: "",
};
pub(super) static COMMIT_RESTARTS: Row = Row {
    name: "chainkeeper_commit_restarts_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Writes that began anew because somebody committed between the look and the write",
    remedy: "Rising fast: somebody commits all the time (`nft monitor`)",
};
pub(super) static LOOKS: Row = Row {
    name: "chainkeeper_looks_total",
    kind: Kind::Counter,
    labels: &["kind"],
    help: "Looks at the host: glance (after news), pass (each sync period), write (to repair)",
    remedy: "Glances rise with others' commits. No passes: it hangs",
};
pub(super) static LAST_LOOK: Row = Row {
    name: "chainkeeper_last_look_timestamp_seconds",
    kind: Kind::Gauge,
    labels: &[],
    help: "When something could be read last, in seconds since 1970",
    remedy: "Older than three sync periods: see `errors` and /livez",
};
pub(super) static OVERRUNS: Row = Row {
    name: "chainkeeper_overruns_total",
    kind: Kind::Counter,
    labels: &[],
    help: "News of others' commits that were lost; it looks then",
    remedy: "Rising: very many commits; nothing is missed for longer than a look takes",
};
pub(super) static YIELDS: Row = Row {
    name: "chainkeeper_yields_total",
    kind: Kind::Counter,
    labels: &["family", "table", "chain"],
    help: "Times that a chain was left to others who kept undoing it",
    remedy: "`chainkeeper status` names who. Stop one of the two, or leave the chain out of --keep",
};
pub(super) static YIELDED_CHAINS: Row = Row {
    name: "chainkeeper_yielded_chains",
    kind: Kind::Gauge,
    labels: &[],
    help: "Chains that are left to others now",
    remedy: "As `yields`",
};
pub(super) static PAUSES: Row = Row {
    name: "chainkeeper_pauses_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Pauses that somebody asked for",
    remedy: "",
};
pub(super) static PAUSED: Row = Row {
    name: "chainkeeper_paused",
    kind: Kind::Gauge,
    labels: &[],
    help: "1: nothing is written, as somebody asked",
    remedy: "`chainkeeper resume` ends it",
};
pub(super) static ERRORS: Row = Row {
    name: "chainkeeper_errors_total",
    kind: Kind::Counter,
    labels: &["kind"],
    help: "What a look or a write could not do: busy, denied, garbled (an answer that makes no sense), lock, refused, unsupported",
    remedy: "The journal has the words and the way out. `denied`: a capability is missing. `lock`: somebody holds the xtables lock",
};
pub(super) static GENERATION: Row = Row {
    name: "chainkeeper_generation",
    kind: Kind::Gauge,
    labels: &[],
    help: "The generation of nf_tables at the last look; not in legacy",
    remedy: "",
};
pub(super) static RULE_PACKETS: Row = Row {
    name: "chainkeeper_rule_packets_total",
    kind: Kind::Counter,
    labels: &["family", "table", "chain", "rule"],
    help: "Packets that a rule of ours has counted since it was written (in table nat: connections). Begins anew after a repair",
    remedy: "",
};
pub(super) static RULE_BYTES: Row = Row {
    name: "chainkeeper_rule_bytes_total",
    kind: Kind::Counter,
    labels: &["family", "table", "chain", "rule"],
    help: "Their bytes",
    remedy: "",
};
pub(super) static GAP_FLOWS: Row = Row {
    name: "chainkeeper_gap_flows_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Connections that began in a gap and have no source translation: an upper bound of those that lack it",
    remedy: "They stay so until they end: see --heal-flows",
};
pub(super) static GAP_FLOWS_ENDED: Row = Row {
    name: "chainkeeper_gap_flows_ended_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Of these, those that were ended (--heal-flows)",
    remedy: "",
};
pub(super) static CULPRITS: Row = Row {
    name: "chainkeeper_culprits_total",
    kind: Kind::Counter,
    labels: &["command"],
    help: "Who took something, by command name: at most 20 names, the others together as other; unknown: nobody could be named alone",
    remedy: "Tell that program to leave the chains alone, or chainkeeper to leave them to it (--keep)",
};
pub(super) static CONFIG_RELOADS: Row = Row {
    name: "chainkeeper_config_reloads_total",
    kind: Kind::Counter,
    labels: &["result"],
    help: "Times that the configuration was read anew (SIGHUP)",
    remedy: "",
};
pub(super) static CONFIG_LAST_RELOAD: Row = Row {
    name: "chainkeeper_config_last_reload_success",
    kind: Kind::Gauge,
    labels: &[],
    help: "0: the last reload was refused, and the configuration before it counts",
    remedy: "`chainkeeper config check` says what is wrong",
};
pub(super) static PROCESS_CPU: Row = Row {
    name: "process_cpu_seconds_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Processor time of the service, in user and system mode",
    remedy: "",
};
pub(super) static PROCESS_FDS: Row = Row {
    name: "process_open_fds",
    kind: Kind::Gauge,
    labels: &[],
    help: "Open descriptors",
    remedy: "Rising without end: a bug, please report it",
};
pub(super) static PROCESS_MAX_FDS: Row = Row {
    name: "process_max_fds",
    kind: Kind::Gauge,
    labels: &[],
    help: "How many descriptors there may be",
    remedy: "",
};
pub(super) static PROCESS_VIRTUAL: Row = Row {
    name: "process_virtual_memory_bytes",
    kind: Kind::Gauge,
    labels: &[],
    help: "Address space",
    remedy: "",
};
pub(super) static PROCESS_RESIDENT: Row = Row {
    name: "process_resident_memory_bytes",
    kind: Kind::Gauge,
    labels: &[],
    help: "Memory in use",
    remedy: "",
};
pub(super) static PROCESS_START: Row = Row {
    name: "process_start_time_seconds",
    kind: Kind::Gauge,
    labels: &[],
    help: "When it started, in seconds since 1970",
    remedy: "Changes often: it is restarted; see its last journal",
};
pub(super) static PROCESS_THREADS: Row =
    Row { name: "process_threads", kind: Kind::Gauge, labels: &[], help: "Threads", remedy: "" };

/// All, in the order in which they are served.
pub static TABLE: [&Row; 38] = [
    &BUILD_INFO,
    &BACKEND_INFO,
    &MIXED_HOST,
    &OBSERVE,
    &IN_SYNC,
    &MISSING,
    &LOSSES,
    &REPAIRS,
    &WOULD_REPAIRS,
    &RETURNS,
    &GAP_SECONDS,
    &DETECTION_SECONDS,
    &REPAIR_SECONDS,
    &COMMITS,
    &COMMIT_RESTARTS,
    &LOOKS,
    &LAST_LOOK,
    &OVERRUNS,
    &YIELDS,
    &YIELDED_CHAINS,
    &PAUSES,
    &PAUSED,
    &ERRORS,
    &GENERATION,
    &RULE_PACKETS,
    &RULE_BYTES,
    &GAP_FLOWS,
    &GAP_FLOWS_ENDED,
    &CULPRITS,
    &CONFIG_RELOADS,
    &CONFIG_LAST_RELOAD,
    &PROCESS_CPU,
    &PROCESS_FDS,
    &PROCESS_MAX_FDS,
    &PROCESS_VIRTUAL,
    &PROCESS_RESIDENT,
    &PROCESS_START,
    &PROCESS_THREADS,
];
