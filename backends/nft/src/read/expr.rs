//! Expressions of a rule. A form that is not one of ours is kept by name, as foreign; only broken
//! framing is an error.
use super::{Attr, Attrs, Malformed};
use crate::expr::{Expr, Verdict, Xt};
use crate::uapi as u;

/// Reads NFTA_RULE_EXPRESSIONS.
pub(super) fn exprs(list: Attrs<'_>) -> Result<Vec<Expr>, Malformed> {
    let mut out = Vec::new();
    for elem in list {
        let elem = elem?;
        if elem.kind == u::NFTA_LIST_ELEM {
            out.push(expr(elem.nested())?);
        }
    }
    Ok(out)
}

fn expr(attrs: Attrs<'_>) -> Result<Expr, Malformed> {
    let (mut name, mut data) = (String::new(), &[][..]);
    for attr in attrs {
        let attr = attr?;
        match attr.kind {
            u::NFTA_EXPR_NAME => name = attr.text(),
            u::NFTA_EXPR_DATA => data = attr.value,
            _ => {}
        }
    }
    let fields = Fields::read(data)?;
    let known = match name.as_str() {
        "match" => fields.xt().map(Expr::Match),
        "target" => fields.xt().map(Expr::Target),
        "counter" => fields.counter(),
        "payload" => fields.payload(),
        "bitwise" => fields.bitwise(),
        "cmp" => fields.cmp(),
        "meta" => fields.meta(),
        "ct" => fields.ct(),
        "masq" => fields.masq(),
        "immediate" => fields.verdict().map(Expr::Immediate),
        _ => None,
    };
    Ok(known.unwrap_or_else(|| Expr::Other(variant(&name, &fields))))
}

/// Tells apart the forms of one expression that load and that set.
fn variant(name: &str, fields: &Fields<'_>) -> String {
    // NFTA_PAYLOAD_SREG 5, NFTA_EXTHDR_SREG 7, NFTA_LOOKUP_DREG 3.
    match name {
        "meta" if fields.get(u::NFTA_META_SREG).is_some() => "meta set".into(),
        "ct" if fields.get(u::NFTA_CT_SREG).is_some() => "ct set".into(),
        "payload" if fields.get(5).is_some() => "payload set".into(),
        "exthdr" if fields.get(7).is_some() => "exthdr set".into(),
        "lookup" if fields.u32(3) == Some(u::NFT_REG_VERDICT) => "vmap".into(),
        "immediate" => "immediate data".into(),
        other => other.to_owned(),
    }
}

/// The attributes of one expression by number.
struct Fields<'a>(Vec<Attr<'a>>);

impl<'a> Fields<'a> {
    fn read(bytes: &'a [u8]) -> Result<Fields<'a>, Malformed> {
        Attrs::new(bytes).collect::<Result<_, _>>().map(Fields)
    }

    fn get(&self, kind: u16) -> Option<&Attr<'a>> {
        self.0.iter().find(|a| a.kind == kind)
    }

    fn u32(&self, kind: u16) -> Option<u32> {
        self.get(kind)?.u32().ok()
    }

    /// NFTA_DATA_VALUE inside a data attribute.
    fn data(&self, kind: u16) -> Option<Vec<u8>> {
        let mut nested = self.get(kind)?.nested();
        let value = nested.find_map(|a| a.ok().filter(|a| a.kind == u::NFTA_DATA_VALUE))?;
        Some(value.value.to_vec())
    }

    fn xt(&self) -> Option<Xt> {
        Some(Xt {
            name: self.get(u::NFTA_XT_NAME)?.text(),
            rev: self.u32(u::NFTA_XT_REV)?,
            info: self.get(u::NFTA_XT_INFO)?.value.to_vec(),
        })
    }

    fn counter(&self) -> Option<Expr> {
        let number = |kind| self.get(kind).map_or(Some(0), |a| a.u64().ok());
        let (packets, bytes) = (number(u::NFTA_COUNTER_PACKETS)?, number(u::NFTA_COUNTER_BYTES)?);
        Some(Expr::Counter { packets, bytes })
    }

    fn payload(&self) -> Option<Expr> {
        Some(Expr::Payload {
            dreg: self.u32(u::NFTA_PAYLOAD_DREG)?,
            base: self.u32(u::NFTA_PAYLOAD_BASE)?,
            offset: self.u32(u::NFTA_PAYLOAD_OFFSET)?,
            len: self.u32(u::NFTA_PAYLOAD_LEN)?,
        })
    }

    /// Only NFT_BITWISE_MASK_XOR (op 0; not sent by old tools), with whole-length data.
    fn bitwise(&self) -> Option<Expr> {
        let op = self.get(u::NFTA_BITWISE_OP).map_or(Some(0), |a| a.u32().ok())?;
        let (mask, xor) = (self.data(u::NFTA_BITWISE_MASK)?, self.data(u::NFTA_BITWISE_XOR)?);
        let len = self.u32(u::NFTA_BITWISE_LEN)? as usize;
        (op == 0 && mask.len() == len && xor.len() == len).then_some(())?;
        let (sreg, dreg) = (self.u32(u::NFTA_BITWISE_SREG)?, self.u32(u::NFTA_BITWISE_DREG)?);
        Some(Expr::Bitwise { sreg, dreg, mask, xor })
    }

    fn cmp(&self) -> Option<Expr> {
        Some(Expr::Cmp {
            sreg: self.u32(u::NFTA_CMP_SREG)?,
            op: self.u32(u::NFTA_CMP_OP)?,
            data: self.data(u::NFTA_CMP_DATA)?,
        })
    }

    fn meta(&self) -> Option<Expr> {
        let key = self.u32(u::NFTA_META_KEY)?;
        match self.u32(u::NFTA_META_SREG) {
            Some(sreg) => Some(Expr::MetaSet { sreg, key }),
            None => Some(Expr::Meta { dreg: self.u32(u::NFTA_META_DREG)?, key }),
        }
    }

    /// Only what is loaded without a direction.
    fn ct(&self) -> Option<Expr> {
        let whole = [u::NFTA_CT_DIRECTION, u::NFTA_CT_SREG].iter().all(|k| self.get(*k).is_none());
        let (dreg, key) = (self.u32(u::NFTA_CT_DREG)?, self.u32(u::NFTA_CT_KEY)?);
        whole.then_some(Expr::Ct { dreg, key })
    }

    /// Only without ports.
    fn masq(&self) -> Option<Expr> {
        let flags = self.get(u::NFTA_MASQ_FLAGS).map_or(Some(0), |a| a.u32().ok())?;
        self.0.iter().all(|a| a.kind == u::NFTA_MASQ_FLAGS).then_some(Expr::Masq { flags })
    }

    fn verdict(&self) -> Option<Verdict> {
        (self.u32(u::NFTA_IMMEDIATE_DREG)? == u::NFT_REG_VERDICT).then_some(())?;
        let nested =
            |attr: &Attr<'a>, kind| attr.nested().find_map(|a| a.ok().filter(|a| a.kind == kind));
        let verdict = nested(self.get(u::NFTA_IMMEDIATE_DATA)?, u::NFTA_DATA_VERDICT)?;
        let code = nested(&verdict, u::NFTA_VERDICT_CODE)?.u32().ok()?.cast_signed();
        let chain = || nested(&verdict, u::NFTA_VERDICT_CHAIN).map(|a| a.text());
        Some(match code {
            u::NF_DROP => Verdict::Drop,
            u::NF_ACCEPT => Verdict::Accept,
            u::NFT_RETURN => Verdict::Return,
            u::NFT_JUMP => Verdict::Jump(chain()?),
            u::NFT_GOTO => Verdict::Goto(chain()?),
            other => Verdict::Other(other),
        })
    }
}
