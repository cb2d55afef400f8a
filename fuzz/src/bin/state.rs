//! Any bytes as the file of what is remembered: no panic; what is read of it is written and read as the same.
#![no_main]
use chainkeeper::memory::{Memory, Recalled};
use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;

fuzz_target!(|bytes: &[u8]| {
    let folder = PathBuf::from(format!("/dev/shm/chainkeeper-fuzz-{}", std::process::id()));
    let file = folder.join("state.json");
    std::fs::create_dir_all(&folder).expect("/dev/shm can be written");
    // What was created counts here and now only, so that is put in by its words.
    let text = String::from_utf8_lossy(bytes).replace("BOOT", boot().trim()).replace("NAMESPACE", &namespace());
    std::fs::write(&file, if text.contains('\u{fffd}') { bytes } else { text.as_bytes() }).expect("written");
    let (state, complaint) = Memory::at(&file).load();
    let turned = !state.kube_proxy;
    Memory::at(&file).update(|state| state.kube_proxy = turned);
    let again = Memory::at(&file).load();
    // Before anything is found wrong, which ends this process.
    std::fs::remove_dir_all(&folder).expect("it is ours");
    assert!(complaint.is_none() || state == Recalled::default());
    assert!(!complaint.unwrap_or_default().contains(char::is_control));
    assert_eq!(again, (Recalled { kube_proxy: turned, ..state }, None));
});

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("/proc")
}

fn namespace() -> String {
    std::fs::read_link("/proc/thread-self/ns/net").expect("/proc").display().to_string()
}
