//! One line of the journal, in each of its forms.
use crate::report::length;
use crate::safe;
use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};
use std::fmt;
use std::time::{Duration, SystemTime};
use tracing::Level;
use tracing::field::{Field, Visit};

/// What was said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) message: String,
    /// Those that have a value, in their order.
    pub(super) fields: Vec<(&'static str, Value)>,
}

impl Line {
    pub(super) fn of(event: &tracing::Event<'_>) -> Line {
        let level = *event.metadata().level();
        let mut line = Line { level, message: String::new(), fields: vec![] };
        event.record(&mut line);
        line
    }

    /// Nobody took so many.
    pub(super) fn lost(count: u64) -> Line {
        let message = format!("the journal did not take the last {count} lines");
        Line { level: Level::WARN, message, fields: vec![("lost", count.into())] }
    }

    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// What is counted together: an event by what it is, else the same words up to numbers. Each chain that is
    /// given up is told.
    pub(super) fn kind(&self) -> String {
        let word = |name| self.field(name).and_then(Value::as_str);
        if let Some(event) = word("event") {
            let chain = ["yielded", "recovered"].contains(&event).then(|| word("chains"));
            let parts = [Some(event), word("outcome"), chain.flatten()];
            return format!("event {}", parts.into_iter().flatten().collect::<Vec<_>>().join(" "));
        }
        let mut kind = format!("{} ", self.level);
        for c in self.message.chars() {
            match c.is_ascii_digit() {
                true if kind.ends_with('#') => {}
                true => kind.push('#'),
                false => kind.push(c),
            }
        }
        kind
    }

    /// It stands for so many.
    pub(super) fn repeated(&mut self, count: u64, within: Duration) {
        let within = length(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
        let times = if count == 1 { "once".into() } else { format!("{count} times") };
        self.message = format!("{} (said {times} more in {within})", self.message.trim_end());
        self.fields.push(("repeated", count.into()));
    }

    /// For people. What an event has in its fields is in its words, too.
    pub(super) fn text(&self, time: bool, terminal: bool) -> String {
        let time = if time { format!("{} ", now()) } else { String::new() };
        let style = Style::new().fg_color(Some(self.colour().into()));
        let level = format!("{style}{:>5}{style:#}", self.level);
        let message = match terminal {
            true => safe::text(self.message.trim_end()),
            false => one_line(&self.message),
        };
        let told = self.field("event").is_some();
        let more = self.fields.iter().filter(|(name, _)| !told && *name != "repeated");
        let more: String =
            more.map(|(name, value)| safe::line(&format!(" {name}={value}"))).collect();
        format!("{time}{level} {message}{more}\n")
    }

    /// One object.
    pub(super) fn json(&self) -> String {
        let mut object = Map::new();
        object.insert("timestamp".into(), json!(now()));
        object.insert("level".into(), json!(self.level.as_str()));
        object.insert("message".into(), json!(self.message));
        object.extend(self.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        format!("{}\n", safe::json(&Value::Object(object).to_string()))
    }

    fn colour(&self) -> AnsiColor {
        match self.level {
            Level::ERROR => AnsiColor::Red,
            Level::WARN => AnsiColor::Yellow,
            Level::INFO => AnsiColor::Green,
            Level::DEBUG => AnsiColor::Blue,
            Level::TRACE => AnsiColor::Magenta,
        }
    }

    fn put(&mut self, field: &Field, value: Value) {
        self.fields.push((field.name(), value));
    }
}

/// UTC: what is compared with other logs has to agree with them.
fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

/// Cause and way out behind each other; nothing in it that a terminal or a log obeys.
fn one_line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = text.lines().enumerate().map(|(n, line)| match n {
        0 => line.trim_end().to_owned(),
        _ => words(line),
    });
    safe::line(&lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; "))
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!((value * 10.0).round() / 10.0));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            _ => self.put(field, json!(value)),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, fields: Vec<(&'static str, Value)>) -> Line {
        Line { level: Level::WARN, message: message.into(), fields }
    }

    #[test]
    fn the_same_words_up_to_numbers_are_of_a_kind() {
        let kind = |text| line(text, vec![]).kind();
        assert_eq!(kind("pid 4121 at 10.5 s"), kind("pid 7 at 2.25 s"));
        assert_ne!(kind("pid 4121"), kind("uid 4121"));
        let event = |event: &str, chain: &str| {
            let fields = vec![("event", json!(event)), ("chains", json!(chain))];
            line("some words", fields).kind()
        };
        assert_eq!(event("gap", "a"), event("gap", "b"));
        assert_ne!(event("yielded", "a"), event("yielded", "b"));
    }

    /// A pass that fails, and works a second later, for an hour; each time with another number.
    #[test]
    fn passes_that_fail_now_and_then_take_few_lines_and_none_is_lost() {
        let (mut often, mut lines, mut all) = (super::super::Often::default(), 0, 0);
        for n in 0..3600_u64 {
            let now = Duration::from_secs(n);
            let line = match n % 2 {
                0 => line(&format!("ip: iptables-legacy-save: exit {n}, pid {}", 2 * n), vec![]),
                _ => line("well again", vec![]),
            };
            let sums: Vec<u64> = often.due(now).iter().map(|sum| sum.count).collect();
            lines += sums.len();
            all += sums.iter().sum::<u64>();
            if often.hear(now, &line.kind(), line).is_some() {
                (lines, all) = (lines + 1, all + 1);
            }
        }
        let end = often.end(Duration::from_secs(3600));
        all += end.iter().map(|sum| sum.count).sum::<u64>();
        assert_eq!(all, 3600);
        assert!(lines + end.len() < 40, "{lines}");
    }

    #[test]
    fn in_a_file_it_is_one_line_and_on_a_terminal_as_it_was_meant() {
        let screen = line("error: no\n  why   because\n  do    that\u{1b}[2J\n", vec![]);
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
        assert_eq!(
            screen.text(false, false),
            "\u{1b}[33m WARN\u{1b}[0m no; why because; do that\\u{1b}[2J\n"
        );
        let shown = line("no\n  why   because\n", vec![]).text(false, true);
        assert_eq!(plain(shown), " WARN no\n  why   because\n");
        let timed = plain(line("x", vec![]).text(true, false));
        assert!(timed.len() == "2026-11-26T02:17:31.085Z  WARN x\n".len(), "{timed}");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let mut line = line("two\nlines", vec![("event", json!("gap")), ("took_ms", json!(1.8))]);
        line.repeated(57, Duration::from_secs(600));
        let text = line.json();
        assert_eq!(text.matches('\n').count(), 1);
        let object: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object["message"], "two\nlines (said 57 times more in 10 min)");
        assert_eq!((&object["took_ms"], &object["repeated"]), (&json!(1.8), &json!(57)));
        assert_eq!((&object["level"], &object["event"]), (&json!("WARN"), &json!("gap")));
    }
}
