//! The top level of a YAML document. What is deeper is checked for syntax and skipped.
use granit_parser::{Event, Marker, Parser, ScalarStyle};
use std::collections::BTreeMap;
use std::fmt;

/// What a key holds.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    /// A word without quotes: a number, a boolean or a text.
    Plain(String),
    /// A text and nothing else, since it has quotes, a tag or lines of its own.
    Text(String),
    Collection,
}

/// A key's value and where it begins: `line 2 column 7`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) place: String,
}

/// The keys of a file's only document; none of an empty file.
///
/// Aliases are refused. They can bring any key from elsewhere, and few lines of them fill any memory.
pub(super) fn top_level(text: &str) -> Result<BTreeMap<String, Entry>, String> {
    let mut entries = BTreeMap::new();
    let (mut documents, mut depth) = (0, 0);
    let mut key = None;
    for read in Parser::new_from_str(text) {
        let (event, span) = read.map_err(|e| format!("{}: {}", place(e.marker()), e.info()))?;
        let place = place(&span.start);
        let refuse = |why: &str| Err(format!("{place}: {why}"));
        if event.is_alias() {
            return refuse("an alias (*name) is not read here, write out what it stands for");
        }
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                return refuse("a second document begins, one is expected");
            }
        }
        if event.is_node() && depth == 0 && !matches!(event, Event::MappingStart(..)) {
            return refuse("keys with values are expected");
        }
        if event.is_node() && depth == 1 {
            match (key.take(), value(&event)) {
                (Some(key), value) => {
                    entries.insert(key, Entry { value, place });
                }
                (None, Value::Plain(name)) if name == "<<" => {
                    return refuse("a merge (<<) is not read here, write out what it brings");
                }
                (None, Value::Plain(name) | Value::Text(name)) => {
                    if entries.contains_key(&name) {
                        return refuse(&format!("{name} is there twice"));
                    }
                    key = Some(name);
                }
                (None, Value::Null | Value::Collection) => {
                    return refuse("a key must be a word");
                }
            }
        }
        if matches!(event, Event::MappingStart(..) | Event::SequenceStart(..)) {
            depth += 1;
        } else if matches!(event, Event::MappingEnd | Event::SequenceEnd) {
            depth -= 1;
        }
    }
    Ok(entries)
}

fn value(node: &Event<'_>) -> Value {
    let Some((text, style)) = node.scalar() else { return Value::Collection };
    if style != ScalarStyle::Plain || node.tag().is_some() {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        _ => Value::Plain(text.to_owned()),
    }
}

fn place(mark: &Marker) -> String {
    format!("line {} column {}", mark.line(), mark.col() + 1)
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Plain(text) => f.write_str(text),
            Value::Text(text) => write!(f, "the text {text:?}"),
            Value::Collection => f.write_str("a list or a mapping"),
        }
    }
}
