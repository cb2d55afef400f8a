//! The rows of the table, and how they are made.
use super::{Kind, Row, Source};
use crate::metrics::Metrics;
use crate::metrics::now::{self, Now, count, flag, maybe, one};
use crate::metrics::text::{Value, Values};

const GAPS: &[f64] =
    &[0.01, 0.05, 0.1, 0.25, 0.3, 0.4, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
const WRITES: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
const DETECTIONS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0, 60.0];

pub(super) const NONE: &[&str] = &[];
const TABLE: &[&str] = &["family", "table"];
const KINDS: &[&str] = &["family", "table", "kind"];
const RULE: &[&str] = &["family", "table", "chain", "rule"];

pub(super) const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    remedy: &'static str,
) -> Row {
    Row { name, kind: Kind::Counter, labels, help, remedy, source: Source::Counted }
}

pub(super) const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    remedy: &'static str,
) -> Row {
    Row { name, kind: Kind::Gauge, labels, help, remedy, source: Source::Counted }
}

const fn seconds(
    name: &'static str,
    bounds: &'static [f64],
    help: &'static str,
    remedy: &'static str,
) -> Row {
    let (kind, source) = (Kind::Histogram(bounds), Source::Counted);
    Row { name, kind, labels: NONE, help, remedy, source }
}

impl Row {
    /// Its values are a matter of now.
    pub(super) const fn now(self, values: fn(&Now<'_>) -> Values) -> Row {
        Row { source: Source::Now(values), ..self }
    }

    /// Its values are kept apart from what is only counted.
    const fn kept(self, values: fn(&Metrics) -> Values) -> Row {
        Row { source: Source::Kept(values), ..self }
    }
}

pub(crate) static BUILD_INFO: Row = gauge(
    "chainkeeper_build_info",
    &["version", "encoder"],
    "Always 1: the version, and which encoder writes",
    "",
)
.now(now::build_info);
pub(crate) static BACKEND_INFO: Row = gauge(
    "chainkeeper_backend_info",
    &["backend", "basis", "row"],
    "Always 1: the backend in use, what the choice rests on (asked, evidence, remembered, \
     nothing) and the row of decision 0005",
    "Another row or backend than yesterday: `chainkeeper probe` says why",
)
.now(now::backend_info);
pub(crate) static MIXED_HOST: Row = gauge(
    "chainkeeper_mixed_host",
    NONE,
    "1: the last choice of a backend found rules of others in both. With --backend nothing is \
     compared: 0",
    "Find who writes to the other backend (`chainkeeper probe`): packets pass both",
)
.now(|now| one(flag(now.choice.is_mixed())));
pub(crate) static OBSERVE: Row =
    gauge("chainkeeper_observe", NONE, "1: nothing is written (run --observe)", "")
        .now(|now| one(flag(now.observes)));
pub(crate) static IN_SYNC: Row = gauge(
    "chainkeeper_in_sync",
    TABLE,
    "1: nothing that is kept of the table is missing, and it could be read (as status and /readyz say; what is only watched shows in missing)",
    "`chainkeeper status` says what is missing, and `missing` how much. Alert on \
     `min(chainkeeper_in_sync) == 0` for minutes, not seconds",
).now(now::in_sync);
pub(crate) static MISSING: Row = gauge(
    "chainkeeper_missing",
    KINDS,
    "What is missing now: chains, rules and jumps that are not there; changed: chains that are \
     whole, but not as they should be",
    "As `in_sync`; a pause, a yielded chain or an error is why it stays",
)
.now(now::missing);
pub(crate) static LOSSES: Row = counter(
    "chainkeeper_losses_total",
    KINDS,
    "What others took, as it was at worst. Counted when it is back, or (of what is only watched) \
     when it would be repaired. What is yielded is not",
    "See `culprits`; `chainkeeper events` has each",
);
pub(crate) static REPAIRS: Row = counter(
    "chainkeeper_repairs_total",
    TABLE,
    "Repairs that brought back something of the table",
    "Rising without end: somebody fights. See `culprits` and `yields`",
);
pub(crate) static WOULD_REPAIRS: Row = counter(
    "chainkeeper_would_repairs_total",
    TABLE,
    "Repairs that were not made because the table is only watched (--observe, --keep)",
    "What `run` without --observe would have done",
);
pub(crate) static RETURNS: Row = counter(
    "chainkeeper_returns_total",
    TABLE,
    "Losses that somebody else put back",
    "A kubelet or an agent repairs, too: fine",
);
pub(crate) static GAP_SECONDS: Row = seconds(
    "chainkeeper_gap_seconds",
    GAPS,
    "From when the first commit that took something was heard of until nothing of it was missing",
    "Longer than `settle` by more than a second: see `repair_seconds`, `errors` and \
     `commit_restarts`; or others commit without rest",
)
.kept(|metrics| one(Value::Times(metrics.gaps.clone())));
pub(crate) static DETECTION_SECONDS: Row = seconds(
    "chainkeeper_detection_seconds",
    DETECTIONS,
    "From when the first commit that took something was heard of until a look had shown it; of what was repaired",
    "Long: `overruns`, or news that are only asked for (`chainkeeper status`)",
)
.kept(|metrics| one(Value::Times(metrics.detections.clone())));
pub(crate) static REPAIR_SECONDS: Row = seconds(
    "chainkeeper_repair_seconds",
    WRITES,
    "Of each repair, from its look to its last answer",
    "Long: a busy machine, big foreign tables, or the xtables lock (legacy)",
)
.kept(|metrics| one(Value::Times(metrics.repairs.clone())));
pub(crate) static COMMITS: Row = counter(
    "chainkeeper_commits_total",
    NONE,
    "Commits of ours to the kernel, the first ones too; in legacy one for each restore",
    "",
);
pub(crate) static COMMIT_RESTARTS: Row = counter(
    "chainkeeper_commit_restarts_total",
    NONE,
    "Writes that began anew because somebody committed between the look and the write",
    "Rising fast: somebody commits all the time (`nft monitor`)",
);
pub(crate) static LOOKS: Row = counter(
    "chainkeeper_looks_total",
    &["kind"],
    "Looks at the host: glance (after news), pass (each sync period), write (to repair)",
    "Glances rise with others' commits. No passes: it hangs",
);
pub(crate) static LAST_LOOK: Row = gauge(
    "chainkeeper_last_look_timestamp_seconds",
    NONE,
    "When something could be read last, in seconds since 1970",
    "Older than three sync periods: see `errors` and /livez",
)
.now(now::last_look);
pub(crate) static OVERRUNS: Row = counter(
    "chainkeeper_overruns_total",
    NONE,
    "News of others' commits that were lost; it looks then",
    "Rising: very many commits; nothing is missed for longer than a look takes",
);
pub(crate) static YIELDS: Row = counter(
    "chainkeeper_yields_total",
    &["family", "table", "chain"],
    "Times that a chain was left to others who kept undoing it",
    "`chainkeeper status` names who. Stop one of the two, or leave the chain out of --keep",
);
pub(crate) static YIELDED_CHAINS: Row =
    gauge("chainkeeper_yielded_chains", NONE, "Chains that are left to others now", "As `yields`")
        .now(|now| one(count(now.status.yielded.len())));
pub(crate) static PAUSES: Row =
    counter("chainkeeper_pauses_total", NONE, "Pauses that somebody asked for", "");
pub(crate) static PAUSED: Row = gauge(
    "chainkeeper_paused",
    NONE,
    "1: nothing is written, as somebody asked",
    "`chainkeeper resume` ends it",
)
.now(|now| one(flag(now.status.paused_ms.is_some())));
pub(crate) static ERRORS: Row = counter(
    "chainkeeper_errors_total",
    &["kind"],
    "What a look or a write could not do: busy, denied, garbled (an answer that makes no sense), \
     lock, refused, unsupported",
    "The journal has the words and the way out. `denied`: a capability is missing. `lock`: \
     somebody holds the xtables lock",
);
pub(crate) static GENERATION: Row = gauge(
    "chainkeeper_generation",
    NONE,
    "The generation of nf_tables at the last look; not in legacy",
    "",
)
.now(|now| maybe(now.status.generation.map(u64::from).map(Value::Count)));
pub(crate) static RULE_PACKETS: Row = counter(
    "chainkeeper_rule_packets_total",
    RULE,
    "Packets that a rule of ours has counted since it was written (in table nat: connections). \
     Begins anew after a repair",
    "",
)
.now(|now| now::rules(now, |counted| counted.packets));
pub(crate) static RULE_BYTES: Row =
    counter("chainkeeper_rule_bytes_total", RULE, "Their bytes", "")
        .now(|now| now::rules(now, |counted| counted.bytes));
pub(crate) static GAP_FLOWS: Row = counter(
    "chainkeeper_gap_flows_total",
    NONE,
    "Connections that began in a gap and have no source translation: an upper bound of those that \
     lack it",
    "They stay so until they end: see --heal-flows",
);
pub(crate) static GAP_FLOWS_ENDED: Row = counter(
    "chainkeeper_gap_flows_ended_total",
    NONE,
    "Of these, those that were ended (--heal-flows)",
    "",
);
pub(crate) static CULPRITS: Row = counter(
    "chainkeeper_culprits_total",
    &["command"],
    "Who took something, by command name: at most 20 names, the others together as other; \
     unknown: nobody could be named alone",
    "Tell that program to leave the chains alone, or chainkeeper to leave them to it (--keep)",
)
.kept(Metrics::culprits);
pub(crate) static CONFIG_RELOADS: Row = counter(
    "chainkeeper_config_reloads_total",
    &["result"],
    "Times that the configuration was read anew (SIGHUP)",
    "",
);
pub(crate) static CONFIG_LAST_RELOAD: Row = gauge(
    "chainkeeper_config_last_reload_success",
    NONE,
    "0: the last reload was refused, and the configuration before it counts",
    "`chainkeeper config check` says what is wrong",
)
.kept(|metrics| one(flag(!metrics.refused)));
