//! The rows for a host on which nobody left a hint: what others use, and at last what would work.
use super::choice::none;
use super::seen::{Others, Seen};
use super::{Basis, Choice, Conclusion, Fact, Kind, Question, words};
use chainkeeper_contract::ErrorKind;

/// Rows 20 to 27.
pub(super) fn rows(seen: &Seen<'_>) -> Conclusion {
    let (Some(nft), Some(legacy)) = (seen.others(Kind::Nft), seen.others(Kind::Legacy)) else {
        return Conclusion::Ask(Question::Survey);
    };
    let new =
        |row, kind, why| Choice::new(row, kind, Basis::Evidence, why).warn(seen.passed_over());
    match (nft.any(), legacy.any()) {
        (true, false) => {
            let why = format!("{} in nf_tables, none in legacy", words::others(&nft));
            let not_chosen = words::unused(seen);
            Conclusion::Chosen(new("20", Kind::Nft, why).not_chosen(not_chosen))
        }
        (false, true) => only_legacy(seen, &legacy),
        (true, true) => mixed(seen, &nft, &legacy),
        (false, false) if !nft.native.is_empty() => {
            let why = format!("nf_tables is in use natively: {}", words::others(&nft));
            let not_chosen = words::unused(seen);
            Conclusion::Chosen(new("23", Kind::Nft, why).not_chosen(not_chosen))
        }
        (false, false) => nothing(seen),
    }
}

/// Row 21. Where legacy cannot be written, nft would be against what was seen: said by hand only.
fn only_legacy(seen: &Seen<'_>, legacy: &Others) -> Conclusion {
    let why = format!("{} in legacy, none in nf_tables", words::others(legacy));
    match seen.unusable(Kind::Legacy) {
        None => {
            let choice = Choice::new("21", Kind::Legacy, Basis::Evidence, why)
                .not_chosen("nobody uses its ip and ip6 tables".to_owned())
                .warn(seen.passed_over());
            Conclusion::Chosen(choice)
        }
        Some(missing) => {
            let why = format!("{why}; {missing}");
            none("21", seen.lack(Kind::Legacy), "legacy is in use and cannot be written", &why)
        }
    }
}

/// Row 22: counts follow leftovers, so the host's own iptables is asked instead.
fn mixed(seen: &Seen<'_>, nft: &Others, legacy: &Others) -> Conclusion {
    let unusable = seen.unusable(Kind::Legacy);
    let (kind, why, more) = match (&seen.facts.host_tool, unusable) {
        (Some(tool), Some(missing)) if tool.kind == Kind::Legacy => {
            let more = format!("{}, but legacy cannot be written: {missing}", tool.text);
            (Kind::Nft, "rules of others in both; legacy cannot be written".to_owned(), Some(more))
        }
        (Some(tool), _) => (tool.kind, format!("rules of others in both; {}", tool.text), None),
        (None, _) => {
            let why = "rules of others in both; users of iptables-wrappers take nft, too";
            (Kind::Nft, why.to_owned(), None)
        }
    };
    let choice = Choice::new("22", kind, Basis::Evidence, why)
        .not_chosen("counts follow leftovers and are not compared".to_owned())
        .warn([words::counts(nft, legacy)])
        .warn(more)
        .warn(seen.passed_over());
    Conclusion::Chosen(choice)
}

/// Rows 24 to 27: an empty host. Without evidence no hint is written, for others would follow it.
fn nothing(seen: &Seen<'_>) -> Conclusion {
    // Row 26 goes first: where there is no nf_tables, the host's iptables cannot change the answer.
    if let Fact::No(why) = &seen.facts.nft.answers {
        return no_nf_tables(seen, why);
    }
    let new = |row, kind, why| {
        Choice::new(row, kind, Basis::Nothing, why).hint(false).warn(seen.passed_over())
    };
    let refused = seen.facts.nft.dry_run.as_ref().and_then(Fact::no);
    let mut unusable = None;
    if let Some(tool) = &seen.facts.host_tool {
        let cannot = match tool.kind {
            Kind::Nft => refused.map(str::to_owned),
            Kind::Legacy => seen.unusable(Kind::Legacy),
        };
        match cannot {
            None => {
                let why = format!("nothing in either; {}", tool.text);
                let not_chosen = "empty as well, and not what the host's iptables is".to_owned();
                return Conclusion::Chosen(new("24", tool.kind, why).not_chosen(not_chosen));
            }
            Some(why) => unusable = Some(format!("{}, which cannot be used: {why}", tool.text)),
        }
    }
    match &seen.facts.nft.dry_run {
        None => Conclusion::Ask(Question::DryRun),
        Some(Fact::Yes) => {
            let why = "nothing in either; nf_tables accepts our chains".to_owned();
            let not_chosen = "empty as well; most hosts use nf_tables".to_owned();
            Conclusion::Chosen(new("25", Kind::Nft, why).not_chosen(not_chosen).warn(unusable))
        }
        Some(Fact::Unknown(why)) => {
            let why = words::and(why, seen.passed_over());
            none("7", ErrorKind::Busy, "whether nf_tables takes our chains is not known", &why)
        }
        Some(Fact::No(why)) => match seen.unusable(Kind::Legacy) {
            Some(missing) => neither(seen, why, &missing),
            None => {
                let why = format!("nothing in either; nf_tables refuses our chains: {why}");
                let not_chosen = "it refuses our chains".to_owned();
                let choice = new("25", Kind::Legacy, why).not_chosen(not_chosen);
                Conclusion::Chosen(choice.warn(unusable))
            }
        },
    }
}

/// Rows 26 and 27. A kernel that leaves no choice is evidence: whoever comes later has none, either.
fn no_nf_tables(seen: &Seen<'_>, why: &str) -> Conclusion {
    match seen.unusable(Kind::Legacy) {
        Some(missing) => neither(seen, why, &missing),
        None => {
            let why = format!("the kernel has no nf_tables: {why}");
            let choice = Choice::new("26", Kind::Legacy, Basis::Evidence, why)
                .not_chosen("it is not in this kernel".to_owned())
                .warn(seen.passed_over());
            Conclusion::Chosen(choice)
        }
    }
}

fn neither(seen: &Seen<'_>, nft: &str, legacy: &str) -> Conclusion {
    let why = words::and(&format!("nft: {nft}; legacy: {legacy}"), seen.passed_over());
    none("27", ErrorKind::Unsupported, "neither backend can be used", &why)
}
