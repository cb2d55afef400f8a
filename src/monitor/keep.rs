//! Which chains are written, by table and name.
use crate::damage::ChainKey;
use chainkeeper_contract::{ChainName, Table};
use std::fmt;
use std::str::FromStr;

/// Which chains are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Keep {
    /// Every one.
    #[default]
    All,
    /// Those named by table, or by table and chain. An empty list: only watch.
    Only(Vec<(Table, Option<ChainName>)>),
}

impl Keep {
    /// Only watch.
    pub fn nothing() -> Keep {
        Keep::Only(Vec::new())
    }

    /// The chain is written.
    pub fn has(&self, table: Table, chain: &ChainName) -> bool {
        match self {
            Keep::All => true,
            Keep::Only(list) => {
                list.iter().any(|(t, c)| *t == table && c.as_ref().is_none_or(|name| name == chain))
            }
        }
    }

    /// The same by key.
    pub fn has_key(&self, key: &ChainKey) -> bool {
        self.has(key.table, &key.chain)
    }

    /// Nothing is written.
    pub fn is_nothing(&self) -> bool {
        *self == Keep::nothing()
    }
}

impl FromStr for Keep {
    type Err = String;

    /// `all`, `none`, or a list such as `nat,filter/KUBE-FIREWALL`. The error names the word.
    fn from_str(text: &str) -> Result<Keep, String> {
        match text {
            "all" => return Ok(Keep::All),
            "none" => return Ok(Keep::nothing()),
            _ => {}
        }
        let one = |word: &str| {
            let (table, chain) = match word.split_once('/') {
                Some((table, chain)) => (table, Some(chain)),
                None => (word, None),
            };
            let known = Table::ALL.into_iter().find(|t| t.to_string() == table);
            let table = known.ok_or_else(|| format!("`{table}` is not a table"))?;
            match chain {
                Some("") => Err(format!("`{word}` names no chain")),
                Some(chain) => Ok((table, Some(ChainName::from(chain)))),
                None => Ok((table, None)),
            }
        };
        let list = text.split(',').map(|word| one(word.trim())).collect::<Result<Vec<_>, _>>()?;
        Ok(Keep::Only(list))
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Keep::All => write!(f, "all"),
            Keep::Only(list) if list.is_empty() => write!(f, "none"),
            Keep::Only(list) => {
                let word = |(table, chain): &(Table, Option<ChainName>)| match chain {
                    Some(chain) => format!("{table}/{chain}"),
                    None => table.to_string(),
                };
                write!(f, "{}", list.iter().map(word).collect::<Vec<_>>().join(","))
            }
        }
    }
}
