//! Sizes of what is installed.
use super::binaries;
use crate::args::Args;
use crate::result::{Row, Table};
use std::fs::{metadata, read_dir};

/// Those images that `make image` has built.
pub(super) fn table(args: &Args) -> anyhow::Result<Table> {
    let binaries = binaries(args)?;
    let mut files: Vec<_> =
        binaries.iter().map(|(word, path)| (format!("binary{word}"), path.clone())).collect();
    let built = binaries[0].1.ancestors().nth(2).map(|target| target.join("image"));
    let mut images: Vec<_> = built
        .and_then(|folder| read_dir(folder).ok())
        .into_iter()
        .flatten()
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "tar"))
        .filter_map(|path| Some((format!("image {}", path.file_stem()?.to_str()?), path)))
        .collect();
    images.sort();
    files.extend(images);
    let row = |(name, path)| anyhow::Ok(Row::numbers(name, [metadata(path)?.len() as f64 / 1e3]));
    Ok(Table {
        title: "size, kB".into(),
        columns: vec!["file".into()],
        rows: files.into_iter().map(row).collect::<anyhow::Result<_>>()?,
        notes: vec![],
    })
}
