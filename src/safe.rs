//! What others chose (names, comments, words of tools, answers at a socket), made harmless to print: nothing that a
//! terminal obeys, that forges a line, or that turns around what is read. Pure.

/// Not printed as what it is: control characters, those of both directions, those without width.
fn odd(c: char) -> bool {
    !matches!(c, '\'' | '"' | '\\') && c.escape_debug().len() > 1
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match odd(c) && !stays(c) {
            true => out.extend(c.escape_debug()),
            false => out.push(c),
        }
    }
    out
}

/// As one line.
pub fn line(text: &str) -> String {
    escaped(text, |_| false)
}

/// As lines.
pub fn text(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// As lines in the colours that they have. Whoever colours a line makes its words harmless before.
pub fn coloured(screen: &str) -> String {
    let mut parts = screen.split("\x1b[");
    let mut out = text(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(part.len());
        let colour = part[end..].starts_with('m');
        out += if colour { "\x1b[" } else { "\\u{1b}[" };
        out += &text(part);
    }
    out
}

/// JSON that says the same in harmless characters.
pub fn json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match odd(c) && c != '\n' {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|u| out += &format!("\\u{u:04x}")),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal's command, one of C1, an end of a line, turned writing, without width, an escape, a beyond.
    const BAD: &str = "a\x1b[2J\u{9b}31m\nb\u{202e}\u{200b}\u{2067}\\n\u{e0001}\x7f'\"é\t";

    #[test]
    fn nothing_is_left_that_is_obeyed() {
        let shown = r"a\u{1b}[2J\u{9b}31m\nb\u{202e}\u{200b}\u{2067}\n\u{e0001}\u{7f}'";
        assert_eq!(line(BAD), format!("{shown}\"é\\t"));
        assert_eq!(line(&line(BAD)), line(BAD));
        assert_eq!(text(BAD), format!("{}\"é\t", shown.replacen("\\n", "\n", 1)));
    }

    #[test]
    fn our_colours_stay_and_no_other_command() {
        let screen = "\x1b[32m+\x1b[0m x\x1b[1;31mred\x1b[2J\x1b]0;x\x07\x1b[";
        let shown = "\x1b[32m+\x1b[0m x\x1b[1;31mred\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{1b}[";
        assert_eq!(coloured(screen), shown);
    }

    #[test]
    fn json_says_the_same() {
        let value = serde_json::json!({ BAD: [BAD] });
        for written in [value.to_string(), format!("{value:#}")] {
            let safe = json(&written);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
            assert!(!safe.contains(|c| odd(c) && c != '\n'), "{safe:?}");
        }
    }
}
