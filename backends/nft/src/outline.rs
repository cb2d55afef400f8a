//! The little that has to be known of a rule that is not ours: does every packet meet it, does it
//! change the packet, where does it send it.
use crate::expr::{Expr, Verdict, Xt};
use chainkeeper_contract::targets::{Effect, effect};
use chainkeeper_contract::{ChainName, End, Outline};

/// Outlines the expressions of a rule.
pub(crate) fn outline(exprs: &[Expr]) -> Outline {
    let mut out =
        Outline { conditional: false, alters: false, end: End::Next, text: String::new() };
    for expr in exprs {
        match expr {
            Expr::Match(xt) => out.conditional |= xt.name != "comment",
            Expr::Target(xt) => target(xt, &mut out),
            Expr::Counter { .. } => {}
            // A load alone decides nothing, the comparison after it does.
            Expr::Payload { .. } | Expr::Bitwise { .. } | Expr::Meta { .. } => {}
            // Breaks off where there is no connection, whatever is asked then.
            Expr::Ct { .. } => out.conditional = true,
            Expr::MetaSet { .. } | Expr::Masq { .. } => other(&expr.name(), &mut out),
            Expr::Cmp { .. } => out.conditional = true,
            Expr::Immediate(verdict) => out.end = end(verdict),
            Expr::Other(name) => other(name, &mut out),
        }
    }
    out.text = text(exprs, &out.end);
    out
}

fn target(xt: &Xt, out: &mut Outline) {
    let name = xt.name.as_str();
    match effect(name) {
        Some(Effect::Watches) => {}
        Some(Effect::Alters) => out.alters = true,
        Some(Effect::Ends) => {
            out.alters = true;
            out.end = End::Other(name.to_owned());
        }
        None => out.end = End::Unknown(name.to_owned()),
    }
}

fn other(name: &str, out: &mut Outline) {
    match name {
        "log" | "last" | "dup" | "immediate data" => {}
        "meta set" | "ct set" | "payload set" | "exthdr set" | "notrack" | "dynset" => {
            out.alters = true;
        }
        "reject" | "masq" | "nat" | "redir" | "queue" | "tproxy" | "synproxy" | "fwd" => {
            out.alters = true;
            out.end = End::Other(name.to_owned());
        }
        "lookup" | "range" | "limit" | "ct" | "fib" | "quota" | "connlimit" | "socket" | "osf"
        | "rt" | "exthdr" | "tunnel" | "numgen" | "hash" | "xfrm" => {
            out.conditional = true;
        }
        "vmap" => {
            out.conditional = true;
            out.end = End::Unknown(name.to_owned());
        }
        _ => out.end = End::Unknown(name.to_owned()),
    }
}

fn end(verdict: &Verdict) -> End {
    match verdict {
        Verdict::Drop => End::Drop,
        Verdict::Accept => End::Accept,
        Verdict::Return => End::Return,
        Verdict::Jump(to) => End::Jump(ChainName::from(to.as_str())),
        Verdict::Goto(to) => End::Goto(ChainName::from(to.as_str())),
        Verdict::Other(code) => End::Other(format!("verdict {code}")),
    }
}

/// `(match tcp) -j ACCEPT`: what can be said without every extension's own printer.
fn text(exprs: &[Expr], end: &End) -> String {
    let silent = |e: &&Expr| {
        !matches!(
            e,
            Expr::Counter { .. }
                | Expr::Immediate(_)
                | Expr::Target(_)
                | Expr::Bitwise { .. }
                | Expr::Cmp { .. }
        )
    };
    let names: Vec<String> = exprs.iter().filter(silent).map(Expr::name).collect();
    let target = exprs.iter().find_map(|e| {
        let Expr::Target(xt) = e else { return None };
        Some(xt.name.clone())
    });
    let to = match end {
        End::Next => target.map(|t| format!("-j {t}")),
        End::Accept => Some("-j ACCEPT".into()),
        End::Drop => Some("-j DROP".into()),
        End::Return => Some("-j RETURN".into()),
        End::Jump(to) => Some(format!("-j {to}")),
        End::Goto(to) => Some(format!("-g {to}")),
        End::Other(name) | End::Unknown(name) => Some(format!("-j {name}")),
    };
    let mut words = Vec::new();
    if !names.is_empty() {
        words.push(format!("({})", names.join(", ")));
    }
    words.extend(to);
    if words.is_empty() { "(counts only)".into() } else { words.join(" ") }
}
