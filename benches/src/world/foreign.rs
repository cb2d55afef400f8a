//! Rules of others, as those write them.
use super::{Programs, feed};
use std::fmt::Write as _;

/// Whose rules, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// kube-proxy's services in `ip nat`: five rules and two chains each; two of the rules jump to our mark
    /// chain.
    KubeProxy,
    /// Docker's published ports in `ip nat` and `ip filter`: three rules each, one of them in POSTROUTING.
    Docker,
    /// In a table of their own.
    Elsewhere,
}

impl Foreign {
    pub(crate) const EACH: [Foreign; 3] = [Foreign::KubeProxy, Foreign::Docker, Foreign::Elsewhere];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Foreign::KubeProxy => "kube-proxy's",
            Foreign::Docker => "Docker's",
            Foreign::Elsewhere => "of another table",
        }
    }

    /// So many of them, in the calling thread's network namespace, by the tools with that ending. Our chains
    /// are there already.
    pub(crate) fn load(
        self,
        programs: &Programs,
        ending: &str,
        rules: usize,
    ) -> anyhow::Result<()> {
        match self {
            _ if rules == 0 => Ok(()),
            Foreign::KubeProxy => programs.restore("ip", ending, &kube_proxy(rules)),
            Foreign::Docker => programs.restore("ip", ending, &docker(rules)),
            Foreign::Elsewhere => feed(&mut programs.command("nft", "-f -")?, &elsewhere(rules)),
        }
    }
}

/// An address of 10.0.0.0/8 for each number.
fn address(n: usize) -> String {
    format!("10.{}.{}.{}", n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff)
}

fn kube_proxy(rules: usize) -> String {
    let (mut chains, mut out) = (String::new(), String::new());
    for n in 0..rules / 5 {
        let (svc, sep) = (format!("KUBE-SVC-{n:016X}"), format!("KUBE-SEP-{n:016X}"));
        let (vip, pod) = (address(n), address(n + (1 << 20)));
        let _ = write!(chains, ":{svc} - [0:0]\n:{sep} - [0:0]\n");
        let name = format!("-m comment --comment \"default/service-{n}:http\"");
        let _ = write!(
            out,
            "-A KUBE-SERVICES -d {vip}/32 -p tcp {name} -m tcp --dport 80 -j {svc}\n\
             -A {svc} ! -s 10.244.0.0/16 -d {vip}/32 -p tcp {name} -m tcp --dport 80 -j KUBE-MARK-MASQ\n\
             -A {svc} {name} -j {sep}\n\
             -A {sep} -s {pod}/32 {name} -j KUBE-MARK-MASQ\n\
             -A {sep} -p tcp {name} -m tcp -j DNAT --to-destination {pod}:8080\n"
        );
    }
    format!(
        "*nat\n:KUBE-SERVICES - [0:0]\n{chains}{out}-A PREROUTING -j KUBE-SERVICES\n\
         -A OUTPUT -j KUBE-SERVICES\nCOMMIT\n"
    )
}

fn docker(rules: usize) -> String {
    let (mut nat, mut filter) = (String::new(), String::new());
    for n in 0..rules / 3 {
        let (to, port) = (address(n + (1 << 20)), 1024 + n % 60_000);
        let _ = write!(
            nat,
            "-A POSTROUTING -s {to}/32 -d {to}/32 -p tcp -m tcp --dport 80 -j MASQUERADE\n\
             -A DOCKER ! -i docker0 -p tcp -m tcp --dport {port} -j DNAT --to-destination {to}:80\n"
        );
        let _ = writeln!(
            filter,
            "-A DOCKER -d {to}/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT"
        );
    }
    format!(
        "*nat\n:DOCKER - [0:0]\n{nat}-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\nCOMMIT\n\
         *filter\n:DOCKER - [0:0]\n{filter}-A FORWARD -o docker0 -j DOCKER\nCOMMIT\n"
    )
}

fn elsewhere(rules: usize) -> String {
    let rule = |n| format!("ip saddr {} tcp dport 80 counter accept\n", address(n));
    let rules: String = (0..rules).map(rule).collect();
    format!(
        "table inet others {{\nchain forward {{\ntype filter hook forward priority 0;\n{rules}}}\n}}\n"
    )
}
