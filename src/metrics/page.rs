//! The page `docs/metrics.md`, from the table.
use super::{Kind, Row, TABLE};
use std::fmt::Write as _;

const HEAD: &str = "# Metrics

Made from the program's own table: `make docs` writes this page, a test fails when it lags.

`run --metrics-bind-address 9253` serves them at `http://127.0.0.1:9253/metrics`, as plain text or, to whoever
asks for it, as OpenMetrics. Beside them:

- `/livez`: 200, or 503 with the reason when the service hangs and only a restart helps.
- `/readyz`: 200 when everything that is kept is in place, else 503 with what is not.

It is for Prometheus alone to read: nothing can be changed there, and there is no TLS and no login. Leave it
on 127.0.0.1, or bind it to an address that only your Prometheus can reach.

Every name below begins with `chainkeeper_`, but for those of the process. A counter begins at 0 with the
service.
";

/// As Markdown.
pub fn page() -> String {
    let mut page = format!(
        "{HEAD}\n| name | kind | labels | what it says | when it is bad |\n|---|---|---|---|---|\n"
    );
    for Row { name, kind, labels, help, remedy, .. } in TABLE {
        let name = name.strip_prefix("chainkeeper_").unwrap_or(name);
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let labels = labels.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(page, "| `{name}` | {kind} | {labels} | {help} | {remedy} |");
    }
    page
}
