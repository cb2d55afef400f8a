//! Any text as a kubelet's configuration: no panic; an error names the file and prints as one line of plain text.
#![no_main]
use chainkeeper::config::{Settings, Sources};
use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;

fuzz_target!(|text: &str| {
    let file = PathBuf::from(format!("/dev/shm/chainkeeper-fuzz-{}.yaml", std::process::id()));
    std::fs::write(&file, text).expect("/dev/shm can be written");
    let flags = Settings { kubelet_config: Some(file.clone()), ..Settings::default() };
    let sources = Sources { file: Some("none".into()), flags, ..Sources::default() };
    let loaded = sources.load();
    // Before anything is found wrong, which ends this process.
    std::fs::remove_file(&file).expect("it is ours");
    match loaded {
        Ok(loaded) => {
            let (masquerade, drop) = (loaded.config.masquerade_mark, loaded.config.drop_mark);
            assert!(masquerade.is_power_of_two() && drop.is_power_of_two() && masquerade != drop);
        }
        Err(error) => {
            assert!(error.what.contains("kubelet config /dev/shm/"), "{}", error.what);
            for text in [&error.what, &error.remedy] {
                assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
            }
        }
    }
});
