//! Takes a rule's text apart into words, as iptables-save put it together.
//!
//! It prints strings of extensions by one function: bare when all is letters, digits, `-` and `_`,
//! else in double quotes with a backslash before `"`, `'` and `\`. A bare `--comment -j` is hence
//! possible, and so is a newline within quotes. Names of chains and interfaces are printed as they
//! are: `-j a"b` jumps to a chain of three characters.
use std::borrow::Cow;

/// Options whose value is a string of somebody's own: it may look like an option.
const STRINGS: [&str; 9] = [
    "--comment",
    "--helper",
    "--led-trigger-id",
    "--log-prefix",
    "--nfacct-name",
    "--nflog-prefix",
    "--path",
    "--string",
    "--ulog-prefix",
];
/// Options whose value is a name that is never quoted.
const NAMES: [&str; 6] = ["-j", "-g", "-i", "-o", "--name", "--hashlimit-name"];

/// One word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// As it stands; of a quoted word what is between the quotes, with its backslashes.
    pub(super) raw: &'a str,
    /// True when it stood in quotes.
    pub(super) quoted: bool,
    /// True when it is the value of an option, whatever it looks like.
    value: bool,
}

impl<'a> Word<'a> {
    /// The word if it can be an option.
    pub(super) fn option(self) -> Option<&'a str> {
        (!self.quoted && !self.value).then_some(self.raw)
    }

    /// What it says, without quotes and backslashes.
    pub(super) fn text(self) -> Cow<'a, str> {
        if !self.quoted || !self.raw.contains('\\') {
            return Cow::Borrowed(self.raw);
        }
        let mut chars = self.raw.chars();
        let mut out = String::with_capacity(self.raw.len());
        while let Some(c) = chars.next() {
            out.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        Cow::Owned(out)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Option,
    Name,
    Text,
}

/// The words of a rule up to the end of its line.
#[derive(Debug, Clone)]
pub(super) struct Words<'a> {
    rest: &'a str,
    next: Next,
    broken: bool,
}

impl<'a> Words<'a> {
    pub(super) fn new(spec: &'a str) -> Words<'a> {
        Words { rest: spec, next: Next::Option, broken: false }
    }

    /// True when all of the text was words: no quote is open or stands where none can stand, and
    /// nothing follows the end of the line.
    pub(super) fn all_read(&self) -> bool {
        !self.broken && self.rest.is_empty()
    }

    /// Where the line ends, counted from the end of the text; `None` when its words make no sense.
    pub(super) fn left(&mut self) -> Option<usize> {
        while self.next().is_some() {}
        (!self.broken).then_some(self.rest.len())
    }

    /// A word without quotes.
    pub(super) fn bare(&mut self) -> Option<&'a str> {
        self.next().filter(|word| !word.quoted).map(|word| word.raw)
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let inner = &self.rest[1..];
        let close = closing(inner)?;
        let after = &inner[close + 1..];
        if !(after.is_empty() || after.starts_with([' ', '\n'])) {
            return None;
        }
        self.rest = after;
        Some(&inner[..close])
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        self.rest = self.rest.trim_start_matches(' ');
        if self.broken || self.rest.is_empty() || self.rest.starts_with('\n') {
            return None;
        }
        let value = self.next != Next::Option;
        if self.rest.starts_with('"') && self.next != Next::Name {
            self.next = Next::Option;
            // Names that are not quoted may begin with a quote, but only a string can have a newline.
            let raw = self.quoted().filter(|raw| value || !raw.contains('\n'));
            self.broken = raw.is_none();
            return raw.map(|raw| Word { raw, quoted: true, value });
        }
        let blank = |byte| matches!(byte, b' ' | b'\n');
        let end = self.rest.bytes().position(blank).unwrap_or(self.rest.len());
        let (raw, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.next = match self.next {
            Next::Option if NAMES.contains(&raw) => Next::Name,
            Next::Option if STRINGS.contains(&raw) => Next::Text,
            Next::Option | Next::Name | Next::Text => Next::Option,
        };
        Some(Word { raw, quoted: false, value })
    }
}

/// Where the closing quote is.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let here = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        here
    })
}

/// The words of a line, without quotes; `None` when a quote is left open.
pub fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Words::new(line);
    let all = words.by_ref().map(|word| word.text().into_owned()).collect();
    words.all_read().then_some(all)
}
