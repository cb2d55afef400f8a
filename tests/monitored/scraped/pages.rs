//! What is counted and served, without a service: names of strangers, both formats, and the page.
use crate::support::{Scrape, promtool};
use chainkeeper::backends::Kind;
use chainkeeper::culprit::Culprit;
use chainkeeper::damage::Damage;
use chainkeeper::metrics::{Form, Metrics, Now, TABLE, Usage};
use chainkeeper::probe::{Basis, Choice};
use chainkeeper::status::{Day, Status};
use chainkeeper::story::{Event, Gap, Outcome, Suspects, What};
use std::time::Duration;

fn taken_by(name: &str) -> Event {
    let culprit = Culprit { name: Some(name.into()), ..Culprit::unknown_writer() };
    let by = vec![Suspects { any_of: vec![culprit], incomplete: false }];
    let outcome =
        Outcome::Repaired { quiet_ms: 1.0, took_ms: 2.0, detected_ms: Some(0.7), gap_ms: 260.0 };
    Event { number: 1, at_ms: 1, what: What::Gap(Gap { by, commits: None, took: vec![], outcome }) }
}

fn page(metrics: &Metrics, form: Form) -> String {
    let choice = Choice {
        kind: Kind::Legacy,
        row: "8b",
        why: "says so".into(),
        basis: Basis::Evidence,
        hint: true,
        warnings: vec![],
        not_chosen: String::new(),
    };
    let status: Status = serde_json::from_value(serde_json::json!({
        "version": "1", "pid": 1, "backend": "legacy", "why": "", "watch": "", "up_ms": 1,
        "generation": null, "looked_ms": null, "keep": "all", "families": {}, "errors": [],
        "problems": [], "yielded": [], "paused_ms": null, "counters": [], "day": Day::default(),
    }))
    .expect("a status");
    let now = Now {
        status: &status,
        damage: &Damage::default(),
        choice: &choice,
        observes: false,
        counted: &[],
        usage: &Usage::default(),
        wall: Duration::from_secs(1),
    };
    metrics.page(&now, form)
}

#[test]
fn a_thousand_names_make_at_most_22_series() {
    let mut metrics = Metrics::default();
    for name in (0..1000).map(|n| format!("name-{n}")).chain(["".into(), "other".into()]) {
        metrics.event(&taken_by(&name));
        metrics.event(&taken_by("name-3"));
    }
    let scrape = Scrape::of(&page(&metrics, Form::Text));
    assert_eq!(scrape.all("culprits_total").count(), 22);
    assert_eq!(scrape.sum("culprits_total"), 2004.0);
    assert_eq!(scrape.at("culprits_total{command=\"name-3\"}"), 1003.0);
    assert_eq!(scrape.at("culprits_total{command=\"unknown\"}"), 1.0);
}

#[test]
fn no_name_breaks_out_of_its_label() {
    let mut metrics = Metrics::default();
    for name in ["\"", "\\", "a\nb 1", "} 1 #", "\\n", "ü{}", "x\",y=\"z"] {
        metrics.event(&taken_by(name));
    }
    for form in [Form::Text, Form::OpenMetrics] {
        let page = page(&metrics, form);
        let lines: Vec<_> = page.lines().filter(|l| l.contains("culprits_total{")).collect();
        assert_eq!(lines.len(), 7, "{page}");
        assert!(lines.iter().all(|l| l.ends_with(" 1")), "{lines:?}");
        assert!(lines.iter().any(|l| l.contains("command=\"a\\nb 1\"")), "{lines:?}");
        if form == Form::Text {
            assert!(promtool(&page).is_none_or(|said| said.is_empty()), "{page}");
        }
    }
}

#[test]
fn each_format_is_given_to_whoever_asks_for_it() {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
                      application/openmetrics-text;version=0.0.1;q=0.4,\
                      text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for (accept, form) in [
        ("", Form::Text),
        ("*/*", Form::Text),
        ("text/plain", Form::Text),
        ("text/html, */*;q=0.1", Form::Text),
        ("application/openmetrics-text", Form::OpenMetrics),
        ("application/openmetrics-text, text/plain", Form::OpenMetrics),
        ("application/openmetrics-text;q=0, */*", Form::Text),
        ("application/openmetrics-text;q=0.1, text/plain;q=0.9", Form::Text),
        (prometheus, Form::OpenMetrics),
        (";;q=,q=x,,=;", Form::Text),
    ] {
        assert_eq!(Form::of(accept), form, "{accept}");
    }
    let metrics = Metrics::default();
    assert!(page(&metrics, Form::OpenMetrics).ends_with("# EOF\n"));
    assert!(!page(&metrics, Form::Text).contains("EOF"));
}

#[test]
fn what_is_unknown_is_left_out_and_no_name_is_there_twice() {
    let page = page(&Metrics::default(), Form::Text);
    for absent in ["process_", "last_look", "chainkeeper_generation"] {
        assert!(!page.contains(absent), "{absent} in {page}");
    }
    let mut names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TABLE.len());
}
