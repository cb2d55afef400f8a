//! The keeper in another agent: no second process, no configuration file, no signals.
//!
//! Puts the chains of IPv4 in place, keeps them for a while, changes a setting meanwhile, and takes out what it
//! made. Needs CAP_NET_ADMIN; on a machine of your own run it where it harms nobody:
//! `unshare --user --map-root-user --net cargo run --example embed`.
use chainkeeper::config::{BackendChoice, FamilyChoice, Settings};
use chainkeeper::daemon::{self, Ended};
use chainkeeper::switch::Switch;
use chainkeeper_contract::CanaryPolicy;
use std::error::Error;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings {
        backend: Some(BackendChoice::Nft), // or leave it out: the host decides
        family: Some(FamilyChoice::Ipv4),
        state_file: Some("none".into()),
        socket: Some("none".into()),
        ..Settings::default()
    };
    let config = settings.check()?;

    // One pass each, on a thread that may block.
    let mut switch = Switch::open(&config)?;
    println!("backend: {}", switch.choice());
    let look = switch.look(CanaryPolicy::Report)?;
    println!("in sync before: {}", look.in_sync());
    let done = switch.apply()?;
    println!("written: {}", done.pass.is_well());

    // Or all that `chainkeeper run` does, until you have had enough.
    let (configs, mut changed) = mpsc::channel(1);
    let other = Settings { settle: Some("100ms".into()), ..settings }.check()?;
    let agent = async {
        sleep(Duration::from_millis(200)).await; // your agent's own work
        let _ = configs.send(other).await;
        sleep(Duration::from_millis(200)).await;
    };
    let reload = async || changed.recv().await.ok_or_else(|| "nobody changes it any more".into());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(daemon::keep(config.clone(), switch, agent, reload))?;
    println!("ended as asked: {}", ended == Ended::Asked);

    let done = Switch::open(&config)?.remove(false)?;
    println!("removed: {}", done.pass.is_well());
    Ok(())
}
