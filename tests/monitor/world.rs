//! The world that the monitor sees: what is missing, who tells of commits, how long an order takes. Every
//! step is checked by the `law`.
use super::law::Law;
use chainkeeper::damage::{ChainKey, Damage, Loss};
use chainkeeper::monitor::{Decision, Findings, Keep, Monitor, MonitorConfig, News, Sighting};
use chainkeeper_contract::{Family, Table};
use std::collections::BTreeSet;
use std::time::Duration;

pub(super) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(super) fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(super) fn key(family: Family, table: Table, chain: &str) -> ChainKey {
    ChainKey { family, table, chain: chain.into() }
}

/// A chain that is kept by [`rules`].
pub(super) fn marks() -> ChainKey {
    key(Family::Ipv4, Table::Nat, "KUBE-MARK-MASQ")
}

/// Another.
pub(super) fn fire() -> ChainKey {
    key(Family::Ipv4, Table::Filter, "KUBE-FIREWALL")
}

/// A third, of the other family.
pub(super) fn sixth() -> ChainKey {
    key(Family::Ipv6, Table::Nat, "KUBE-MARK-MASQ")
}

/// As they are without a configuration.
pub(super) fn rules() -> MonitorConfig {
    MonitorConfig {
        settle: ms(250),
        bound: s(5),
        sync_period: s(60),
        keep: Keep::All,
        insist: false,
        rounds: 5,
        window: s(30),
        yield_for: s(60),
        canary_wait: s(130),
    }
}

pub(super) fn lost(chains: &BTreeSet<ChainKey>) -> Damage {
    let loss = Loss { absent: true, ..Loss::default() };
    Damage(chains.iter().map(|key| (key.clone(), loss.clone())).collect())
}

/// What is being done: looks see the world as it was when they began.
#[derive(Debug, Clone)]
struct Order {
    decision: Decision,
    until: Duration,
    seen: (Option<u32>, BTreeSet<ChainKey>),
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) now: Duration,
    /// The latest that it ever was: the clock may go back.
    pub(super) latest: Duration,
    pub(super) monitor: Monitor,
    pub(super) rules: MonitorConfig,
    /// `None`: legacy.
    pub(super) generation: Option<u32>,
    pub(super) missing: BTreeSet<ChainKey>,
    /// Chains that a write does not bring back.
    pub(super) stuck: BTreeSet<ChainKey>,
    pub(super) unreadable: BTreeSet<Family>,
    /// Families whose canary is missing.
    pub(super) canaries: BTreeSet<Family>,
    /// Nobody tells of what we write.
    pub(super) deaf: bool,
    /// So long an order takes.
    pub(super) takes: Duration,
    /// The orders and the news so far.
    pub(super) orders: Vec<(Duration, Decision)>,
    pub(super) news: Vec<(Duration, News)>,
    order: Option<Order>,
    wake: Option<Duration>,
    law: Law,
}

impl World {
    /// A world at `now` in which the first write is ordered, but not done.
    pub(super) fn begins(now: Duration, rules: &MonitorConfig) -> World {
        let mut world = World {
            now,
            latest: now,
            monitor: Monitor::new(rules.clone()),
            rules: rules.clone(),
            generation: Some(100),
            missing: BTreeSet::new(),
            stuck: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            canaries: BTreeSet::new(),
            deaf: false,
            takes: ms(2),
            orders: vec![],
            news: vec![],
            order: None,
            wake: None,
            law: Law::default(),
        };
        world.sees(Sighting::Time);
        world
    }

    /// A world at rest, its first write behind it by far; at `now` = 1000 s a pass was made.
    pub(super) fn at_rest(rules: &MonitorConfig) -> World {
        let mut world = World::begins(s(0), rules);
        world.runs_to(s(1000));
        let after = world.rules.sync_period;
        world.now = world.orders.last().expect("an order").0 + after;
        world.sees(Sighting::Time);
        world.runs_for(ms(100));
        world.forgets();
        world
    }

    /// Orders and news so far are not asked for.
    pub(super) fn forgets(&mut self) {
        self.orders.clear();
        self.news.clear();
    }

    pub(super) fn is_busy(&self) -> bool {
        self.order.is_some()
    }

    /// One step, and what must hold after it.
    pub(super) fn sees(&mut self, sighting: Sighting) {
        self.latest = self.latest.max(self.now);
        self.law.sighted(self.now, &sighting);
        let answer = matches!(sighting, Sighting::Findings(_));
        let decision = self.monitor.step(self.now, sighting);
        let news = self.monitor.news();
        self.news.extend(news.into_iter().map(|news| (self.now, news)));
        if answer {
            self.law.answered(self.now, &self.monitor);
        }
        self.law.holds(self.now, &self.monitor, &self.rules, &decision);
        assert!(self.order.is_none() || decision == Decision::Rest(None), "one order at a time");
        if let Decision::Rest(until) = decision {
            self.wake = until;
            return;
        }
        self.law.begins();
        self.orders.push((self.now, decision.clone()));
        let (until, seen) =
            (self.now.saturating_add(self.takes), (self.generation, self.missing.clone()));
        self.order = Some(Order { decision, until, seen });
    }

    /// Somebody commits; returns the generation. Nobody tells.
    pub(super) fn commits(&mut self) -> Option<u32> {
        self.generation = self.generation.map(|g| g.checked_add(1).unwrap_or(1));
        self.generation
    }

    /// Somebody takes a chain, and it is told.
    pub(super) fn takes(&mut self, chain: ChainKey) {
        self.missing.insert(chain);
        let generation = self.commits();
        self.sees(Sighting::Commit(generation));
    }

    /// Somebody commits something else, and it is told.
    pub(super) fn tells(&mut self) {
        let generation = self.commits();
        self.sees(Sighting::Commit(generation));
    }

    /// What was ordered is done now.
    pub(super) fn finishes(&mut self) {
        let Some(order) = self.order.take() else { return };
        let readable = |key: &&ChainKey| !self.unreadable.contains(&key.family);
        let mut answer = Findings { unread: self.unreadable.clone(), ..Findings::default() };
        let (generation, found) = match &order.decision {
            Decision::Write { .. } => (self.generation, self.missing.clone()),
            Decision::Rest(_) | Decision::Look | Decision::Pass => order.seen,
        };
        let mut left: BTreeSet<ChainKey> = found.iter().filter(readable).cloned().collect();
        answer.found = lost(&left);
        answer.generation = generation.filter(|_| self.unreadable.len() < 2);
        if let Decision::Write { chains, canaries } = &order.decision {
            let written = |key: &ChainKey| {
                self.rules.keep.has_key(key) && chains.has(key) && !self.stuck.contains(key)
            };
            let (mended, rest): (BTreeSet<ChainKey>, _) = left.into_iter().partition(written);
            left = rest;
            let brings =
                |family: &Family| canaries.contains(family) && !self.unreadable.contains(family);
            self.canaries.retain(|family| !brings(family));
            if !mended.is_empty() {
                mended.iter().for_each(|key| assert!(self.missing.remove(key)));
                (answer.generation, answer.commits) = (self.commits(), 1);
                answer.ours.extend(answer.generation);
                self.law.ours.extend(answer.generation);
                if !self.deaf {
                    self.sees(Sighting::Commit(answer.generation));
                }
            }
        }
        answer.left = lost(&left);
        answer.canaries = self.canaries.difference(&self.unreadable).copied().collect();
        self.sees(Sighting::Findings(answer));
    }

    /// Goes on to the next moment at which something is to be done, if it is not after `end`.
    fn goes_on(&mut self, end: Duration) -> bool {
        let next = self.order.as_ref().map(|order| order.until).or(self.wake);
        let Some(next) = next.filter(|at| *at <= end) else { return false };
        self.now = self.now.max(next);
        match self.order {
            Some(_) => self.finishes(),
            None => self.sees(Sighting::Time),
        }
        true
    }

    /// Time passes, and nobody commits.
    pub(super) fn runs_to(&mut self, end: Duration) {
        let steps = (0..100_000).take_while(|_| self.goes_on(end)).count();
        assert!(steps < 100_000, "it does not come to rest");
        self.now = end;
    }

    pub(super) fn runs_for(&mut self, length: Duration) {
        self.runs_to(self.now + length);
    }

    /// So many orders or wakings more, whenever they come.
    pub(super) fn steps(&mut self, count: usize) {
        (0..count).for_each(|_| assert!(self.goes_on(Duration::MAX), "it would sleep for ever"));
    }

    /// When writes were ordered.
    pub(super) fn writes(&self) -> Vec<Duration> {
        let write =
            |(at, v): &(Duration, Decision)| matches!(v, Decision::Write { .. }).then_some(*at);
        self.orders.iter().filter_map(write).collect()
    }

    /// When looks were ordered, without passes.
    pub(super) fn looks(&self) -> Vec<Duration> {
        let look = |(at, v): &(Duration, Decision)| (*v == Decision::Look).then_some(*at);
        self.orders.iter().filter_map(look).collect()
    }

    /// When passes were ordered.
    pub(super) fn passes(&self) -> Vec<Duration> {
        let pass = |(at, v): &(Duration, Decision)| (*v == Decision::Pass).then_some(*at);
        self.orders.iter().filter_map(pass).collect()
    }

    /// The news that `of` picks, with the moment of their telling.
    pub(super) fn told<T>(&self, of: impl Fn(&News) -> Option<T>) -> Vec<(Duration, T)> {
        self.news.iter().filter_map(|(at, news)| Some((*at, of(news)?))).collect()
    }
}
