//! The house is as ARCHITECTURE.md draws it: who uses whom, by the real `use` lines, and who is pure.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Each Rust file below that folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    let all = paths.into_iter().flat_map(below);
    all.filter(|path| path.extension().is_some_and(|ext| ext == "rs")).collect()
}

/// The code of a file: no comments, no tests. A comment may begin within a string; no path stands behind one.
fn code(path: &Path) -> String {
    let text = read(path);
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let bare = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    let code: String = code.lines().map(bare).collect();
    // Else the modules that it uses could not be seen in it.
    for hidden in ["crate::{", "super::super"] {
        assert!(!code.contains(hidden), "{}: write `{hidden}` out", path.display());
    }
    code
}

/// The first word of it.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The modules of its own crate that code names. Macros stand in none.
fn used(code: &str) -> BTreeSet<String> {
    let paths = code.split("crate::").skip(1).map(|rest| (word(rest), rest));
    let modules = paths.filter(|(word, rest)| !rest[word.len()..].starts_with('!'));
    modules.map(|(word, _)| word.to_owned()).collect()
}

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Which module of a crate uses which others; children count as their parent.
fn arrows(crate_folder: &str) -> Arrows {
    let src = Path::new(ROOT).join(crate_folder);
    let module = |path: &Path| {
        let first = path.strip_prefix(&src).expect("below").iter().next().expect("a name");
        first.to_str().expect("text").trim_end_matches(".rs").to_owned()
    };
    let mut arrows: Arrows = BTreeMap::new();
    for path in files(&src) {
        let of = module(&path);
        if ["lib", "main"].contains(&of.as_str()) {
            continue;
        }
        let code = code(&path);
        let above = path.parent() == Some(&src) && code.contains("super::");
        assert!(!above, "{}: write `super::` as `crate::`", path.display());
        arrows
            .entry(of.clone())
            .or_default()
            .extend(used(&code).into_iter().filter(|to| *to != of));
    }
    for (of, to) in &arrows {
        let other = to.iter().find(|to| !arrows.contains_key(*to));
        assert!(other.is_none(), "{crate_folder}: {of} names crate::{other:?}, which is no module");
    }
    arrows
}

/// The layers of a crate as ARCHITECTURE.md has them, from the top.
fn layers(crate_folder: &str) -> Vec<Vec<String>> {
    let text = read(&Path::new(ROOT).join("ARCHITECTURE.md"));
    let head = format!("\n`{crate_folder}`:\n\n");
    let (_, block) =
        text.split_once(&head).unwrap_or_else(|| panic!("no layers of {crate_folder}"));
    let lines = block.lines().take_while(|line| line.starts_with("    "));
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// Each module stands in one layer, and uses only what stands in lower ones.
#[test]
fn each_module_uses_only_what_stands_below_it() {
    let crates = ["src", "backends/nft/src", "backends/legacy/src", "backends/contract/src"];
    for folder in crates.into_iter().chain(["backends/conntrack/src"]) {
        let (arrows, layers) = (arrows(folder), layers(folder));
        let drawn: Vec<&String> = layers.iter().flatten().collect();
        let real: Vec<&String> = arrows.keys().collect();
        let sorted: BTreeSet<&String> = drawn.iter().copied().collect();
        assert_eq!(sorted.into_iter().collect::<Vec<_>>(), real, "{folder}: the modules");
        assert_eq!(drawn.len(), real.len(), "{folder}: one stands twice");
        let at = |module: &String| layers.iter().position(|layer| layer.contains(module));
        let upward = arrows.iter().flat_map(|(of, to)| to.iter().map(move |to| (of, to)));
        let upward: Vec<_> = upward.filter(|(of, to)| at(to) <= at(of)).collect();
        assert!(upward.is_empty(), "{folder}: these point up: {upward:?}\nall: {arrows:#?}");
    }
}

/// What asks the host for something, or tells it.
const IMPURE: [&str; 19] = [
    "std::{",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "std::os::unix",
    "Instant",
    "SystemTime",
    "libc::",
    "std::net::Tcp",
    "std::net::Udp",
    "chainkeeper_legacy",
    "chainkeeper_nft",
    "crate::host",
    "tokio",
    "nix::",
    "procfs",
    "tracing",
];

/// Other modules of ours, of which pure code takes types.
const TYPES: [&str; 6] = ["backends", "cli", "config", "culprit", "reconcile", "switch"];

/// The paths in backquotes behind that word of ARCHITECTURE.md, up to the end of its paragraph.
fn listed(word: &str) -> Vec<PathBuf> {
    let text = read(&Path::new(ROOT).join("ARCHITECTURE.md"));
    let (_, after) = text.split_once(word).unwrap_or_else(|| panic!("no `{word}`"));
    let paragraph = after.split("\n\n").next().unwrap_or_default();
    paragraph.split('`').skip(1).step_by(2).map(|path| Path::new(ROOT).join(path)).collect()
}

#[test]
fn what_is_called_pure_has_no_clock_and_asks_nobody() {
    let (pure, but) = (listed("**Pure**:"), listed("**Not pure** among them:"));
    for path in pure.iter().chain(&but) {
        assert!(path.is_dir() || path.with_extension("rs").exists(), "no {}", path.display());
    }
    let all = ["src", "backends/contract/src"].map(|folder| files(&Path::new(ROOT).join(folder)));
    let below = |path: &Path, of: &[PathBuf]| {
        of.iter().any(|of| path.starts_with(of) || *path == of.with_extension("rs"))
    };
    let is_pure = |module: &String| {
        pure.contains(&Path::new(ROOT).join("src").join(module)) || TYPES.contains(&module.as_str())
    };
    for path in all.concat().into_iter().filter(|p| below(p, &pure) && !below(p, &but)) {
        let code = code(&path);
        let uses = used(&code).into_iter().find(|module| !is_pure(module));
        let uses = uses.filter(|_| !path.starts_with(Path::new(ROOT).join("backends")));
        assert!(uses.is_none(), "{} is called pure: {uses:?}", path.display());
        let found: Vec<_> = IMPURE.into_iter().filter(|word| code.contains(word)).collect();
        assert!(found.is_empty(), "{} is called pure: {found:?}", path.display());
    }
}

/// Neither backend sees the other, and the contract sees none; conntrack only nft's door.
#[test]
fn the_backends_do_not_see_each_other() {
    let all = ["chainkeeper::", "chainkeeper_nft", "chainkeeper_legacy", "chainkeeper_conntrack"];
    for (folder, own) in [
        ("contract", ""),
        ("nft", "chainkeeper_nft"),
        ("legacy", "chainkeeper_legacy"),
        ("conntrack", "chainkeeper_conntrack"),
    ] {
        for path in files(&Path::new(ROOT).join("backends").join(folder).join("src")) {
            let code = code(&path);
            let code = match folder {
                "conntrack" => code.replace("chainkeeper_nft::netlink", ""),
                _ => code,
            };
            let seen = all.iter().find(|name| **name != own && code.contains(*name));
            assert!(seen.is_none(), "{} names {seen:?}", path.display());
        }
    }
}

/// `scripts/laws` takes a build for each, so it is not run with the tests; this shows what has to be made anew.
#[test]
fn each_patch_that_breaks_a_law_still_applies() {
    let entries = std::fs::read_dir(Path::new(ROOT).join("tests/laws")).expect("a folder");
    let mut patches: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    patches.retain(|path| path.extension().is_some_and(|ext| ext == "patch"));
    assert!(patches.len() > 20, "{patches:?}");
    let folders = ["src", "backends", "tests"].map(|folder| files(&Path::new(ROOT).join(folder)));
    let code: String = folders.concat().iter().map(|path| read(path)).collect();
    let above = Path::new(ROOT).parent().expect("a folder");
    for patch in patches {
        for line in read(&patch).lines().filter_map(|line| line.strip_prefix("fails: ")) {
            let test = line.rsplit([' ', ':']).next().unwrap_or_default();
            assert!(code.contains(&format!("fn {test}(")), "{}: no {line}", patch.display());
        }
        let mut git = std::process::Command::new("git");
        // In a repository above, git would pass over files that are not in it.
        git.args(["apply", "--check"]).arg(&patch).current_dir(ROOT);
        git.env("GIT_CEILING_DIRECTORIES", above);
        let said = git.output().expect("git is installed");
        let words = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{}: {words}", patch.display());
    }
}

/// The functions that docs/walks.md names are in the files that it names before them.
#[test]
fn the_walks_lead_through_functions_that_are_there() {
    let text = read(&Path::new(ROOT).join("docs/walks.md"));
    let mut checked = 0;
    for paragraph in text.split("\n\n") {
        let mut code = None;
        for word in paragraph.split('`').skip(1).step_by(2) {
            let name = |c: char| c.is_ascii_lowercase() || c == '_';
            if word.contains('/') && word.ends_with(".rs") {
                code = Some((word, read(&Path::new(ROOT).join(word))));
            } else if let Some((file, code)) = code.as_ref().filter(|_| word.chars().all(name)) {
                let there = ["(", "<"].iter().any(|c| code.contains(&format!("fn {word}{c}")));
                assert!(there, "{file} has no function {word}");
                checked += 1;
            }
        }
    }
    assert!(checked > 60, "{checked}");
}
