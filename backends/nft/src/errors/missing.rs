//! What a kernel lacks, and what would provide it.
use super::{At, describe};
use crate::expr::Expr;
use crate::ops::Msg;
use chainkeeper_contract::{BackendError, Errno, Family};

/// The answer to the question whether the kernel has an extension.
pub(crate) fn no_extension(
    what: String,
    family: Family,
    expr: &Expr,
    errno: Errno,
) -> BackendError {
    let named = describe(family, expr);
    let module = module(family, expr).unwrap_or_default();
    let missing = match errno {
        Errno::INVAL => {
            format!("the kernel has no xt extensions in nf_tables: {named} needs module nft_compat")
        }
        Errno::PROTONOSUPPORT => {
            format!("the kernel has another revision, but not this one: {named}, {module}")
        }
        _ => format!("the kernel has no {named}: needs {module}"),
    };
    BackendError::NoExtension { what, errno, missing }
}

/// What provides an expression.
fn module(family: Family, expr: &Expr) -> Option<String> {
    let Some((_, xt)) = expr.extension() else {
        return match expr.name().as_str() {
            "masq" => Some("module nft_masq".into()),
            "ct" => Some("module nft_ct".into()),
            _ => None,
        };
    };
    let lower = xt.name.to_lowercase();
    let module = if xt.name == "MASQUERADE" { &xt.name } else { &lower };
    let known = match (family, xt.name.as_str()) {
        (Family::Ipv6, "MARK") => " (lost for IPv6 in Linux 6.6.57-58 and 6.11.4-5)",
        (_, _) => "",
    };
    Some(format!("module xt_{module}{known}"))
}

/// ENOENT has many causes. A missing piece of the kernel shows by what is pointed at.
pub(super) fn missing(
    what: &str,
    (family, msg): (Family, &Msg),
    errno: Errno,
    at: Option<&At>,
) -> Option<BackendError> {
    let what = what.to_owned();
    let missing = match (msg, at) {
        (Msg::NewRule { .. }, Some(At::Expression(_, expr))) => {
            let (module, named) = (module(family, expr)?, describe(family, expr));
            let missing = format!("the kernel has no {named}: needs {module}");
            if expr.extension().is_some() {
                return Some(BackendError::NoExtension { what, errno, missing });
            }
            missing
        }
        (Msg::NewBase { .. }, Some(At::Attribute("chain type"))) => {
            format!("the kernel has no such chain type for {family}: module nft_chain_nat")
        }
        (Msg::NewTable { .. }, _) => format!("the kernel has no nf_tables family {family}"),
        (_, _) => return None,
    };
    Some(BackendError::Unsupported { what, errno, missing })
}
