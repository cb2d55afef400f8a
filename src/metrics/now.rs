//! What there is to say now, beside what was counted.
use super::table::{self, Source};
use super::text::{Sheet, Value, Values};
use super::{Form, KINDS, Looked, Metrics, Row, Usage, gaps, result, word};
use crate::backends;
use crate::damage::{Damage, Loss};
use crate::probe::{Basis, Choice};
use crate::reconcile::Counted;
use crate::status::{Status, TableState};
use chainkeeper_contract::{Family, Table};
use std::collections::BTreeMap;
use std::time::Duration;

/// How it is.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// The service.
    pub status: &'a Status,
    /// What is missing.
    pub damage: &'a Damage,
    /// The backend.
    pub choice: &'a Choice,
    /// Nothing is written.
    pub observes: bool,
    /// What our rules have counted.
    pub counted: &'a [Counted],
    /// What the process uses.
    pub usage: &'a Usage,
    /// Since 1970.
    pub wall: Duration,
}

impl Metrics {
    /// All of it.
    pub fn page(&self, now: &Now<'_>, form: Form) -> String {
        let mut sheet = Sheet::default();
        for row in table::TABLE {
            sheet.put(row, self.values(row, now));
        }
        sheet.write(form)
    }

    fn values(&self, row: &'static Row, now: &Now<'_>) -> Values {
        match row.source {
            Source::Counted => self.counts(row, now.status),
            Source::Kept(values) => values(self),
            Source::Now(values) => values(now),
        }
    }

    pub(super) fn culprits(&self) -> Values {
        let all = self.culprits.all();
        all.map(|(name, count)| (vec![name.clone()], Value::Count(count))).collect()
    }

    /// What was counted; 0 where nothing was, so that the first time is seen to be one more.
    fn counts(&self, row: &Row, status: &Status) -> Values {
        let mut counts: BTreeMap<Vec<String>, u64> =
            zeros(row, status).into_iter().map(|labels| (labels, 0)).collect();
        let counted = self.counts.iter().filter(|((name, _), _)| *name == row.name);
        counts.extend(counted.map(|((_, labels), count)| (labels.clone(), *count)));
        counts.into_iter().map(|(labels, count)| (labels, Value::Count(count))).collect()
    }
}

/// The label values that are known beforehand.
fn zeros(row: &Row, status: &Status) -> Vec<Vec<String>> {
    let kinds = gaps::parts(&Loss::default()).map(|(kind, _)| kind);
    let words = |words: &[&str]| words.iter().map(|word| vec![(*word).to_owned()]).collect();
    match row.labels {
        [] => vec![vec![]],
        ["family", "table"] => places(status).map(|place| labels(place, &[])).collect(),
        ["family", "table", "kind"] => {
            places(status).flat_map(|place| kinds.map(|kind| labels(place, &[kind]))).collect()
        }
        ["result"] => words(&[true, false].map(result)),
        ["kind"] if row.name == table::LOOKS.name => {
            words(&[Looked::Glance, Looked::Pass, Looked::Write].map(word))
        }
        ["kind"] => words(&KINDS),
        _ => vec![],
    }
}

/// Each table of each family.
fn places(status: &Status) -> impl Iterator<Item = (Family, Table)> {
    let tables = |(family, tables): (&Family, &BTreeMap<Table, TableState>)| {
        tables.keys().map(|table| (*family, *table)).collect::<Vec<_>>()
    };
    status.families.iter().flat_map(tables)
}

fn labels((family, table): (Family, Table), more: &[&str]) -> Vec<String> {
    let more = more.iter().map(|word| (*word).to_owned());
    [family.to_string(), table.to_string()].into_iter().chain(more).collect()
}

pub(super) fn one(value: Value) -> Values {
    vec![(vec![], value)]
}

/// What is not known is left out.
pub(super) fn maybe(value: Option<Value>) -> Values {
    value.map(one).unwrap_or_default()
}

pub(super) fn flag(is: bool) -> Value {
    Value::Count(u64::from(is))
}

pub(super) fn count(n: usize) -> Value {
    Value::Count(n as u64)
}

pub(super) fn build_info(now: &Now<'_>) -> Values {
    vec![(vec![now.status.version.clone(), backends::ENCODER.into()], Value::Count(1))]
}

pub(super) fn backend_info(now: &Now<'_>) -> Values {
    let Choice { kind, basis, row, .. } = now.choice;
    let labels = vec![kind.to_string(), basis_word(*basis).into(), (*row).to_owned()];
    vec![(labels, Value::Count(1))]
}

pub(super) fn in_sync(now: &Now<'_>) -> Values {
    let looked = now.status.looked_ms.is_some();
    let tables = now.status.families.iter();
    let states =
        tables.flat_map(|(f, tables)| tables.iter().map(move |(t, state)| (*f, *t, state)));
    states.map(|(f, t, state)| (labels((f, t), &[]), flag(state.is_fine() && looked))).collect()
}

pub(super) fn last_look(now: &Now<'_>) -> Values {
    maybe(now.status.looked_ms.map(|ago| {
        let at = now.wall.saturating_sub(Duration::from_millis(ago));
        Value::Number((at.as_secs_f64() * 1e3).round() / 1e3)
    }))
}

pub(super) fn missing(now: &Now<'_>) -> Values {
    let none = zeros(&table::MISSING, now.status).into_iter().map(|labels| (labels, 0));
    let mut missing: BTreeMap<Vec<String>, u64> = none.collect();
    for (key, loss) in &now.damage.0 {
        for (kind, count) in gaps::parts(loss) {
            *missing.entry(labels((key.family, key.table), &[kind])).or_default() += count;
        }
    }
    missing.into_iter().map(|(labels, count)| (labels, Value::Count(count))).collect()
}

pub(super) fn rules(now: &Now<'_>, count: impl Fn(&Counted) -> u64) -> Values {
    let one = |c: &Counted| {
        let labels = labels((c.family, c.table), &[&c.chain.to_string(), &c.rule]);
        (labels, Value::Count(count(c)))
    };
    now.counted.iter().map(one).collect()
}

fn basis_word(basis: Basis) -> &'static str {
    match basis {
        Basis::Asked => "asked",
        Basis::Evidence => "evidence",
        Basis::Remembered => "remembered",
        Basis::Nothing => "nothing",
    }
}
