//! All that others have, counted: for the choice between backends. Unlike every other look it reads
//! everything, rule by rule, and keeps nothing but numbers and names.
use super::dump::{chain_rules, dump};
use super::{Trouble, references};
use crate::base::OWNERSHIP_MARK;
use crate::read::{self, ChainMsg};
use crate::uapi as u;
use crate::wire::Socket;
use crate::write::Request;
use chainkeeper_contract::{Family, Survey};
use std::collections::BTreeMap;

/// The built-in chains of iptables, of all its tables.
const BUILT_IN: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// Tables of every family; of `ip` and `ip6` also rules and policies.
pub(crate) fn survey(socket: &mut Socket) -> Result<Survey, Trouble> {
    let mut survey = Survey::default();
    dump(socket, Request::Tables, u::NFT_MSG_NEWTABLE, |family, attrs| {
        survey.tables.push(format!("{} {}", family_name(family), read::table(attrs)?.name));
        Ok(())
    })?;
    survey.tables.sort();
    for family in Family::ALL {
        // By table and name, and whether it carries our mark.
        let mut chains: BTreeMap<(String, String), bool> = BTreeMap::new();
        dump(socket, Request::Chains(family), u::NFT_MSG_NEWCHAIN, |_, attrs| {
            let chain = read::chain(attrs)?;
            if drops(&chain) {
                survey.policies.push(format!("{family} {} {}", chain.table, chain.name));
            }
            chains.insert((chain.table, chain.name), chain.userdata == OWNERSHIP_MARK);
            Ok(())
        })?;
        let mut rules = 0;
        for (table, chain) in chains.iter().filter(|(_, ours)| !**ours).map(|(place, _)| place) {
            chain_rules(socket, (family, table, chain), |rule| {
                let ours = |to: &str| {
                    chains.get(&(rule.table.clone(), to.to_owned())).is_some_and(|ours| *ours)
                };
                let jumps = references::targets(&rule.exprs).any(|to| ours(to.as_str()));
                rules += usize::from(!jumps);
            })?;
        }
        survey.rules.insert(family, rules);
    }
    Ok(survey)
}

/// A chain that iptables shows as built in, with a policy (which only base chains have) that it shows as
/// DROP. A native chain in lower case is none of iptables'.
fn drops(chain: &ChainMsg) -> bool {
    BUILT_IN.contains(&chain.name.as_str()) && chain.policy.is_some_and(|p| p != u::NF_ACCEPT)
}

/// As nft writes NFPROTO_*.
fn family_name(family: u8) -> String {
    let name = match family {
        1 => "inet",
        2 => "ip",
        3 => "arp",
        5 => "netdev",
        7 => "bridge",
        10 => "ip6",
        other => return format!("family {other}"),
    };
    name.to_owned()
}
