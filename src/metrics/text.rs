//! Values as text, in both formats that Prometheus reads. How they are written is the library's.
use super::{Kind, Row};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What every scraper reads.
    Text,
    /// Its successor.
    OpenMetrics,
}

impl Form {
    /// By the header `Accept`: OpenMetrics where it is liked as much as plain text.
    pub fn of(accept: &str) -> Form {
        let liked = |kinds: &[&str]| {
            let ranges = accept.split(',').map(|range| range.split(';').map(str::trim));
            let liking = ranges.filter_map(|mut range| {
                let kind = range.next()?.to_ascii_lowercase();
                let q = range.find_map(|word| word.strip_prefix("q=")?.parse::<f64>().ok());
                kinds.contains(&kind.as_str()).then_some(q.unwrap_or(1.0))
            });
            liking.fold(0.0, f64::max)
        };
        let open = liked(&["application/openmetrics-text"]);
        match open > 0.0 && open >= liked(&["text/plain", "text/*", "*/*"]) {
            true => Form::OpenMetrics,
            false => Form::Text,
        }
    }

    /// The header `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Form::Text => prometheus_text::CONTENT_TYPE,
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// One value.
#[derive(Debug)]
pub(super) enum Value {
    Count(u64),
    Number(f64),
    Times(Histogram),
}

/// The values of a metric, by the values of its labels.
pub(super) type Values = Vec<(Vec<String>, Value)>;

/// Each metric with its values.
#[derive(Debug, Default)]
pub(super) struct Sheet(Vec<(&'static Row, Values)>);

impl Sheet {
    pub(super) fn put(&mut self, row: &'static Row, values: Values) {
        self.0.push((row, values));
    }

    pub(super) fn write(self, form: Form) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        registry.register_collector(Box::new(self));
        let written = match form {
            Form::Text => prometheus_text::encode(&mut text, &registry),
            Form::OpenMetrics => text::encode(&mut text, &registry),
        };
        // Writing into a String cannot fail.
        written.map_or_else(|_| String::new(), |()| text)
    }
}

impl Collector for Sheet {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (row, values) in self.0.iter().filter(|(_, values)| !values.is_empty()) {
            // The library appends it.
            let name = row.name.strip_suffix("_total").unwrap_or(row.name);
            let kind = match row.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram(_) => MetricType::Histogram,
            };
            let mut metric = encoder.encode_descriptor(name, row.help, None, kind)?;
            for (values, value) in values {
                let labels: Vec<(&str, &str)> =
                    row.labels.iter().copied().zip(values.iter().map(String::as_str)).collect();
                let one = metric.encode_family(&labels)?;
                match (value, row.kind) {
                    (Value::Count(n), Kind::Counter) => ConstCounter::new(*n).encode(one)?,
                    (Value::Number(n), Kind::Counter) => ConstCounter::new(*n).encode(one)?,
                    (Value::Count(n), _) => {
                        ConstGauge::new(i64::try_from(*n).unwrap_or(i64::MAX)).encode(one)?;
                    }
                    (Value::Number(n), _) => ConstGauge::new(*n).encode(one)?,
                    (Value::Times(histogram), _) => histogram.encode(one)?,
                }
            }
        }
        Ok(())
    }
}
