//! What the targets of xtables extensions do to a packet's way, whoever wrote the rule.

/// What a target does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The packet goes on (`XT_CONTINUE`) as it was.
    Watches,
    /// The packet goes on, changed.
    Alters,
    /// The packet does not go on in this chain.
    Ends,
}

/// What the target of that name does; `None` for one that we do not know. Verdicts are no targets, but
/// for QUEUE, of which nobody has to know more than that it ends.
pub fn effect(target: &str) -> Option<Effect> {
    match target {
        "LOG" | "NFLOG" | "ULOG" | "TRACE" | "RATEEST" | "LED" | "AUDIT" | "IDLETIMER" => {
            Some(Effect::Watches)
        }
        "MARK" | "CONNMARK" | "CLASSIFY" | "TCPMSS" | "TCPOPTSTRIP" | "TOS" | "DSCP" | "TTL"
        | "HL" | "CT" | "ECN" | "CHECKSUM" | "SET" | "NOTRACK" | "TEE" | "HMARK" | "SECMARK"
        | "CONNSECMARK" | "SNPT" | "DNPT" => Some(Effect::Alters),
        "REJECT" | "SNAT" | "DNAT" | "MASQUERADE" | "REDIRECT" | "NETMAP" | "NFQUEUE"
        | "TPROXY" | "SYNPROXY" | "SAME" | "QUEUE" => Some(Effect::Ends),
        _ => None,
    }
}
