//! Asks this host for the facts, each backend for its own. Changes nothing: no table, no lock file, no
//! generation, no modprobe. What the kernel itself may load to answer is in `docs/decisions/0005`.
use super::{Conclusion, asked, choose};
use super::{Fact, Facts, Held, HostTool, Kind, LegacyFacts, NftFacts, Question, Remembered};
use crate::backends::{self, Stop};
use crate::config::Config;
use crate::host;
use crate::memory::Recalled;
use crate::reconcile::Keeper;
use crate::sight::{evidence_scope, held};
use chainkeeper_contract::{Backend, BackendError, Created, ErrorKind, Family, Observed, Survey};
use chainkeeper_legacy::{Names, Tools, listed, plain};
use std::collections::BTreeMap;
use std::path::Path;

/// Asks, as often as needed. Keeps what cannot change.
#[derive(Debug, Clone)]
pub struct Gatherer {
    config: Config,
    tools: Tools,
}

impl Gatherer {
    /// For this configuration, in the network namespace of the thread that will ask.
    pub fn new(config: &Config) -> Gatherer {
        Gatherer { config: config.clone(), tools: Tools::find() }
    }

    /// The facts that a choice needs, and the choice. The costly ones are asked only when a row of the
    /// table needs them. `seen`: what a pass has just read of that backend, so as not to read it again.
    pub fn choose(
        &self,
        state: &Recalled,
        remembered: Option<Remembered>,
        seen: Option<(Kind, &BTreeMap<Family, Held>)>,
    ) -> (Facts, Conclusion) {
        let mut facts = self.facts(state, remembered, seen);
        // Where legacy has tables, a host may be mixed, which is worth a warning at the start. Only that: a
        // look that fails here changes no fact.
        if seen.is_none() && facts.legacy.lists_any() && asked(&self.config).is_none() {
            let answers = facts.nft.answers.clone();
            self.ask(Question::Survey, &mut facts, state);
            facts.nft.answers = answers;
        }
        loop {
            match choose(&facts, asked(&self.config)) {
                Conclusion::Ask(question) => self.ask(question, &mut facts, state),
                conclusion @ (Conclusion::Chosen(_) | Conclusion::None(_)) => {
                    return (facts, conclusion);
                }
            }
        }
    }

    /// The same with every fact, for people.
    pub fn everything(
        &self,
        state: &Recalled,
        remembered: Option<Remembered>,
    ) -> (Facts, Conclusion) {
        let (mut facts, conclusion) = self.choose(state, remembered, None);
        if facts.host_tool.is_none() {
            self.ask(Question::Survey, &mut facts, state);
        }
        self.ask(Question::DryRun, &mut facts, state);
        (facts, conclusion)
    }

    fn facts(
        &self,
        state: &Recalled,
        remembered: Option<Remembered>,
        seen: Option<(Kind, &BTreeMap<Family, Held>)>,
    ) -> Facts {
        let seen = |of| seen.filter(|(kind, _)| *kind == of).map(|(_, held)| held);
        let both = |held: &&BTreeMap<_, _>| Family::ALL.iter().all(|f| held.contains_key(f));
        let nft = seen(Kind::Nft).filter(both).map_or_else(|| self.nft(), answered);
        let legacy = self.legacy(state, seen(Kind::Legacy));
        Facts { nft, legacy, host_tool: None, remembered }
    }

    fn nft(&self) -> NftFacts {
        let read = backends::nft(&self.config)
            .and_then(|mut nft| nft.observe(&evidence_scope(&self.config)));
        let (generation, seen, error) = match read {
            Ok(snapshot) => split(snapshot.generation, snapshot.families, &self.config),
            Err(error) => (None, BTreeMap::new(), Some(error)),
        };
        let denied = error.as_ref().is_some_and(|e| e.kind() == ErrorKind::Denied);
        let answers = error.map_or(Fact::Yes, |error| match error.kind() {
            ErrorKind::Unsupported => Fact::No(error.to_string()),
            ErrorKind::Busy | ErrorKind::Denied | ErrorKind::Refused => {
                Fact::Unknown(error.to_string())
            }
        });
        NftFacts { answers, denied, generation, held: seen, survey: None, dry_run: None }
    }

    fn legacy(&self, state: &Recalled, seen: Option<&BTreeMap<Family, Held>>) -> LegacyFacts {
        let lists = Family::ALL.map(|f| (f, listed(f)));
        let kernel = kernel(&lists);
        let names = lists.into_iter().map(|(family, names)| match names {
            Names::Listed(tables) => Ok((family, tables)),
            Names::NoList => Ok((family, vec![])),
            Names::Unreadable(error) => {
                Err(format!("the kernel's list of {family} tables: {error}"))
            }
        });
        let names: Result<BTreeMap<_, _>, String> = names.collect();
        let empty = names.as_ref().is_ok_and(|n| n.values().all(Vec::is_empty));
        let listed =
            |f: &Family| names.as_ref().is_ok_and(|n| n.get(f).is_some_and(|t| !t.is_empty()));
        let all = |held: &&BTreeMap<_, _>| {
            Family::ALL.iter().all(|f| held.contains_key(f) || !listed(f)) && names.is_ok()
        };
        let mut unread = ErrorKind::Refused;
        let (held, survey, left) = match seen.filter(all) {
            _ if empty => (Ok(BTreeMap::new()), Some(Survey::default()), Some(Created::new())),
            Some(held) => (Ok(held.clone()), None, None),
            None => match self.read_legacy(state) {
                Ok(read) => (Ok(read.held), Some(read.survey), Some(read.left)),
                Err(error) => {
                    unread = error.kind();
                    (Err(error.to_string()), None, None)
                }
            },
        };
        let gone = left.map(|left| &state.created - &left).unwrap_or_default();
        let tools = self.tools.describe();
        LegacyFacts { names, kernel, tools, allowed: allowed(), held, unread, survey, gone }
    }

    /// What legacy holds, and all that others have there: from one save of each family.
    fn read_legacy(&self, state: &Recalled) -> Result<LegacyRead, BackendError> {
        let read = backends::legacy(&self.config, self.tools.clone(), &Stop::default()).and_then(
            |mut legacy| {
                legacy.recall(state.created.clone());
                let snapshot = legacy.observe(&evidence_scope(&self.config))?;
                let left = legacy.created().cloned().unwrap_or_default();
                Ok((snapshot, legacy.seen_of_others(), left))
            },
        );
        let (snapshot, survey, left) = read?;
        let (_, held, error) = split(None, snapshot.families, &self.config);
        // A family that could not be read may hold a hint, but one that was seen decides without it.
        let hinted = held.values().any(|h| !h.hints.is_empty());
        match error.filter(|_| !hinted) {
            Some(error) => Err(error),
            None => Ok(LegacyRead { held, survey, left }),
        }
    }

    fn ask(&self, question: Question, facts: &mut Facts, state: &Recalled) {
        match question {
            Question::Survey => {
                self.survey_nft(facts);
                if facts.legacy.survey.is_none() && facts.legacy.held.is_ok() {
                    self.survey_legacy(facts, state); // a pass had read the rest
                }
                facts.host_tool = plain().map(|tool| HostTool {
                    kind: if tool.nf_tables { Kind::Nft } else { Kind::Legacy },
                    text: tool.text,
                });
            }
            Question::DryRun => facts.nft.dry_run = Some(self.dry_run()),
        }
    }

    fn survey_legacy(&self, facts: &mut Facts, state: &Recalled) {
        match self.read_legacy(state) {
            Ok(read) => facts.legacy.survey = Some(read.survey),
            Err(error) => facts.legacy.held = Err(error.to_string()),
        }
    }

    /// An error is not "nothing": what was known of nf_tables is then unknown.
    fn survey_nft(&self, facts: &mut Facts) {
        let survey = backends::nft(&self.config).and_then(|mut nft| nft.survey());
        if let (Err(error), Fact::Yes) = (&survey, &facts.nft.answers) {
            facts.nft.answers = Fact::Unknown(error.to_string());
        }
        facts.nft.survey = survey.ok();
    }

    /// Would nf_tables take our chains? One family that it takes is enough: families fail apart.
    fn dry_run(&self) -> Fact {
        let pass = backends::nft(&self.config)
            .and_then(|nft| Keeper::new(Box::new(nft), self.config.clone()).validate());
        match pass {
            Ok(pass) if pass.errors().count() < pass.look.families.len() => Fact::Yes,
            Ok(pass) => Fact::No(pass.errors().next().map(ToString::to_string).unwrap_or_default()),
            Err(error) => Fact::Unknown(error.to_string()),
        }
    }
}

/// A pass has read nf_tables just now: so it answers, and holds this.
fn answered(held: &BTreeMap<Family, Held>) -> NftFacts {
    let (answers, held) = (Fact::Yes, held.clone());
    NftFacts { answers, denied: false, generation: None, held, survey: None, dry_run: None }
}

/// One look at legacy.
struct LegacyRead {
    held: BTreeMap<Family, Held>,
    survey: Survey,
    /// What is recorded as ours and still there.
    left: Created,
}

type Read = (Option<u32>, BTreeMap<Family, Held>, Option<BackendError>);

/// What was held, and the first error: a family that could not be read is not one that holds nothing.
fn split(
    generation: Option<u32>,
    families: BTreeMap<Family, Result<Observed, BackendError>>,
    config: &Config,
) -> Read {
    let (mut seen, mut error) = (BTreeMap::new(), None);
    for (family, observed) in families {
        match observed {
            Ok(observed) => drop(seen.insert(family, held(&observed))),
            Err(why) if config.families.contains(&family) => error = error.or(Some(why)),
            Err(_) => {} // nobody asks for that family
        }
    }
    (generation, seen, error)
}

/// Without a list the code is not there, or its module is not loaded. Only a kernel that loads no modules
/// proves the former.
fn kernel(lists: &[(Family, Names)]) -> Fact {
    if lists.iter().any(|(_, names)| !matches!(names, Names::NoList)) {
        return Fact::Yes;
    }
    // The second file tells that /proc shows more than processes (`subset=pid`).
    let modules = Path::new("/proc/modules").exists() || !Path::new("/proc/filesystems").exists();
    match modules {
        true => Fact::Unknown("ip_tables is not loaded".into()),
        false => Fact::No("ip_tables is not in this kernel, which loads no modules".into()),
    }
}

fn allowed() -> Fact {
    let privileges = host::privileges();
    match (privileges.effective, privileges.raw) {
        (Some(true), Some(true)) => Fact::Yes,
        (Some(false), _) => Fact::No("CAP_NET_ADMIN is not effective".into()),
        (Some(true), Some(false)) => {
            Fact::No("CAP_NET_RAW is not effective, which iptables-legacy needs".into())
        }
        (_, _) => Fact::Unknown("the capabilities of this process cannot be read".into()),
    }
}

/// What the state file says of the last choice.
pub fn remembered(state: &Recalled, path: Option<&Path>) -> Option<Remembered> {
    let chosen = state.choice?;
    let from = path.map_or_else(String::new, |p| p.display().to_string());
    Some(Remembered { kind: chosen.backend, evidence: chosen.evidence, from, now: false })
}
