//! The little that has to be known of a rule that is not ours, from its text.
use super::words::Words;
use crate::names::ChainName;
use crate::observed::{End, Outline};
use crate::targets::{Effect, effect};

/// Outlines a rule's specification. `is_chain` says whether the table has a user chain of a name.
///
/// A chain may be called like a target of an extension; with nothing after its name it is then taken for
/// the chain. Never for a verdict: libiptc makes no chain of these names.
pub fn outline(spec: &str, is_chain: &dyn Fn(&str) -> bool) -> Outline {
    let text = spec.to_owned();
    match parts(spec) {
        Some(Parts { conditional, target: None }) => {
            Outline { conditional, alters: false, end: End::Next, text }
        }
        Some(Parts { conditional, target: Some(target) }) => {
            let (alters, end) = end(&target, is_chain);
            Outline { conditional, alters, end, text }
        }
        None => {
            let end = End::Unknown("its words are ambiguous".into());
            Outline { conditional: true, alters: false, end, text }
        }
    }
}

/// The word after `-j` or `-g`: a chain or a target. `None` where there is none, and where the text does
/// not say for sure, as then [`outline`] says [`End::Unknown`].
pub fn jumps_to(spec: &str) -> Option<&str> {
    Some(parts(spec)?.target?.name)
}

struct Parts<'a> {
    /// Something stands before the target that is not a comment.
    conditional: bool,
    target: Option<Target<'a>>,
}

struct Target<'a> {
    goto: bool,
    name: &'a str,
    /// Options follow the name, so it is no chain's.
    options: bool,
}

/// `None` when a quote is open, or a second `-j` shows that a name which iptables does not quote (of
/// `-m recent --name`, say) has blanks and looks like options.
fn parts(spec: &str) -> Option<Parts<'_>> {
    let mut words = Words::new(spec);
    let mut parts = Parts { conditional: false, target: None };
    while let Some(word) = words.next() {
        match (word.option(), &mut parts.target) {
            (Some("-j" | "-g"), Some(_)) => return None,
            (Some(option @ ("-j" | "-g")), None) => {
                let name = words.bare()?;
                parts.target = Some(Target { goto: option == "-g", name, options: false });
            }
            (Some("-m"), None) => parts.conditional |= words.bare()? != "comment",
            (Some("--comment"), None) => drop(words.next()?),
            (_, Some(target)) => target.options = true,
            (_, None) => parts.conditional = true,
        }
    }
    words.all_read().then_some(parts)
}

fn end(target: &Target<'_>, is_chain: &dyn Fn(&str) -> bool) -> (bool, End) {
    let name = target.name;
    let unknown = || (false, End::Unknown(name.to_owned()));
    match (target.goto, name) {
        (true, _) if !target.options && is_chain(name) => (false, End::Goto(ChainName::from(name))),
        (true, _) => unknown(),
        (false, "ACCEPT" | "DROP" | "RETURN") if target.options => unknown(),
        (false, "ACCEPT") => (false, End::Accept),
        (false, "DROP") => (false, End::Drop),
        (false, "RETURN") => (false, End::Return),
        (false, _) if !target.options && is_chain(name) => {
            (false, End::Jump(ChainName::from(name)))
        }
        (false, _) => match effect(name) {
            Some(Effect::Watches) => (false, End::Next),
            Some(Effect::Alters) => (true, End::Next),
            Some(Effect::Ends) => (true, End::Other(name.to_owned())),
            None => unknown(),
        },
    }
}
