//! What a tool's exit code and words mean.
use crate::child::Ended;
use chainkeeper_contract::{BackendError, ErrorKind};

/// The error of a tool that failed, named after what it was to do.
pub(crate) fn failed(what: &str, tool: &str, ended: &Ended) -> BackendError {
    let what = what.to_owned();
    // We hold the real lock and gave the tool another one, so it must be waiting for ours.
    if ended.words.contains("xtables lock") {
        let words = format!(
            "{tool} wants the xtables lock that is held for it: it knows no XTABLES_LOCKFILE, \
             which iptables has from 1.8.6 on"
        );
        return BackendError::Lock { kind: ErrorKind::Busy, what, words, misplaced: None };
    }
    BackendError::Failed { kind: kind(ended), what, words: format!("{tool}: {}", ended.words) }
}

/// A tool that could not be started or read.
pub(crate) fn io(what: &str, tool: &str, error: &std::io::Error) -> BackendError {
    let words = format!("{tool}: {error}");
    BackendError::Failed { kind: ErrorKind::Refused, what: what.to_owned(), words }
}

/// The line of the input that the tool names, from 1.
pub(crate) fn line(words: &str) -> Option<usize> {
    let after = |mark: &str| words.split(mark).nth(1);
    let number = after("Error occurred at line: ").or(after("iptables-restore: line "));
    let number = number.or(after("ip6tables-restore: line ")).or(after(": line "))?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

/// Told not to know the option: before 1.6.2, or an extension of another version.
pub(crate) fn no_random_fully(ended: &Ended) -> bool {
    ended.code == Some(2) && ended.words.contains("--random-fully")
}

/// Told by getopt: before 1.6.2 there was no `-w`.
pub(crate) fn no_wait(ended: &Ended) -> bool {
    ended.code.is_some_and(|code| code != 0)
        && ["invalid option -- 'w'", "unrecognized option '-w'"]
            .iter()
            .any(|w| ended.words.contains(w))
}

/// Exit codes of iptables 1.8: 1 no such chain or rule, 2 usage or a missing extension, 3 no table,
/// 4 a lock or a resource. The words tell more, in C's own spelling.
fn kind(ended: &Ended) -> ErrorKind {
    let said = |words: &str| ended.words.contains(words);
    if ended.late || said("Resource temporarily unavailable") {
        ErrorKind::Busy
    } else if said("Permission denied") || said("Operation not permitted") {
        ErrorKind::Denied
    } else if said("unable to initialize") || said("can't initialize") || said("Couldn't load") {
        ErrorKind::Unsupported
    } else {
        ErrorKind::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn the_line_is_found_in_both_spellings() {
        for (words, number) in [
            ("exit 1: iptables-restore: line 12 failed", Some(12)),
            ("exit 1: ip6tables-restore: line 3 failed: No chain by that name.", Some(3)),
            (
                "exit 2: iptables-restore v1.8.9 (legacy): unknown option \"--x\"; Error occurred at line: 7",
                Some(7),
            ),
            ("exit 4", None),
            ("exit 1: line 99999999999999999999 failed", None),
        ] {
            assert_eq!(line(words), number, "{words}");
        }
    }
}
