//! The file itself: read whole, replaced whole, by one writer at a time.
use super::{Chosen, Place};
use chainkeeper_contract::{ChainName, Family, Table};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// Of the file's form.
pub(super) const VERSION: u32 = 1;
/// How often another writer is waited for, 10 ms each. It needs one write.
const TRIES: u32 = 100;

/// As it is written.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) version: u32,
    pub(super) choice: Option<Chosen>,
    #[serde(flatten)]
    pub(super) place: Place,
    pub(super) kube_proxy: bool,
    pub(super) created: Vec<(Family, Table, ChainName)>,
}

/// Keeps other writers out until it is dropped. Where that cannot be had, it is done without: the file is
/// whole all the same.
pub(super) fn alone(path: &Path) -> Option<fs::File> {
    fs::create_dir_all(folder(path)).ok()?;
    let file = fs::File::open(folder(path)).ok()?;
    for _ in 0..TRIES {
        if file.try_lock().is_ok() {
            return Some(file);
        }
        sleep(Duration::from_millis(10));
    }
    None
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// How the names of files begin that are not in their place yet.
fn prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Takes away what those have left that were killed while they wrote. Nobody else writes now.
pub(super) fn sweep(path: &Path) {
    let files = fs::read_dir(folder(path)).into_iter().flatten().flatten();
    for file in files.filter(|f| f.file_name().to_string_lossy().starts_with(&prefix(path))) {
        let _ = fs::remove_file(file.path());
    }
}

pub(super) fn read(path: &Path) -> Result<Option<File>, String> {
    let odd = |m: fs::Metadata| !m.is_file() || m.len() > 1 << 20;
    if fs::metadata(path).is_ok_and(odd) {
        return Err("not a small file".into());
    }
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let file: File = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    match file.version {
        VERSION => Ok(Some(file)),
        other => Err(format!("version {other} is not {VERSION}")),
    }
}

pub(super) fn write(path: &Path, file: &File) -> io::Result<()> {
    let folder = folder(path);
    fs::create_dir_all(folder)?;
    let mut new = tempfile::Builder::new().prefix(&prefix(path)).tempfile_in(folder)?;
    let text = serde_json::to_string(file)? + "\n";
    new.write_all(text.as_bytes())?;
    // What root's `apply` writes beside a service is the service's, too: only root can give it away.
    if let (Ok(folder), Ok(file)) = (fs::metadata(folder), new.as_file().metadata())
        && folder.uid() != file.uid()
    {
        let _ = fchown(new.as_file(), Some(folder.uid()), Some(folder.gid()));
    }
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}
