//! What is nobody's business: addresses, the host's name, and what others wrote into their rules. Pure.
use crate::cli::ReportArgs;
use crate::safe;
use std::net::IpAddr;

/// Comments that are ours.
const OURS: [&str; 4] = [
    "kubernetes service traffic requiring SNAT",
    "kubernetes postrouting rules",
    "kubernetes firewall for dropping marked packets",
    "block incoming localnet connections",
];
/// Options of rules whose values are no secret.
const OPEN: [&str; 4] = ["--mark", "--set-xmark", "--ctstate", "--random-fully"];

/// What is hidden.
pub(super) struct Hide {
    host: String,
    addresses: bool,
    rules: bool,
    commands: bool,
}

impl Hide {
    /// `host`: the name of this one; empty where nobody knows it.
    pub(super) fn new(host: &str, args: &ReportArgs) -> Hide {
        Hide {
            host: host.trim().into(),
            addresses: !args.with_addresses,
            rules: !args.with_foreign_rules,
            commands: !args.with_command_lines,
        }
    }

    /// For the head of the report.
    pub(super) fn says(&self) -> String {
        let hidden = [
            Some("the host's name"),
            self.addresses.then_some("addresses"),
            self.rules.then_some("rules of others"),
            self.commands.then_some("command lines of others"),
        ];
        format!("left out: {}", hidden.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    /// The text without it, and without anything that a terminal obeys.
    pub(super) fn clean(&self, text: &str) -> String {
        // Made harmless before the colours go: what others left open would take the rest with it.
        let text = safe::coloured(&text.replace('\t', " "));
        let text = anstream::adapter::strip_str(&text).to_string();
        let mut out = String::new();
        for line in text.lines() {
            let line = if self.rules { rules(line) } else { line.to_owned() };
            let line = if self.addresses { addresses(&line) } else { line };
            out += &self.without_host(&line);
            out.push('\n');
        }
        out
    }

    /// As a word of its own; with its domain, and without.
    fn without_host(&self, line: &str) -> String {
        let short = self.host.split('.').next().unwrap_or_default();
        let mut line = line.to_owned();
        for name in [self.host.as_str(), short] {
            if name.len() > 1 && name != "localhost" {
                line = replace_word(&line, name, "(host)");
            }
        }
        line
    }
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(word) {
        let end = at + word.len();
        let alone = !rest[..at].ends_with(inside) && !rest[end..].starts_with(inside);
        out += &rest[..at];
        out += if alone { by } else { word };
        rest = &rest[end..];
    }
    out + rest
}

/// Rules in a line without what others wrote into them. Their targets stay.
pub(super) fn rules(line: &str) -> String {
    let words = words(line);
    let is_rule = |(_, word): &(&str, &str)| ["-j", "-g", "-m", "--comment"].contains(word);
    if !words.iter().any(is_rule) {
        return line.to_owned();
    }
    let (mut out, mut hiding, mut said) = (String::new(), false, false);
    for (blank, word) in words {
        let quoted = word.contains('"');
        let ours = OURS.contains(&word.trim_matches('"'));
        if word.starts_with('-') && !quoted {
            (hiding, said) = (word.starts_with("--") && !OPEN.contains(&word), false);
        } else if (hiding || quoted) && !ours {
            if !said {
                out += " (hidden)";
            }
            said = true;
            continue;
        }
        out += blank;
        out += word;
    }
    out
}

/// Words with the blanks before them; a quoted text is in one word.
fn words(line: &str) -> Vec<(&str, &str)> {
    let (mut words, mut rest) = (vec![], line);
    while !rest.is_empty() {
        let start = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let (mut quoted, mut escaped) = (false, false);
        let ends = |c: char| {
            let end = c.is_whitespace() && !quoted;
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            end
        };
        let end = rest[start..].find(ends).map_or(rest.len(), |end| start + end);
        words.push((&rest[..start], &rest[start..end]));
        rest = &rest[end..];
    }
    words
}

/// Addresses of networks and of cards, wherever they stand. Those that every host has stay.
fn addresses(line: &str) -> String {
    let part = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.';
    let (mut out, mut rest) = (String::new(), line);
    while let Some(start) = rest.find(part) {
        let end = rest[start..].find(|c| !part(c)).map_or(rest.len(), |end| start + end);
        out += &rest[..start];
        out += &one(&rest[start..end]);
        rest = &rest[end..];
    }
    out + rest
}

fn one(text: &str) -> String {
    let bare = text.trim_end_matches(['.', ':']);
    let tail = &text[bare.len()..];
    let hide = |address: &str| match address.parse::<IpAddr>() {
        Ok(ip) => !ip.is_loopback() && !ip.is_unspecified(),
        Err(_) => is_card(address),
    };
    // `::` and its like end in what is cut off.
    if text.parse::<IpAddr>().is_ok() {
        return if hide(text) { "(address)".into() } else { text.into() };
    }
    match bare.rsplit_once(':') {
        _ if hide(bare) => format!("(address){tail}"),
        Some((address, port)) if !address.contains(':') && hide(address) => {
            format!("(address):{port}{tail}")
        }
        Some(_) | None => text.into(),
    }
}

fn is_card(text: &str) -> bool {
    text.len() == 17 && text.split(':').count() == 6 && text.split(':').all(|p| p.len() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hidden_wherever_they_stand() {
        for (text, shown) in [
            ("from 10.244.0.0/16.", "from (address)/16."),
            ("tcp 10.0.0.2:4711 -> 192.0.2.1:80", "tcp (address):4711 -> (address):80"),
            ("[2001:db8::1]:80, fe80::1%eth0", "[(address)]:80, (address)%eth0"),
            ("card 02:42:ac:11:00:02", "card (address)"),
            ("2001:db8::/32 and fd00::", "(address)/32 and (address)"),
        ] {
            assert_eq!(addresses(text), shown);
        }
        for same in ["127.0.0.0/8 ::1 [::]:0 0.0.0.0", "v1.8.9 at 04:37:17", "0x4000/0x4000 6.1.0"]
        {
            assert_eq!(addresses(same), same);
        }
    }

    #[test]
    fn rules_of_others_keep_their_targets_alone() {
        for (text, shown) in [
            (
                r#"after: -s 1.2.3.4/32 -m comment --comment "se\"cret word" -j DROP ends it"#,
                "after: -s 1.2.3.4/32 -m comment --comment (hidden) -j DROP ends it",
            ),
            ("-m comment --comment secret -j X", "-m comment --comment (hidden) -j X"),
            (r#"-j LOG --log-prefix "the secret"#, "-j LOG --log-prefix (hidden)"),
            (
                "-m string --string secret --algo bm -j X",
                "-m string --string (hidden) --algo (hidden) -j X",
            ),
        ] {
            assert_eq!(rules(text), shown);
        }
        for same in [
            r#"  +   -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully"#,
            "  +   -m mark ! --mark 0x4000/0x4000 -j RETURN",
            r#"socket = "/run/x.sock"   # --socket was given"#,
        ] {
            assert_eq!(rules(same), same);
        }
    }

    #[test]
    fn the_name_of_the_host_is_hidden_as_a_word() {
        let hide = Hide::new("node-7.example.org", &ReportArgs::default());
        let shown =
            hide.clean("on node-7 and node-7.example.org, not node-77 or my-node-7\u{1b}[2J\u{7}");
        assert_eq!(shown, "on (host) and (host), not node-77 or my-node-7\\u{1b}[2J\\u{7}\n");
    }

    #[test]
    fn what_others_left_open_takes_nothing_with_it() {
        let hide = Hide::new("", &ReportArgs::default());
        for command in ["\x1b]0;", "\x1bP", "\u{9d}", "\u{9b}"] {
            let shown = hide.clean(&format!("\x1b[32mchain X{command} after\x1b[0m\nnext\n"));
            let safe = safe::line(command);
            assert_eq!(shown, format!("chain X{safe} after\nnext\n"));
        }
    }
}
