//! The decision table of `docs/decisions/0005-probing.md`, row by row: the first that matches.
//! Here what was asked for, what could not be read, and what names a backend; `others` has the rest.
use super::choice::none;
use super::others;
use super::seen::Seen;
use super::words;
use super::{Basis, Choice, Conclusion, Fact, Facts, Kind, NoChoice};
use chainkeeper_contract::{ErrorKind, Family};

/// The first row that matches.
pub fn choose(facts: &Facts, asked: Option<Kind>) -> Conclusion {
    let seen = Seen::of(facts);
    let conclusion = match asked {
        Some(Kind::Nft) => asked_nft(&seen),
        Some(Kind::Legacy) => asked_legacy(&seen),
        None => auto(&seen),
    };
    match conclusion {
        Conclusion::None(no) => {
            let remedy = words::remedy(no.row, &facts.legacy);
            let lack = seen.lacks(no.row);
            Conclusion::None(NoChoice { remedy, lack, ..no })
        }
        Conclusion::Chosen(_) | Conclusion::Ask(_) => conclusion,
    }
}

/// Rows 5 to 28. What one row leaves open the next one decides.
fn auto(seen: &Seen<'_>) -> Conclusion {
    let conclusion = unread(seen)
        .or_else(|| hinted(seen))
        .or_else(|| seen.settled().then(|| earlier(seen)).flatten())
        .or_else(|| kube(seen))
        .or_else(|| earlier(seen))
        .or_else(|| unread_rest(seen))
        .unwrap_or_else(|| others::rows(seen));
    match conclusion {
        Conclusion::Chosen(choice) => {
            let other = choice.kind.other();
            let found = seen.others(other).filter(|o| o.any() || !o.native.is_empty());
            // Row 22 has said so, with both counts.
            let mixed = found.filter(|_| choice.row != "22").map(|o| words::mixed(other, &o));
            let doubts = seen.doubts(choice.kind);
            Conclusion::Chosen(choice.warn(mixed).warn(doubts))
        }
        Conclusion::Ask(_) | Conclusion::None(_) => conclusion,
    }
}

/// Rows 1 and 2. Nobody asks for a dry run here: what is missing is named by the write, too.
fn asked_nft(seen: &Seen<'_>) -> Conclusion {
    let nft = &seen.facts.nft;
    let none = |kind, why: &str| none("2", kind, "--backend nft cannot be used", why);
    match (&nft.answers, &nft.dry_run) {
        (Fact::No(why) | Fact::Unknown(why), _) if nft.denied => none(ErrorKind::Denied, why),
        (Fact::Unknown(why), _) => none(ErrorKind::Busy, why),
        (Fact::No(why), _) => none(ErrorKind::Unsupported, why),
        (Fact::Yes, Some(Fact::No(why) | Fact::Unknown(why))) => none(ErrorKind::Unsupported, why),
        (Fact::Yes, Some(Fact::Yes) | None) => obey("1", seen, Kind::Nft),
    }
}

/// Rows 3 and 4.
fn asked_legacy(seen: &Seen<'_>) -> Conclusion {
    match seen.unusable(Kind::Legacy) {
        Some(why) => none("4", seen.lack(Kind::Legacy), "--backend legacy cannot be used", &why),
        None => obey("3", seen, Kind::Legacy),
    }
}

/// What was asked for, with a warning where it goes against what was seen, or what could not be.
fn obey(row: &'static str, seen: &Seen<'_>, kind: Kind) -> Conclusion {
    let other = kind.other();
    let against = match auto(seen) {
        _ if seen.hint(other) => {
            Some(format!("--backend {kind} goes against the host: {}", words::hint(seen, other)))
        }
        Conclusion::Chosen(auto) if auto.kind == other && auto.basis == Basis::Evidence => {
            Some(format!("--backend {kind} goes against the host: {}", auto.why))
        }
        Conclusion::Chosen(_) | Conclusion::Ask(_) => None,
        Conclusion::None(error) => Some(format!("{}: {}", error.what, error.why)),
    };
    let choice = Choice::new(row, kind, Basis::Asked, format!("--backend {kind} says so"))
        .not_chosen("not asked for".to_owned())
        .warn(against)
        .warn(seen.doubts(kind));
    Conclusion::Chosen(choice)
}

/// Rows 5 to 9 and 17: what could not be read is not guessed at, unless kubelet's hint was seen.
fn unread(seen: &Seen<'_>) -> Option<Conclusion> {
    let (nft, legacy) = (&seen.facts.nft, &seen.facts.legacy);
    match (&nft.answers, &legacy.names) {
        (Fact::No(said) | Fact::Unknown(said), Err(names)) if nft.denied => {
            let why = format!("{said}; {names}");
            return Some(none("5", ErrorKind::Denied, "nothing could be read", &why));
        }
        (Fact::No(said) | Fact::Unknown(said), Ok(_)) if nft.denied => {
            return Some(none("6", ErrorKind::Denied, "nf_tables could not be read", said));
        }
        (Fact::Unknown(said), _) => {
            return Some(none("7", ErrorKind::Busy, "nf_tables gave no answer", said));
        }
        (Fact::Yes | Fact::No(_), _) => {}
    }
    let hint = seen.hint(Kind::Nft);
    let (row, what, why) = match (&legacy.names, seen.unread()) {
        (Err(why), _) if hint => ("8", "legacy could not be checked", why.as_str()),
        (Err(why), _) => {
            let what = "legacy may hold kubelet's rules and could not be read";
            return Some(none("9", ErrorKind::Denied, what, why));
        }
        (Ok(_), Some(why)) if hint => ("8b", "a legacy table exists and could not be read", why),
        (Ok(_), Some(why)) if seen.lists("mangle") => return Some(unreadable(seen, "mangle", why)),
        (Ok(_), Some(_) | None) => return None,
    };
    let choice = Choice::new(row, Kind::Nft, Basis::Evidence, words::hint(seen, Kind::Nft))
        .not_chosen(words::would_hide(Kind::Nft))
        .warn([format!("{what}: {why}")]);
    Some(Conclusion::Chosen(choice))
}

/// Row 17, for tables that cannot hold a hint: only an earlier choice gets past them.
fn unread_rest(seen: &Seen<'_>) -> Option<Conclusion> {
    let why = seen.unread()?;
    let names = seen.facts.legacy.names.iter().flat_map(|n| n.values()).flatten();
    Some(unreadable(seen, names.map(String::as_str).next().unwrap_or("?"), why))
}

fn unreadable(seen: &Seen<'_>, table: &str, why: &str) -> Conclusion {
    let kind = match &seen.facts.legacy.tools {
        Ok(_) => seen.facts.legacy.unread,
        Err(_) => ErrorKind::Unsupported,
    };
    let what = format!("a legacy {table} table exists and could not be read");
    let missing = seen.facts.legacy.allowed.no().map(str::to_owned);
    let why = words::and(&words::and(why, missing), seen.passed_over());
    none("17", kind, &what, &why)
}

/// Rows 10 to 16 and 28: somebody else's hint.
fn hinted(seen: &Seen<'_>) -> Option<Conclusion> {
    let new = |row, kind, why| Choice::new(row, kind, Basis::Evidence, why);
    let nft_hint = || words::hint(seen, Kind::Nft);
    let choice = match (seen.hint(Kind::Nft), seen.hint(Kind::Legacy)) {
        (false, false) => return None,
        (true, true) => return Some(both(seen)),
        (true, false) if !seen.listed() => {
            let why = format!("{}; no legacy table exists", nft_hint());
            new("10", Kind::Nft, why).not_chosen(words::would_hide(Kind::Nft))
        }
        (true, false) => {
            let why = format!("{}; none in legacy ({})", nft_hint(), words::listed(seen));
            new("11", Kind::Nft, why).not_chosen(words::would_hide(Kind::Nft))
        }
        (false, true) => {
            let why = format!("{}, none in nf_tables", words::hint(seen, Kind::Legacy));
            new("15", Kind::Legacy, why).not_chosen(words::would_hide(Kind::Legacy))
        }
    };
    Some(if_usable(seen, choice))
}

/// Rows 28 and 12 to 14: hints in both. IPv4 decides where it names one backend alone.
fn both(seen: &Seen<'_>) -> Conclusion {
    let new =
        |row, kind, basis, why| Choice::new(row, kind, basis, why).warn([words::both_hints(seen)]);
    let (v4, v6) = (seen.hints_of(Family::Ipv4), seen.hints_of(Family::Ipv6));
    if let [kind] = v4[..]
        && v6.contains(&kind.other())
    {
        let why = format!("{}; one host, one backend: ip decides", words::hint(seen, kind));
        let not_chosen = format!("only ip6 has a hint in {}", kind.other());
        return if_usable(seen, new("28", kind, Basis::Evidence, why).not_chosen(not_chosen));
    }
    if let Some(kind) = seen.only(|held| held.full_set) {
        let why = format!("{} is in {}", words::full_set(seen, kind), words::side(kind));
        let not_chosen = format!("its hint is a leftover: the complete set is in {kind}");
        return if_usable(seen, new("12", kind, Basis::Evidence, why).not_chosen(not_chosen));
    }
    if let Some(remembered) = seen.usable_memory() {
        let why = format!("both backends carry hints; {}", words::staying(remembered));
        let not_chosen = format!("{} was chosen earlier", remembered.kind);
        let choice = new("13", remembered.kind, Basis::Remembered, why);
        return Conclusion::Chosen(choice.not_chosen(not_chosen));
    }
    let why = "both backends carry hints; users of iptables-wrappers take nft, too".to_owned();
    let choice = new("14", Kind::Nft, Basis::Evidence, why).warn(seen.passed_over());
    Conclusion::Chosen(choice.not_chosen(
        "nft carries a hint as well, and users of iptables-wrappers prefer it".to_owned(),
    ))
}

/// Row 18: no hint, but a kube-proxy or a complete set in one backend alone.
fn kube(seen: &Seen<'_>) -> Option<Conclusion> {
    // In one alone is not known while the other's tables are unread.
    if seen.unread().is_some() {
        return None;
    }
    let kind = seen.only(|held| held.full_set || held.kube_proxy.is_some())?;
    let why = format!("{}, none in {}", words::kube(seen, kind), words::side(kind.other()));
    let not_chosen = format!("would hide our chains from those in {kind}");
    Some(if_usable(seen, Choice::new("18", kind, Basis::Evidence, why).not_chosen(not_chosen)))
}

/// Row 19: evidence that is missing is no change.
fn earlier(seen: &Seen<'_>) -> Option<Conclusion> {
    let remembered = seen.usable_memory()?;
    let why = words::earlier(remembered);
    let unread =
        seen.unread().map(|why| format!("a legacy table exists and could not be read: {why}"));
    let choice = Choice::new("19", remembered.kind, Basis::Remembered, why)
        .not_chosen(format!("{} was chosen earlier", remembered.kind))
        .hint(remembered.evidence)
        .warn(unread);
    Some(Conclusion::Chosen(choice))
}

/// Row 16: what the evidence names, if it can be used. The other one would be against the evidence.
fn if_usable(seen: &Seen<'_>, choice: Choice) -> Conclusion {
    match seen.unusable(choice.kind) {
        None => Conclusion::Chosen(choice),
        Some(missing) => {
            let what = format!("{} is in use and cannot be written", choice.kind);
            let why = format!("{}; {missing}", choice.why);
            none("16", seen.lack(choice.kind), &what, &why)
        }
    }
}
