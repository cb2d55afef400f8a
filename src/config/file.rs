//! The TOML file of settings. Messages name the line, and the key that was probably meant.
use super::settings::values;
use super::{ConfigError, Layers, Origin, Settings};
use nix::fcntl::OFlag;
use nix::sys::stat::makedev;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The file that counts where none is named, if it is there.
pub const DEFAULT: &str = "/etc/chainkeeper/config.toml";

/// What changed less than so long ago may be half-written: it is read again until it rests.
const FRESH: Duration = Duration::from_millis(100);
/// In bytes: no file of settings is longer.
const MOST: u64 = 1 << 20;
/// So often at most.
const AGAIN: u32 = 20;

/// Parses a TOML file of settings. `shown` is its name in messages.
pub fn parse(shown: &str, text: &str) -> Result<Settings, ConfigError> {
    toml::from_str(text).map_err(|e| {
        let span = e.span().unwrap_or_default();
        let at = format!("config {shown} line {}", line(text, span.start));
        let first = e.message().lines().next().unwrap_or_default();
        let quoted: Vec<&str> = first.split('`').skip(1).step_by(2).collect();
        let Some(key) = key_of(text, span.start) else {
            let remedy = "the file is TOML: key = value, words in quotes, each key once";
            return ConfigError::new(format!("{at}: {first}"), remedy);
        };
        match quoted.split_first() {
            Some((unknown, known)) if first.starts_with("unknown field") => {
                let remedy = match nearest(unknown, known) {
                    Some(best) => format!("did you mean `{best}`?"),
                    None => "`chainkeeper config show` lists all keys".into(),
                };
                ConfigError::new(format!("{at}: unknown key `{unknown}`"), remedy)
            }
            _ => {
                let value = text.get(span).unwrap_or_default();
                ConfigError::new(format!("{at}: {key} cannot be {value}"), values(&key))
            }
        }
    })
}

/// The key whose line that is, if the text is TOML.
fn key_of(text: &str, offset: usize) -> Option<String> {
    let at = line(text, offset);
    lines(text)
        .into_iter()
        .filter(|(_, line)| *line <= at)
        .max_by_key(|(_, line)| *line)
        .map(|l| l.0)
}

/// The layer of that file.
pub(super) fn layer(path: &Path) -> Result<Layers, ConfigError> {
    let shown = path.display().to_string();
    let text = rested(path).map_err(|e| {
        ConfigError::new(
            format!("config {shown}: {e}"),
            "check the path given to --config, or leave --config out",
        )
    })?;
    let settings = parse(&shown, &text)?;
    let lines = lines(&text);
    Layers::of(&settings, |key| Origin::File(path.to_owned(), lines.get(key).copied().unwrap_or(1)))
}

/// The line of each key.
fn lines(text: &str) -> BTreeMap<String, usize> {
    let Ok(table) = toml::de::DeTable::parse(text) else { return BTreeMap::new() };
    let keys = table.get_ref().keys();
    keys.map(|key| (key.get_ref().to_string(), line(text, key.span().start))).collect()
}

/// Its text once nobody writes to it any more, as far as that shows.
fn rested(path: &Path) -> io::Result<String> {
    for _ in 0..AGAIN {
        let changed = std::fs::metadata(path)?.modified()?;
        let age = SystemTime::now().duration_since(changed).unwrap_or(FRESH);
        if age >= FRESH {
            break;
        }
        std::thread::sleep(FRESH - age);
    }
    small(path)
}

/// The text of a file, or the empty one of /dev/null. What waits for a writer, or has no end, is none: nobody
/// waits for it.
pub(super) fn small(path: &Path) -> io::Result<String> {
    let file = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let found = file.metadata()?;
    let odd = || Err(io::Error::other("not a small file"));
    let null = found.file_type().is_char_device() && found.rdev() == makedev(1, 3);
    if !(found.is_file() || found.is_dir() || null) {
        return odd();
    }
    let mut text = String::new();
    // Not by its length: files of /proc have none, and others grow meanwhile.
    match file.take(MOST + 1).read_to_string(&mut text)? as u64 > MOST {
        true => odd(),
        false => Ok(text),
    }
}

/// What there is to say of who may change it.
pub(super) fn open_to_all(path: &Path) -> Option<String> {
    let found = std::fs::metadata(path).ok()?;
    let mode = found.mode();
    (found.is_file() && mode & 0o002 != 0).then(|| {
        format!("config {}: anybody may write to it (mode {:04o})", path.display(), mode & 0o7777)
    })
}

fn line(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or("").matches('\n').count() + 1
}

/// The one that was probably meant.
pub(super) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = |k: &&&str| strsim::jaro_winkler(unknown, k);
    let best = known.iter().max_by(|a, b| near(a).total_cmp(&near(b)));
    best.filter(|b| near(b) > 0.8).copied()
}
