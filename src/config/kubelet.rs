//! What a kubelet's configuration file says of the chains. YAML or JSON, which is YAML, too.
use super::check::mark;
use super::{ConfigError, Layers, Origin, Settings};
use serde::Deserialize;
use std::path::Path;

/// The little that we need of a KubeletConfiguration (kubelet.config.k8s.io/v1beta1).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KubeletConfiguration {
    kind: Option<String>,
    /// Deprecated since 1.28.
    iptables_masquerade_bit: Option<i64>,
    iptables_drop_bit: Option<i64>,
    #[serde(rename = "makeIPTablesUtilChains")]
    make_chains: Option<bool>,
}

/// What it sets, and what there is to say about it.
pub(super) fn layer(path: &Path) -> Result<(Layers, Option<String>), ConfigError> {
    let file = path.display();
    let fail =
        |why: &str, remedy: &str| ConfigError::new(format!("kubelet config {file}: {why}"), remedy);
    let text = std::fs::read_to_string(path).map_err(|e| {
        fail(&e.to_string(), "check the path given as kubelet-config, or leave it out")
    })?;
    let remedy = "give the file that kubelet's --config names, often /var/lib/kubelet/config.yaml";
    let read: KubeletConfiguration = serde_saphyr::from_str(&text).map_err(|e| {
        let words = e.to_string();
        let first = words.lines().next().unwrap_or("cannot be read");
        fail(first.trim_start_matches("error: "), remedy)
    })?;
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
        format!("kubelet config {file}: makeIPTablesUtilChains is false, so kubelet leaves the chains to us")
    });
    Ok((Layers::of(&settings, |_| Origin::Kubelet(path.to_owned()))?, note))
}
