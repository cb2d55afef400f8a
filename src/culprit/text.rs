//! The files that `/proc` has of each thread, as texts. Whatever they hold: a value or none, no panic.

/// What is ever said of a command line.
const LINE: usize = 200;

/// The fields of `stat` that prove who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    /// The command name, raw: it is compared before it is made harmless.
    pub(super) name: String,
    /// The number of the parent; 0 for none.
    pub(super) parent: u32,
    /// When it started, in clock ticks since boot.
    pub(super) start: u64,
}

/// Reads a `stat` line: `PID (NAME) STATE PARENT ...`. The name may hold anything, `)` and newlines too.
pub(super) fn stat(line: &str) -> Option<Stat> {
    let (_, rest) = line.split_once('(')?;
    let (name, rest) = rest.rsplit_once(')')?;
    // The first field after the name is the third in proc(5).
    let field = |number: usize| rest.split_ascii_whitespace().nth(number - 3);
    let (parent, start) = (field(4)?.parse().ok()?, field(22)?.parse().ok()?);
    Some(Stat { name: name.to_string(), parent, start })
}

/// The process of a thread, from its `status`. No name can forge a line there: newlines are escaped.
pub(super) fn leader(status: &str) -> Option<u32> {
    field(status, "Tgid:")?.trim().parse().ok().filter(|pid| *pid != 0)
}

/// How many pid namespaces this `status` has a number for.
pub(super) fn namespaces(status: &str) -> Option<usize> {
    Some(field(status, "NSpid:")?.split_ascii_whitespace().count())
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name))
}

/// A `cmdline` to be printed: words parted by blanks, cut. `None` if there is none: zombies, kernel threads.
pub(super) fn command(cmdline: &str) -> Option<String> {
    let words = cmdline.trim_end_matches('\0');
    let mut line = String::new();
    let mut left = LINE;
    for c in words.chars() {
        let shown = if c == '\0' { " ".to_string() } else { shown(c) };
        let length = shown.chars().count();
        // One is kept for the sign that it goes on.
        if length >= left {
            line.push('…');
            break;
        }
        line += &shown;
        left -= length;
    }
    Some(line).filter(|line| !line.is_empty())
}

/// A text of a stranger that no terminal and no log takes for a command: what is not plainly printed is
/// escaped, and so is the backslash.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(shown).collect()
}

fn shown(c: char) -> String {
    match c {
        '\'' | '"' => c.to_string(),
        _ => c.escape_debug().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a real one, but for the name.
    fn line(name: &str) -> String {
        format!(
            "812 ({name}) S 640 812 640 34816 812 4194304 95 0 0 0 0 0 0 0 20 0 1 0 48213 \
             2703360 224 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n"
        )
    }

    #[test]
    fn a_stat_line_is_read_whatever_the_name() {
        for name in ["iptables", "a b", ") S 1 (x", "))", "(", "", "two\nlines", "caf\u{fffd}"] {
            let stat = stat(&line(name)).unwrap();
            assert_eq!(stat, Stat { name: name.to_string(), parent: 640, start: 48213 });
        }
    }

    #[test]
    fn an_odd_stat_line_says_nothing() {
        let whole = line("nft");
        for end in 0..whole.find("48213").unwrap() {
            assert_eq!(stat(&whole[..end]), None, "{}", &whole[..end]);
        }
        assert_eq!(stat(&whole.replace("640", "-1")), None);
        assert_eq!(stat(&whole.replace("48213", "18446744073709551616")), None);
        assert_eq!(stat(") 1 (nft"), None);
    }

    #[test]
    fn a_thread_maps_to_its_process() {
        let status = "Name:\tTgid:\\nTgid:\t7\nUmask:\t0022\nState:\tS\nTgid:\t812\nPid:\t815\n\
                      NSpid:\t815\nPPid:\t640\n";
        assert_eq!(leader(status), Some(812));
        assert_eq!(namespaces(status), Some(1));
        assert_eq!(namespaces("NSpid:\t3411\t12\t1\n"), Some(3));
        for odd in ["", "Name:\tnft\n", "Tgid:", "Tgid:\t0\n", "Tgid:\tx\n", "Tgid:\t99999999999\n"]
        {
            assert_eq!((leader(odd), namespaces(odd)), (None, None), "{odd:?}");
        }
    }

    #[test]
    fn a_command_line_is_one_line_of_plain_words() {
        let said = |cmdline| command(cmdline).unwrap();
        assert_eq!(said("nft\0add\0table\0x\0"), "nft add table x");
        assert_eq!(said("renamed itself\0\0\0\0"), "renamed itself");
        assert_eq!(
            said("sh\0-c\0a\n\x1b[2J\u{7f}\u{9b}31m\0"),
            r"sh -c a\n\u{1b}[2J\u{7f}\u{9b}31m"
        );
        assert_eq!([command(""), command("\0\0")], [None, None]);
    }

    #[test]
    fn a_long_command_line_is_cut_and_says_so() {
        assert_eq!(command(&"x".repeat(199)), Some("x".repeat(199)));
        assert_eq!(command(&"x".repeat(201)), Some("x".repeat(199) + "…"));
        let escapes = command(&"\x1b".repeat(300)).unwrap();
        assert!(escapes.chars().count() <= 200 && escapes.ends_with("}…"), "{escapes}");
        assert_eq!(command(&"€".repeat(300)).unwrap().chars().count(), 200);
    }

    #[test]
    fn names_of_strangers_are_harmless() {
        assert_eq!(harmless("kube-proxy é 'x'"), "kube-proxy é 'x'");
        assert_eq!(harmless("\x1b]0;x\x07\r\n"), r"\u{1b}]0;x\u{7}\r\n");
        // Turned writing, a line end of Unicode, and what is an escape already.
        assert_eq!(harmless("a\u{202e}b\u{2028}\\n"), r"a\u{202e}b\u{2028}\\n");
    }
}
