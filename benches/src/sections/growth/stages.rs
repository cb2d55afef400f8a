//! What a pass is made of, each part timed on its own.
use super::shape::with_other_bit;
use crate::samples::timed;
use crate::world::Raw;
use anyhow::{Context as _, ensure};
use chainkeeper_contract::{
    Backend, ChainSeen, Delta, End, Handle, Observed, Options, Outline, Plan, RuleSeen, Ruleset,
    Scope, Seen, Step, diff, teardown,
};
use chainkeeper_nft::netlink::Encoder;
use chainkeeper_nft::{Dialect, NftBackend, Setup, lower, raise};

/// A part, and how long it took, in ms.
pub(super) type Figures = Vec<(String, f64)>;

/// What is wanted, a backend that is to keep it, and a clock.
struct Bench<'a> {
    want: &'a Ruleset,
    backend: &'a mut dyn Backend,
    figures: Figures,
}

/// In memory, in the calling thread's network namespace, which is empty.
pub(super) fn nft(want: &Ruleset) -> anyhow::Result<Figures> {
    let mut encoders: Vec<NftBackend> = Vec::new();
    for encoder in Encoder::ALL {
        encoders.push(NftBackend::open(Setup { encoder: *encoder, ..Setup::default() })?);
    }
    let mut backend = NftBackend::open(Setup { encoder: Encoder::Pure, ..Setup::default() })?;
    let mut bench = Bench { want, backend: &mut backend, figures: vec![] };
    let nothing = bench.seen(None)?.1;
    bench.time("diff: all missing", |want| diff(want, &nothing, Options::default()));
    let plan = bench.repair()?;
    for (encoder, one) in Encoder::ALL.iter().zip(&mut encoders) {
        bench.time(&format!("encode, {}", encoder.name()), |_| one.batch(&plan))?;
    }
    bench.whole()?;
    bench.floors(&mut encoders[0])?;
    bench.raise()?;
    Ok(bench.figures)
}

/// By that backend, which runs programs.
pub(super) fn legacy(want: &Ruleset, backend: &mut dyn Backend) -> anyhow::Result<Figures> {
    let mut bench = Bench { want, backend, figures: vec![] };
    bench.whole()?;
    Ok(bench.figures)
}

impl Bench<'_> {
    fn time<T>(&mut self, name: &str, work: impl FnOnce(&Ruleset) -> T) -> T {
        let (ms, done) = timed(|| work(self.want));
        self.figures.push((name.to_owned(), ms));
        done
    }

    fn look(&mut self, scope: &Scope) -> anyhow::Result<(Option<u32>, Observed)> {
        let mut seen = self.backend.observe(scope)?;
        let family = seen.families.remove(&self.want.family).context("the family was not read")?;
        Ok((seen.generation, family?))
    }

    /// What is there; timed where it has a name.
    fn seen(&mut self, name: Option<&str>) -> anyhow::Result<(Option<u32>, Observed)> {
        let scope = Scope::of([self.want]);
        let (ms, seen) = timed(|| self.look(&scope));
        self.figures.extend(name.map(|name| (name.to_owned(), ms)));
        seen
    }

    fn plan(&self, generation: Option<u32>, delta: Delta) -> anyhow::Result<Plan> {
        ensure!(delta.problems.is_empty(), "{:?}", delta.problems);
        Ok(Plan { generation, families: [(self.want.family, delta.steps)].into() })
    }

    /// What brings everything in place.
    fn repair(&mut self) -> anyhow::Result<Plan> {
        let (generation, seen) = self.seen(None)?;
        self.plan(generation, diff(self.want, &seen, Options::default()))
    }

    /// What takes everything away.
    fn removal(&mut self, names: [&str; 2]) -> anyhow::Result<Plan> {
        let scope = Scope { references: true, ..Scope::of([self.want]) };
        let (ms, seen) = timed(|| self.look(&scope));
        let (generation, seen) = seen?;
        self.figures.push((names[0].to_owned(), ms));
        let delta = self.time(names[1], |want| teardown(want, &seen, false));
        self.plan(generation, delta)
    }

    /// Timed where it has a name.
    fn apply(&mut self, name: Option<&str>, plan: &Plan) -> anyhow::Result<()> {
        let (ms, applied) = timed(|| self.backend.apply(plan));
        self.figures.extend(name.map(|name| (name.to_owned(), ms)));
        for result in applied?.families.into_values() {
            result?;
        }
        Ok(())
    }

    /// Everything comes, one rule is lost and comes back, everything goes.
    fn whole(&mut self) -> anyhow::Result<()> {
        let plan = self.repair()?;
        self.apply(Some("commit"), &plan)?;
        let seen = self.seen(Some("observe"))?.1;
        self.differences(&seen)?;
        self.lose_one()?;
        let plan = self.repair()?;
        self.apply(Some("commit: one back"), &plan)?;
        let plan = self.removal(["observe: removing", "teardown"])?;
        self.apply(Some("commit: all gone"), &plan)
    }

    /// The same commits as bytes that were made beforehand.
    fn floors(&mut self, encoder: &mut NftBackend) -> anyhow::Result<()> {
        let mut raw = Raw::open()?;
        let mut send = |name: &str, bench: &mut Self, plan: &Plan| -> anyhow::Result<()> {
            let batch = encoder.batch(plan)?;
            let (ms, sent) = timed(|| raw.send(&batch));
            bench.figures.push((name.into(), ms));
            sent.map(drop)
        };
        let plan = self.repair()?;
        send("floor of commit", self, &plan)?;
        self.lose_one()?;
        let plan = self.repair()?;
        send("floor: one back", self, &plan)?;
        let plan = self.removal(["observe: removing", "teardown"])?;
        send("floor: all gone", self, &plan)
    }

    fn raise(&mut self) -> anyhow::Result<()> {
        let family = self.want.family;
        let mut lowered = Vec::new();
        for rule in self.want.chains.iter().flat_map(|chain| &chain.rules) {
            let rule = lower(family, Dialect::Xt, rule);
            lowered.push(rule.map_err(|why| anyhow::anyhow!("{}", why.0))?.exprs);
        }
        self.time("raise", |_| {
            lowered.iter().map(|exprs| raise(family, exprs, &[])).collect::<Vec<Seen>>()
        });
        Ok(())
    }

    /// The rule in the middle of the chain in the middle.
    fn lose_one(&mut self) -> anyhow::Result<()> {
        let (generation, seen) = self.seen(None)?;
        let wanted = self.want.chains.get(self.want.chains.len() / 2).context("no chain")?;
        let chain = seen.chain(wanted.table, &wanted.name).context("the chain is not there")?;
        let lost = chain.rules.get(chain.rules.len() / 2).context("the rule is not there")?;
        let rule = lost.rule().context("the rule is not ours")?.clone();
        let (table, chain) = (wanted.table, wanted.name.clone());
        let step = Step::Remove { table, chain, handle: lost.handle, rule };
        self.apply(None, &Plan { generation, families: [(self.want.family, vec![step])].into() })
    }

    /// What is there, and what others could have made of it.
    fn differences(&mut self, seen: &Observed) -> anyhow::Result<()> {
        let want = self.want;
        let mut case = |name: &str, change: fn(&mut ChainSeen)| {
            let mut seen = seen.clone();
            for chain in want.chains.iter().map(|chain| &chain.name) {
                let tables = seen.tables.values_mut();
                tables.filter_map(|t| t.chains.get_mut(chain)).for_each(change);
            }
            let delta = self.time(name, |want| diff(want, &seen, Options::default()));
            ensure!(delta.problems.is_empty(), "{name}: {:?}", delta.problems);
            Ok(())
        };
        case("diff: in sync", |_| {})?;
        case("diff: one missing", |chain| drop(chain.rules.remove(chain.rules.len() / 2)))?;
        case("diff: reversed", |chain| chain.rules.reverse())?;
        case("diff: LOG between", |chain| between(chain, &End::Next))?;
        case("diff: DROP between", |chain| between(chain, &End::Drop))?;
        case("diff: other bit", |chain| {
            for seen in &mut chain.rules {
                if let Seen::Known(rule) = &mut seen.seen {
                    *rule = with_other_bit(rule);
                }
            }
        })
    }
}

/// Somebody else's rule after each of ours.
fn between(chain: &mut ChainSeen, end: &End) {
    let outline =
        Outline { conditional: true, alters: false, end: end.clone(), text: String::new() };
    let seen = Seen::Foreign(outline);
    let theirs = RuleSeen { handle: Handle(0), seen, unreadable: false, counters: None };
    let rules = std::mem::take(&mut chain.rules);
    chain.rules = rules.into_iter().flat_map(|ours| [ours, theirs.clone()]).collect();
}
