//! Brute force: every host of a reduced set of facts, a quarter of a million, and what is true of each answer.
use super::facts::*;
use chainkeeper::backends::Kind;
use chainkeeper::probe::{
    Basis, Choice, Conclusion, Fact, Facts, LegacyFacts, NftFacts, NoChoice, Question, choose,
};
use chainkeeper_contract::Survey;

use Kind::{Legacy, Nft};

const BOTH: [bool; 2] = [false, true];

/// Nothing, rules or a policy; of nft also a native table.
fn surveys() -> Vec<Survey> {
    let rules = Survey { rules: [(V4, 3)].into(), ..Survey::default() };
    let policies = vec!["ip filter FORWARD".into()];
    vec![Survey::default(), rules, Survey { policies, ..Survey::default() }]
}

/// What a backend can hold of others: hints by family, and a full set, a kube-proxy or neither.
fn holdings(kind: Kind) -> Vec<Facts> {
    let mut all = Vec::new();
    for v4 in BOTH {
        for v6 in BOTH {
            for kube in 0..3 {
                let mut facts = host();
                [(V4, v4), (V6, v6)].iter().filter(|f| f.1).for_each(|f| facts.hint(kind, f.0));
                match kube {
                    0 => {}
                    1 => facts.full_set(kind, V4),
                    _ => facts.kube_proxy(kind, V6),
                }
                all.push(facts);
            }
        }
    }
    all
}

fn nft() -> Vec<NftFacts> {
    let unknown = with(|f| f.nft.answers = Fact::Unknown("EIO".into()));
    let mut all = vec![unknown, with(|f| f.deny()), with(|f| f.no_nf_tables())];
    let dry = [Fact::Yes, Fact::No("ENOENT".into()), Fact::Unknown("ENOBUFS".into())];
    let native = native("inet firewalld");
    for facts in holdings(Nft) {
        for survey in surveys().into_iter().chain([native.clone()]) {
            for dry_run in dry.clone() {
                let mut facts = facts.clone();
                (facts.nft.survey, facts.nft.dry_run) = (Some(survey.clone()), Some(dry_run));
                all.push(facts);
            }
        }
    }
    all.into_iter().map(|facts| facts.nft).collect()
}

/// What is listed and held; then whether it can be used.
fn legacy() -> Vec<LegacyFacts> {
    let mut all = vec![host(), with(|f| f.no_names())];
    all.extend(["filter", "mangle"].map(|table| with(|f| f.unreadable(table))));
    for mut facts in holdings(Legacy) {
        facts.list(V6, "filter");
        for survey in surveys() {
            facts.legacy.survey = Some(survey);
            all.push(facts.clone());
        }
    }
    let usable: [fn(&mut LegacyFacts); 5] = [
        |_| (),
        |l| l.tools = Err("not installed".into()),
        |l| l.allowed = Fact::No("CAP_NET_RAW".into()),
        |l| l.kernel = Fact::No("no ip_tables".into()),
        |l| {
            l.kernel = Fact::Unknown("not loaded".into());
            l.allowed = Fact::Unknown("unreadable".into());
        },
    ];
    let with = |facts: &Facts, change: fn(&mut LegacyFacts)| {
        let mut legacy = facts.legacy.clone();
        change(&mut legacy);
        legacy
    };
    all.iter().flat_map(|facts| usable.map(|change| with(facts, change))).collect()
}

/// Every host, its questions answered.
fn every(mut each: impl FnMut(&Facts)) {
    let (nft, legacy) = (nft(), legacy());
    let mut hosts = 0;
    for memory in [None, Some((Nft, true)), Some((Legacy, false))] {
        for tool in [None, Some(Nft), Some(Legacy)] {
            let mut facts = host();
            facts.host_tool_if(tool);
            if let Some((kind, evidence)) = memory {
                facts.remember(kind, evidence);
            }
            for legacy in &legacy {
                facts.legacy = legacy.clone();
                for nft in &nft {
                    facts.nft = nft.clone();
                    hosts += 1;
                    each(&facts);
                }
            }
        }
    }
    assert!(hosts > 250_000, "{hosts}");
}

/// As `gather` does it: a question is answered when it is asked. Each of them once at most.
fn answer(facts: &Facts) -> Conclusion {
    let mut known = facts.clone();
    (known.nft.survey, known.legacy.survey, known.nft.dry_run) = (None, None, None);
    for _ in 0..3 {
        match choose(&known, None) {
            Conclusion::Ask(Question::Survey) => {
                assert!(known.nft.survey.is_none() && known.legacy.survey.is_none(), "{facts:?}");
                known.nft.survey = Some(facts.nft.survey.clone().unwrap_or_default());
                known.legacy.survey = Some(facts.legacy.survey.clone().unwrap_or_default());
            }
            Conclusion::Ask(Question::DryRun) => {
                assert!(known.nft.dry_run.is_none(), "{facts:?}");
                known.nft.dry_run = facts.nft.dry_run.clone().or(Some(Fact::Yes));
            }
            conclusion @ (Conclusion::Chosen(_) | Conclusion::None(_)) => return conclusion,
        }
    }
    panic!("asked again: {facts:?}")
}

fn hint(facts: &Facts, kind: Kind) -> bool {
    let held = match kind {
        Nft if facts.nft.answers == Fact::Yes => Some(&facts.nft.held),
        Nft => None,
        Legacy => facts.legacy.held.as_ref().ok(),
    };
    held.is_some_and(|held| held.values().any(|h| !h.hints.is_empty()))
}

/// Could a hint be there that nobody has read?
fn unread(facts: &Facts, kind: Kind) -> bool {
    let legacy = &facts.legacy;
    match kind {
        Nft => matches!(facts.nft.answers, Fact::Unknown(_)),
        Legacy => match &legacy.names {
            Err(_) => true,
            Ok(names) => {
                legacy.held.is_err() && names.values().flatten().any(|table| table == "mangle")
            }
        },
    }
}

fn usable(facts: &Facts, kind: Kind) -> bool {
    let legacy = &facts.legacy;
    let proven = |fact: &Fact| matches!(fact, Fact::No(_));
    match kind {
        Nft => facts.nft.answers == Fact::Yes,
        Legacy => legacy.tools.is_ok() && !proven(&legacy.allowed) && !proven(&legacy.kernel),
    }
}

fn is_sound(facts: &Facts, choice: &Choice) {
    let (kind, other) = (choice.kind, choice.kind.other());
    assert!(!unread(facts, other) || kind == Nft && hint(facts, Nft), "{choice:?} {facts:?}");
    assert!(!unread(facts, kind), "{choice:?} {facts:?}");
    assert!(usable(facts, kind), "{choice:?} {facts:?}");
    assert!(hint(facts, kind) || !hint(facts, other), "{choice:?} {facts:?}");
    let hint = match choice.basis {
        Basis::Nothing => Some(false),
        Basis::Asked | Basis::Evidence => Some(true),
        // There are hints, or it is as it was.
        Basis::Remembered => {
            let remembered = facts.remembered.as_ref().expect("remembered");
            assert_eq!(remembered.kind, kind);
            Some(choice.row == "13" || remembered.evidence)
        }
    };
    assert_eq!(Some(choice.hint), hint, "{choice:?}");
    assert!(!choice.why.is_empty() && !choice.not_chosen.is_empty(), "{choice:?}");
    assert!(choice.warnings.iter().all(|w| !w.is_empty()), "{choice:?}");
}

/// Without a hint and without a kube-proxy, what was chosen stays chosen.
fn is_kept(facts: &Facts, conclusion: &Conclusion) {
    let Some(remembered) = &facts.remembered else { return };
    let kube = |h: &chainkeeper::sight::Held| h.full_set || h.kube_proxy.is_some();
    let held = facts.nft.held.values().chain(facts.legacy.held.iter().flat_map(|h| h.values()));
    let evidence = Kind::ALL.iter().any(|kind| hint(facts, *kind)) || held.into_iter().any(kube);
    let known = Kind::ALL.iter().all(|kind| !unread(facts, *kind));
    if !evidence && known && usable(facts, remembered.kind) {
        let Conclusion::Chosen(choice) = conclusion else { panic!("{conclusion:?} {facts:?}") };
        assert_eq!(choice.kind, remembered.kind, "{choice:?} {facts:?}");
    }
}

#[test]
fn every_host_has_an_answer_and_no_answer_is_a_guess() {
    every(|facts| {
        let conclusion = answer(facts);
        match &conclusion {
            Conclusion::Chosen(choice) => is_sound(facts, choice),
            Conclusion::None(NoChoice { what, why, .. }) => {
                assert!(!what.is_empty() && !why.is_empty(), "{facts:?}");
            }
            Conclusion::Ask(question) => panic!("{question:?}"),
        }
        is_kept(facts, &conclusion);
    });
}

#[test]
fn an_answer_that_nobody_asked_for_changes_no_choice() {
    every(|facts| {
        let (lazy, eager) = (answer(facts), choose(facts, None));
        match (&lazy, &eager) {
            // Whether the host's own iptables could be used is known now.
            (Conclusion::Chosen(lazy), _) if lazy.row == "24" && lazy.kind == Nft => {}
            (Conclusion::Chosen(lazy), Conclusion::Chosen(eager)) => {
                assert_eq!((lazy.row, lazy.kind), (eager.row, eager.kind), "{facts:?}");
            }
            (Conclusion::Ask(_) | Conclusion::None(_) | Conclusion::Chosen(_), _) => {
                assert_eq!(lazy, eager, "{facts:?}");
            }
        }
    });
}

#[test]
fn what_is_asked_for_is_obeyed_or_an_error() {
    every(|facts| {
        for kind in Kind::ALL {
            match choose(facts, Some(kind)) {
                Conclusion::Chosen(choice) => {
                    let is = (choice.kind, choice.basis, choice.hint);
                    assert_eq!(is, (kind, Basis::Asked, true));
                    assert!(usable(facts, kind), "{choice:?} {facts:?}");
                    let against = hint(facts, kind.other());
                    assert!(!against || !choice.warnings.is_empty(), "{choice:?} {facts:?}");
                }
                Conclusion::None(no) => {
                    let refused = !matches!(facts.nft.dry_run, None | Some(Fact::Yes));
                    assert!(!usable(facts, kind) || kind == Nft && refused, "{no:?} {facts:?}");
                }
                Conclusion::Ask(question) => panic!("{question:?}"),
            }
        }
    });
}
