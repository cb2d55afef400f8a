//! Names, comments and command lines that are commands to a terminal, forged lines of a log, or turned around.
use super::service;
use crate::support::{ADDRESS, Host, On, comes_true, eventually};
use crate::trust::Row;

/// A clear screen, an 8-bit CSI, the end of a line with one that is forged, turned writing, no width, DEL, no UTF-8.
const BAD: &str = r"B\033[2J\302\233\nFORGED\342\200\256\342\200\213\177\377";
/// The same as JSON has it, which has no bytes.
const JSON: &str = r"B\\u001b[2J\\u009b\\nFORGED\\u202e\\u200b\\u007f";

/// What an old terminal, a log or an eye would take for something else; but for colours of ours.
fn bad(text: &str) -> Option<String> {
    let mut plain = text.to_owned();
    for colour in ["0", "1", "31", "32", "33", "34", "35"] {
        plain = plain.replace(&format!("\x1b[{colour}m"), "");
    }
    let command = |c: char| {
        matches!(c, '\0'..='\x08' | '\x0b'..='\x1f' | '\x7f'..='\u{9f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let at = plain.find(command).or_else(|| plain.find("\nFORGED"))?;
    let from = plain[..at].char_indices().nth_back(40).map_or(0, |(from, _)| from);
    Some(plain[from..].chars().take(80).collect::<String>().escape_debug().to_string())
}

/// Others have put words like that wherever they could.
fn poison(host: &Host) {
    let [tool, tool6] = host.on().both_iptables();
    host.sh(&format!(
        r#"bad=$(printf '{BAD}'); one=$(printf '{}')
        for T in {tool} {tool6}; do
            $T -N "$one"; $T -A "$one" -j DROP; $T -I INPUT ! -i lo -j "$one"; $T -I KUBE-FIREWALL 2 -m comment --comment "$one" -j RETURN
            $T -t nat -N "$one"; $T -t nat -I KUBE-POSTROUTING 2 -p tcp -g "$one"; $T -t nat -I POSTROUTING -p tcp -j "$one"
        done"#,
        BAD.replace("\\n", "") // iptables' own saves know no ends of lines in names
    ));
    if host.on() == On::Nft {
        let table = format!(r#"{{"family":"ip","name":"{JSON}"}}"#);
        let chain = format!(r#"{{"family":"ip","table":"filter","name":"{JSON}"}}"#);
        let jump = format!(
            r#"{{"family":"ip","table":"filter","chain":"KUBE-FIREWALL","index":0,"comment":"x","expr":[{{"goto":{{"target":"{JSON}"}}}}]}}"#
        );
        host.sh(&format!(
            r#"printf '{{"nftables":[{{"add":{{"table":{table}}}}},{{"add":{{"chain":{chain}}}}},{{"insert":{{"rule":{jump}}}}}]}}' | nft -j -f -
            iptables-nft -I KUBE-FIREWALL 2 -m comment --comment "$(printf '{BAD}')" -j RETURN"#
        ));
    }
}

/// A program of that name, with such an argument, takes something of ours.
fn wipe(host: &Host) {
    let (program, words) = match host.on() {
        On::Nft => ("nft", "flush chain ip nat KUBE-MARK-MASQ"),
        On::Legacy => ("xtables-legacy-multi", "iptables -t nat -F KUBE-MARK-MASQ"),
    };
    let folder = host.state().with_file_name("programs");
    host.sh(&format!(
        r#"dir='{}'; mkdir "$dir"; cp "$(command -v {program})" "$dir/$(printf '{BAD}' | head -c 30 | tr / _)"
        "$dir"/B* {words}; rm -r "$dir""#,
        folder.display()
    ));
}

/// Every screen of that host, and each in JSON; with the colours that a terminal would be sent.
fn screens(host: &Host, row: &mut Row) {
    let all = [
        "diff",
        "check",
        "status",
        "events",
        "probe",
        "report -",
        "report - --with-foreign-rules --with-command-lines",
    ];
    let json = |words: &str| format!("{words} --output json");
    let both = all.into_iter().map(str::to_owned).chain(all[..5].iter().map(|words| json(words)));
    for words in both {
        let said = host
            .ck_under("env CLICOLOR_FORCE=1", &format!("--backend {} {words}", host.on().name()));
        for text in [&said.stdout, &said.stderr] {
            row.one(bad(text).is_none(), || format!("{words}: {}", bad(text).unwrap_or_default()));
        }
        if words.ends_with("json") {
            let reads = |text: &str| {
                serde_json::Deserializer::from_str(text)
                    .into_iter::<serde_json::Value>()
                    .all(|v| v.is_ok())
            };
            row.one(reads(&said.stdout), || format!("{words}: no JSON: {}", said.stdout));
        }
    }
}

/// Lost: an output with a byte that a terminal obeys, a forged line, turned writing, or JSON that is none.
#[test]
fn words_of_others_are_only_words() {
    let mut row = Row::new(
        "screens, journals, metrics and reports with hostile names, comments, programs",
        "outputs",
    );
    for on in On::BOTH {
        let host = Host::of(on);
        host.ck_ok("apply", 0);
        poison(&host);
        screens(&host, &mut row);
        for format in ["text", "json"] {
            let run = service(&host, &format!("--metrics-bind-address 9253 --log-format {format}"));
            // What is gone before the first pass is done was taken by nobody.
            eventually("the first pass is done", || host.ck("status").code == 0);
            wipe(&host);
            let told = comes_true(20, || run.journal().contains("repaired"));
            row.one(told, || format!("nothing was told: {}", run.journal()));
            screens(&host, &mut row);
            let pages = ["/metrics", "/readyz"]
                .map(|path| host.get(ADDRESS, path).map_or(String::new(), |got| got.text));
            for text in pages.into_iter().chain([run.journal()]) {
                row.one(bad(&text).is_none(), || {
                    format!("{format}: {}", bad(&text).unwrap_or_default())
                });
            }
            host.sh(&format!("{} -F KUBE-FIREWALL", on.both_iptables()[0]));
            poison_again(&host);
        }
    }
    row.end("");
}

/// What was mended has to be mended again.
fn poison_again(host: &Host) {
    let tool = host.on().both_iptables()[0];
    host.sh(&format!(
        r#"one=$(printf '{}'); {tool} -I KUBE-FIREWALL 1 -m comment --comment "$one" -j RETURN"#,
        BAD.replace("\\n", "")
    ));
}
