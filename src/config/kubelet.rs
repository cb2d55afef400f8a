//! What a kubelet's configuration file says of the chains. YAML or JSON, which is YAML, too.
use super::check::mark;
use super::yaml::{self, Entry, Value};
use super::{ConfigError, Layers, Origin, Settings, file};
use std::collections::BTreeMap;
use std::path::Path;

/// The little that we need of a KubeletConfiguration (kubelet.config.k8s.io/v1beta1).
struct KubeletConfiguration {
    kind: Option<String>,
    /// Deprecated since 1.28.
    iptables_masquerade_bit: Option<i64>,
    iptables_drop_bit: Option<i64>,
    make_chains: Option<bool>,
}

impl KubeletConfiguration {
    fn read(text: &str) -> Result<KubeletConfiguration, String> {
        let entries = yaml::top_level(text)?;
        Ok(KubeletConfiguration {
            kind: get(&entries, "kind", "text", word)?,
            iptables_masquerade_bit: get(
                &entries,
                "iptablesMasqueradeBit",
                "a whole number",
                number,
            )?,
            iptables_drop_bit: get(&entries, "iptablesDropBit", "a whole number", number)?,
            make_chains: get(&entries, "makeIPTablesUtilChains", "true or false", boolean)?,
        })
    }
}

/// A key's value. Null is as good as not there, as it is to kubelet.
fn get<T>(
    entries: &BTreeMap<String, Entry>,
    key: &str,
    wanted: &str,
    read: fn(&Value) -> Option<T>,
) -> Result<Option<T>, String> {
    match entries.get(key) {
        None | Some(Entry { value: Value::Null, .. }) => Ok(None),
        Some(Entry { value, place }) => read(value)
            .map(Some)
            .ok_or_else(|| format!("{place}: {key} must be {wanted}, not {value}")),
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::Plain(text) | Value::Text(text) => Some(text.clone()),
        Value::Null | Value::Collection => None,
    }
}

/// TOML's integers are YAML's, but for 017, which is 15 or 17 depending on who reads it.
fn number(value: &Value) -> Option<i64> {
    let Value::Plain(text) = value else { return None };
    text.parse::<toml::Value>().ok()?.as_integer()
}

/// The words of YAML 1.1, which kubelet takes, too.
fn boolean(value: &Value) -> Option<bool> {
    let Value::Plain(text) = value else { return None };
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" => Some(true),
        "false" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// What it sets, and what there is to say about it.
pub(super) fn layer(path: &Path) -> Result<(Layers, Option<String>), ConfigError> {
    let shown = path.display();
    let fail = |why: &str, remedy: &str| {
        ConfigError::new(format!("kubelet config {shown}: {why}"), remedy)
    };
    let text = file::small(path).map_err(|e| {
        fail(&e.to_string(), "check the path given as kubelet-config, or leave it out")
    })?;
    let remedy = "give the file that kubelet's --config names, often /var/lib/kubelet/config.yaml";
    let read = KubeletConfiguration::read(&text).map_err(|why| fail(&why, remedy))?;
    match read.kind.as_deref() {
        Some("KubeletConfiguration") => {}
        Some(kind) => {
            return Err(fail(&format!("kind is {kind}, not KubeletConfiguration"), remedy));
        }
        None => return Err(fail("it has no kind, so it is no KubeletConfiguration", remedy)),
    }
    for (key, bit) in [
        ("iptablesMasqueradeBit", read.iptables_masquerade_bit),
        ("iptablesDropBit", read.iptables_drop_bit),
    ] {
        if let Some(Err(error)) = bit.map(|bit| mark(key, bit)) {
            return Err(fail(&error.what, &error.remedy));
        }
    }
    let settings = Settings {
        masquerade_bit: read.iptables_masquerade_bit,
        drop_bit: read.iptables_drop_bit,
        ..Settings::default()
    };
    let note = (read.make_chains == Some(false)).then(|| {
        format!("kubelet config {shown}: makeIPTablesUtilChains is false, so kubelet leaves the chains to us")
    });
    Ok((Layers::of(&settings, |_| Origin::Kubelet(path.to_owned()))?, note))
}
