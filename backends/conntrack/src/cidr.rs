//! Addresses that are meant, such as `10.244.0.0/16`: what a person typed, taken at its word or refused.
use chainkeeper_contract::{Family, Prefix};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network of IPv4 or IPv6 addresses, by [`FromStr`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr(Prefix);

/// What is wrong with a text that should be a [`Cidr`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a network such as 10.244.0.0/16 or fd00::/64: {why}")]
pub struct NotACidr {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl Cidr {
    /// True for an address inside; an address of the other family is not.
    pub fn contains(&self, addr: IpAddr) -> bool {
        Prefix::new(addr, self.0.len) == Some(self.0)
    }

    /// The family of its addresses.
    pub fn family(&self) -> Family {
        family(self.0.addr)
    }
}

impl FromStr for Cidr {
    type Err = NotACidr;

    /// Connections may be ended by it, so nothing is guessed: a length has to be there, and host bits
    /// have to be zero.
    fn from_str(text: &str) -> Result<Cidr, NotACidr> {
        parse(text).map(Cidr).map_err(|why| NotACidr { text: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<Prefix, String> {
    let (addr, len) = text.split_once('/').unwrap_or((text, ""));
    let addr: IpAddr = addr.parse().map_err(|_| format!("`{addr}` is not an IP address"))?;
    let widest = family(addr).address_bits();
    if !text.contains('/') {
        return Err(format!("it has no length; for this one address say {addr}/{widest}"));
    }
    // `parse` alone would take "+8", too.
    let digits = !len.is_empty() && len.bytes().all(|b| b.is_ascii_digit());
    let bits = len.parse().ok().filter(|_| digits);
    let prefix = bits.and_then(|bits| Prefix::new(addr, bits));
    let prefix =
        prefix.ok_or_else(|| format!("its length is `{len}` and not one of 0 to {widest}"))?;
    match prefix.addr == addr {
        true => Ok(prefix),
        false => Err(format!("it has bits behind its length; the network is {}", Cidr(prefix))),
    }
}

fn family(addr: IpAddr) -> Family {
    match addr {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.addr, self.0.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_inside_and_what_is_not() {
        for (net, inside, outside) in [
            ("10.244.0.0/16", "10.244.255.1", "10.245.0.1"),
            ("10.0.0.2/32", "10.0.0.2", "10.0.0.3"),
            ("0.0.0.0/0", "255.1.2.3", "::"),
            ("fd00:1::/64", "fd00:1::ffff", "fd00:1:0:1::"),
            ("::/0", "fd00::1", "0.0.0.0"),
            ("::1/128", "::1", "::2"),
        ] {
            assert_eq!(cidr(net).to_string(), net);
            assert!(cidr(net).contains(inside.parse().unwrap()), "{net}");
            assert!(!cidr(net).contains(outside.parse().unwrap()), "{net}");
        }
        assert_eq!([cidr("10.0.0.0/8"), cidr("fd00::/8")].map(|c| c.family()), Family::ALL);
    }

    #[test]
    fn what_is_no_network_is_told_with_the_way_out() {
        for (text, why) in [
            ("", "`` is not an IP address"),
            ("pods", "`pods` is not an IP address"),
            ("10.0.0/8", "`10.0.0` is not an IP address"),
            ("10.0.0.2", "it has no length; for this one address say 10.0.0.2/32"),
            ("fd00::1", "it has no length; for this one address say fd00::1/128"),
            ("10.0.0.0/", "its length is `` and not one of 0 to 32"),
            ("10.0.0.0/33", "its length is `33` and not one of 0 to 32"),
            ("10.0.0.0/+8", "its length is `+8` and not one of 0 to 32"),
            ("fd00::/129", "its length is `129` and not one of 0 to 128"),
            ("fd00::/999", "its length is `999` and not one of 0 to 128"),
            ("10.244.3.7/16", "it has bits behind its length; the network is 10.244.0.0/16"),
        ] {
            let error = text.parse::<Cidr>().unwrap_err();
            assert_eq!(error.why, why);
            assert!(error.to_string().starts_with(&format!("`{text}` is not a network such as")));
        }
    }
}
