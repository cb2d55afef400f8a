//! The rows of the process, by the names that every program has for them.
use super::Row;
use super::rows::{NONE, counter, gauge};
use crate::metrics::now::maybe;
use crate::metrics::text::Value;

pub(crate) static PROCESS_CPU: Row = counter(
    "process_cpu_seconds_total",
    NONE,
    "Processor time of the service, in user and system mode",
    "",
)
.now(|now| maybe(now.usage.cpu.map(Value::Number)));
pub(crate) static PROCESS_FDS: Row = gauge(
    "process_open_fds",
    NONE,
    "Open descriptors",
    "Rising without end: a bug, please report it",
)
.now(|now| maybe(now.usage.fds.map(Value::Count)));
pub(crate) static PROCESS_MAX_FDS: Row =
    gauge("process_max_fds", NONE, "How many descriptors there may be", "")
        .now(|now| maybe(now.usage.most_fds.map(Value::Count)));
pub(crate) static PROCESS_VIRTUAL: Row =
    gauge("process_virtual_memory_bytes", NONE, "Address space", "")
        .now(|now| maybe(now.usage.virtual_memory.map(Value::Count)));
pub(crate) static PROCESS_RESIDENT: Row =
    gauge("process_resident_memory_bytes", NONE, "Memory in use", "")
        .now(|now| maybe(now.usage.resident_memory.map(Value::Count)));
pub(crate) static PROCESS_START: Row = gauge(
    "process_start_time_seconds",
    NONE,
    "When it started, in seconds since 1970",
    "Changes often: it is restarted; see its last journal",
)
.now(|now| maybe(now.usage.start.map(Value::Number)));
pub(crate) static PROCESS_THREADS: Row = gauge("process_threads", NONE, "Threads", "")
    .now(|now| maybe(now.usage.threads.map(Value::Count)));
