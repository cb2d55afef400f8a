//! What there is to say now, beside what was counted.
use super::text::{Sheet, Value, Values};
use super::{Form, KINDS, Looked, Metrics, Row, Usage, gaps, result, table, word};
use crate::backends;
use crate::damage::{Damage, Loss};
use crate::probe::{Basis, Choice};
use crate::reconcile::Counted;
use crate::status::{State, Status};
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
        let name = |other: &Row| row.name == other.name;
        if name(&table::GAP_SECONDS) {
            return one(Value::Times(self.gaps.clone()));
        } else if name(&table::REPAIR_SECONDS) {
            return one(Value::Times(self.repairs.clone()));
        } else if name(&table::DETECTION_SECONDS) {
            return one(Value::Times(self.detections.clone()));
        } else if name(&table::CULPRITS) {
            let all = self.culprits.all();
            return all.map(|(name, count)| (vec![name.clone()], Value::Count(count))).collect();
        } else if name(&table::CONFIG_LAST_RELOAD) {
            return one(flag(!self.refused));
        }
        now.values(row).unwrap_or_else(|| self.counts(row, now.status))
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
    let tables = |(family, tables): (&Family, &BTreeMap<Table, State>)| {
        tables.keys().map(|table| (*family, *table)).collect::<Vec<_>>()
    };
    status.families.iter().flat_map(tables)
}

fn labels((family, table): (Family, Table), more: &[&str]) -> Vec<String> {
    let more = more.iter().map(|word| (*word).to_owned());
    [family.to_string(), table.to_string()].into_iter().chain(more).collect()
}

fn one(value: Value) -> Values {
    vec![(vec![], value)]
}

fn flag(is: bool) -> Value {
    Value::Count(u64::from(is))
}

impl Now<'_> {
    /// `None`: it is counted.
    fn values(&self, row: &Row) -> Option<Values> {
        let name = |other: &Row| row.name == other.name;
        let Now { status, usage, .. } = self;
        let maybe = |value: Option<Value>| value.map(one).unwrap_or_default();
        Some(if name(&table::BUILD_INFO) {
            vec![(vec![status.version.clone(), backends::ENCODER.into()], Value::Count(1))]
        } else if name(&table::BACKEND_INFO) {
            let Choice { kind, basis, row, .. } = self.choice;
            let labels = vec![kind.to_string(), basis_word(*basis).into(), (*row).to_owned()];
            vec![(labels, Value::Count(1))]
        } else if name(&table::MIXED_HOST) {
            one(flag(self.choice.is_mixed()))
        } else if name(&table::OBSERVE) {
            one(flag(self.observes))
        } else if name(&table::IN_SYNC) {
            let state = |(family, table): (Family, Table)| {
                status.families.get(&family).and_then(|tables| tables.get(&table)).copied()
            };
            let looked = status.looked_ms.is_some();
            let is = |place| flag(state(place).is_some_and(State::is_fine) && looked);
            places(status).map(|place| (labels(place, &[]), is(place))).collect()
        } else if name(&table::MISSING) {
            self.missing(row)
        } else if name(&table::LAST_LOOK) {
            maybe(status.looked_ms.map(|ago| {
                let at = self.wall.saturating_sub(Duration::from_millis(ago));
                Value::Number((at.as_secs_f64() * 1e3).round() / 1e3)
            }))
        } else if name(&table::YIELDED_CHAINS) {
            one(Value::Count(status.yielded.len() as u64))
        } else if name(&table::PAUSED) {
            one(flag(status.paused_ms.is_some()))
        } else if name(&table::GENERATION) {
            maybe(status.generation.map(|generation| Value::Count(generation.into())))
        } else if name(&table::RULE_PACKETS) {
            self.rules(|counted| counted.packets)
        } else if name(&table::RULE_BYTES) {
            self.rules(|counted| counted.bytes)
        } else if name(&table::PROCESS_CPU) {
            maybe(usage.cpu.map(Value::Number))
        } else if name(&table::PROCESS_FDS) {
            maybe(usage.fds.map(Value::Count))
        } else if name(&table::PROCESS_MAX_FDS) {
            maybe(usage.most_fds.map(Value::Count))
        } else if name(&table::PROCESS_VIRTUAL) {
            maybe(usage.virtual_memory.map(Value::Count))
        } else if name(&table::PROCESS_RESIDENT) {
            maybe(usage.resident_memory.map(Value::Count))
        } else if name(&table::PROCESS_START) {
            maybe(usage.start.map(Value::Number))
        } else if name(&table::PROCESS_THREADS) {
            maybe(usage.threads.map(Value::Count))
        } else {
            return None;
        })
    }

    fn missing(&self, row: &Row) -> Values {
        let none = zeros(row, self.status).into_iter().map(|labels| (labels, 0));
        let mut missing: BTreeMap<Vec<String>, u64> = none.collect();
        for (key, loss) in &self.damage.0 {
            for (kind, count) in gaps::parts(loss) {
                *missing.entry(labels((key.family, key.table), &[kind])).or_default() += count;
            }
        }
        missing.into_iter().map(|(labels, count)| (labels, Value::Count(count))).collect()
    }

    fn rules(&self, count: impl Fn(&Counted) -> u64) -> Values {
        let one = |c: &Counted| {
            let labels = labels((c.family, c.table), &[&c.chain.to_string(), &c.rule]);
            (labels, Value::Count(count(c)))
        };
        self.counted.iter().map(one).collect()
    }
}

fn basis_word(basis: Basis) -> &'static str {
    match basis {
        Basis::Asked => "asked",
        Basis::Evidence => "evidence",
        Basis::Remembered => "remembered",
        Basis::Nothing => "nothing",
    }
}
