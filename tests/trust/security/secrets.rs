//! Secrets of this host that we come by: none of them is told.
use crate::support::{ADDRESS, Host, On, PROGRAM, Running, Scratch, comes_true, eventually};
use crate::trust::Row;

const SECRET: &str = "hunter2-s3cret";

/// Where it must not be.
fn outputs(host: &Host, run: &Running, more: &str) -> Vec<(String, String)> {
    let mut all = vec![
        ("the journal".to_owned(), run.journal()),
        ("metrics".into(), host.get(ADDRESS, "/metrics").expect("served").text),
    ];
    for words in [
        "status",
        "status --output json",
        "config show",
        "config show --output json",
        "diff",
        "probe",
        "report -",
    ] {
        let said = host.ck_under(
            &format!("env API_TOKEN={SECRET} CHAINKEEPER_PASSWORD_FILE={SECRET}"),
            &format!("{more} {words}"),
        );
        all.push((words.into(), said.stdout + &said.stderr));
    }
    all
}

/// Lost: an output that has a word of the environment, of a kubelet's settings, of another's rule or command line.
#[test]
fn no_secret_is_told() {
    let mut row = Row::new(
        "outputs with secrets in the environment, kubelet's settings, rules and command lines",
        "outputs",
    );
    for format in ["text", "json"] {
        let host = Host::of(On::Nft);
        let kubelet = format!(
            "kind: KubeletConfiguration\nstaticPodURLHeader: {{Authorization: [\"{SECRET}\"]}}\n"
        );
        let kubelet = Scratch::new(&format!("kubelet-{format}"), &kubelet);
        let more = format!("--kubelet-config {}", kubelet.path());
        let words = format!(
            "run --on-conflict insist --settle 10ms --log-format {format} --metrics-bind-address {ADDRESS} {more} -v -v"
        );
        let run = host.start_with(
            PROGRAM,
            &words,
            &[("API_TOKEN", SECRET), ("CHAINKEEPER_CONFIG", "none")],
        );
        eventually("all is in place", || host.ck("check").code == 0);
        host.sh(&format!(
            "iptables-nft -I KUBE-POSTROUTING -t nat -m comment --comment {SECRET} -j RETURN"
        ));
        // `events` has it, unless `command-lines` is false; no other may.
        let told = (0..20).any(|_| {
            let flush = "echo flush chain ip nat KUBE-MARK-MASQ";
            host.sh(&format!("{flush} | nft -D token={SECRET} -f -"));
            eventually("it is mended", || host.ck("diff").code == 0);
            comes_true(2, || host.ck_ok("events", 0).contains(SECRET))
        });
        row.one(told, || format!("no command line was seen: {}", run.journal()));
        for (what, text) in outputs(&host, &run, &more) {
            row.one(!text.contains(SECRET), || format!("{what}: {text}"));
        }
        // A file that is no YAML is not quoted.
        kubelet.write(format!("kind: KubeletConfiguration\n\"{SECRET}: [\n"));
        let said = host.ck(&format!("{more} config check"));
        row.one(said.code != 0 && !said.stderr.contains(SECRET), || format!("{said:?}"));
    }
    row.end("");
}
