//! The scripts by which people and programs flush tables, in as many shapes as they come in.
use crate::support::On;

/// A script, command by command.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) commands: Vec<String>,
}

const TABLES: [&str; 3] = ["filter", "nat", "mangle"];

/// What a host firewall sets up once it has flushed; `$T` for iptables.
const OWN: [&str; 6] = [
    "$T -N MINE",
    "$T -A MINE -j RETURN",
    "$T -A INPUT -i lo -j ACCEPT",
    "$T -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
    "$T -A INPUT -j MINE",
    "$T -t nat -A POSTROUTING -o uplink -j MASQUERADE",
];

/// A whole firewall as `iptables-restore` takes it.
const FILE: &str = "*filter\n:INPUT DROP [0:0]\n:MINE - [0:0]\n-A INPUT -i lo -j ACCEPT\n\
    -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j MINE\nCOMMIT\n*nat\n:MINE - [0:0]\n\
    -A POSTROUTING -j MINE\nCOMMIT\n*mangle\nCOMMIT";

/// A ruleset that begins as those of /etc/nftables.conf do.
const NFT_FILE: &str = "nft -f - <<'END'\nflush ruleset\ntable inet mine {\n  chain input {\n    \
    type filter hook input priority 0; policy drop;\n    tcp dport 22 accept\n  }\n}\nEND";

/// What there is for that backend.
pub(crate) fn all(on: On) -> Vec<Shape> {
    let tools = on.both_iptables();
    let each = |lines: &[&str]| -> Vec<String> {
        let of = |tool: &&str| lines.iter().map(|l| l.replace("$T", tool)).collect::<Vec<_>>();
        tools.iter().flat_map(of).collect()
    };
    let tables = |ops: &[&str]| -> Vec<String> {
        let one = |(tool, table): (&str, &str)| -> Vec<String> {
            ops.iter().map(|op| format!("{tool} -t {table} {op}")).collect()
        };
        let both = tools.iter().flat_map(|tool| TABLES.map(|table| (*tool, table)));
        both.flat_map(one).collect()
    };
    let shape = |name, commands: Vec<Vec<String>>| Shape { name, commands: commands.concat() };
    let by_name: Vec<String> = tools.iter().flat_map(|tool| by_name(tool)).collect();
    let file = format!("$T-restore <<'END'\n{FILE}\nEND");
    let mut shapes = vec![
        shape("table by table", vec![tables(&["-F", "-X"])]),
        shape("first all -F, then all -X", vec![tables(&["-F"]), tables(&["-X"])]),
        shape(
            "locked first, opened at the end",
            vec![
                each(&["$T -P INPUT DROP", "$T -P FORWARD DROP"]),
                tables(&["-F", "-X"]),
                each(&OWN),
            ],
        ),
        shape("opened again", vec![each(&["$T -P INPUT ACCEPT"]), tables(&["-F", "-X", "-Z"])]),
        shape("chain by chain", vec![by_name]),
        shape("saved and restored", vec![each(&["$T-save | $T-restore"])]),
        shape("restored without ours", vec![each(&["$T-save | grep -v KUBE | $T-restore"])]),
        shape(
            "saved, flushed, restored",
            vec![each(&["f=$(mktemp); $T-save >$f; $T -F; $T -t nat -F; $T-restore <$f; rm $f"])],
        ),
        shape("a whole file", vec![each(&[&file])]),
        shape("and once more", vec![tables(&["-F", "-X"]), each(&OWN)]),
    ];
    if on == On::Nft {
        let one_by_one = [
            "nft flush ruleset",
            "nft add table inet mine",
            "nft add chain inet mine input '{ type filter hook input priority 0; policy drop; }'",
            "nft add rule inet mine input tcp dport 22 accept",
        ];
        shapes.push(shape("nft, a file", vec![vec![NFT_FILE.into()]]));
        shapes.push(shape("nft, one by one", vec![one_by_one.map(str::to_owned).into()]));
        let table = ["delete table ip nat", "delete table ip6 filter", "flush table ip filter"];
        shapes.push(shape("nft, tables", vec![table.map(|t| format!("nft {t}")).into()]));
    }
    shapes
}

/// As programs tear down each other's chains: jumps, contents, chains.
fn by_name(tool: &str) -> Vec<String> {
    let jump = "-m comment --comment 'kubernetes postrouting rules' -j KUBE-POSTROUTING";
    let mut all = vec![
        format!("{tool} -D INPUT -j KUBE-FIREWALL"),
        format!("{tool} -D OUTPUT -j KUBE-FIREWALL"),
        format!("{tool} -t nat -D POSTROUTING {jump}"),
    ];
    let chains =
        [("filter", "KUBE-FIREWALL"), ("nat", "KUBE-POSTROUTING"), ("nat", "KUBE-MARK-MASQ")];
    for op in ["-F", "-X"] {
        all.extend(chains.map(|(table, chain)| format!("{tool} -t {table} {op} {chain}")));
    }
    all
}
