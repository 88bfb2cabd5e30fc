//! The catalogue that is built in, and the operator's folder over it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use planner::catalog::Catalog;
use planner::catalog::load::{Mistake, load};

include!(concat!(env!("OUT_DIR"), "/catalog_files.rs"));

/// The folder of the catalogue that holds competitions.
const COMPETITIONS: &str = "competitions/";

/// Why there is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Files do not fit.
    #[error("the catalogue has {} mistake(s):\n{}", .0.len(), .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mistakes(Vec<Mistake>),
    /// The operator's folder cannot be read.
    #[error("cannot read the catalogue folder {path}: {cause}")]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// Reads the built-in files, then those of `folder`, which add to them or take their place.
///
/// # Errors
/// [`CatalogError`].
pub fn catalog(folder: Option<&Path>) -> Result<Catalog, CatalogError> {
    catalog_over(None, folder)
}

/// The same over `base`, text by name, where other files than the built-in ones are to be had.
///
/// # Errors
/// [`CatalogError`].
pub(crate) fn catalog_over(
    base: Option<&BTreeMap<String, String>>,
    folder: Option<&Path>,
) -> Result<Catalog, CatalogError> {
    let own = own_files(folder)?;
    let base: Vec<(&str, &str)> = match base {
        Some(files) => files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect(),
        None => CATALOG_FILES.to_vec(),
    };
    let sources: Vec<(&str, &str)> = base
        .into_iter()
        .chain(own.iter().map(|(name, text)| (name.as_str(), text.as_str())))
        // Competitions are about models, and are read once these are known.
        .filter(|(name, _)| !name.starts_with(COMPETITIONS))
        .collect();
    load(&sources).map_err(CatalogError::Mistakes)
}

/// Name and text of every file that [`catalog`] reads: the built-in ones, and those of `folder` over them.
///
/// # Errors
/// [`CatalogError`].
pub(crate) fn files(folder: Option<&Path>) -> Result<BTreeMap<String, String>, CatalogError> {
    let is_read = |name: &str| !name.starts_with(COMPETITIONS);
    files_that(is_read, folder)
}

/// Name and text of every competition's file; an operator's file takes the place of a built-in one of that name.
///
/// # Errors
/// [`CatalogError`].
pub fn competition_files(folder: Option<&Path>) -> Result<BTreeMap<String, String>, CatalogError> {
    files_that(|name| name.starts_with(COMPETITIONS), folder)
}

/// The built-in files and the operator's over them whose names are `wanted`.
fn files_that(wanted: impl Fn(&str) -> bool, folder: Option<&Path>) -> Result<BTreeMap<String, String>, CatalogError> {
    let builtin = CATALOG_FILES.iter();
    let all = builtin
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .chain(own_files(folder)?);
    Ok(all.filter(|(name, _)| wanted(name)).collect())
}

/// The name and text of the file that describes the model `id`: the operator's where there is one.
///
/// # Errors
/// [`CatalogError`].
pub fn model_file(folder: Option<&Path>, id: &str) -> Result<Option<(String, String)>, CatalogError> {
    #[derive(serde::Deserialize)]
    struct Head {
        id: String,
    }
    let describes = |(name, text): &(String, String)| {
        name.starts_with("models/") && toml::from_str::<Head>(text).is_ok_and(|head| head.id == id)
    };
    if let Some(file) = own_files(folder)?.into_iter().rev().find(describes) {
        return Ok(Some(file));
    }
    let builtin = CATALOG_FILES.iter();
    Ok(builtin
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .find(describes))
}

/// The names of the operator's files.
///
/// # Errors
/// [`CatalogError`].
pub fn own_names(folder: Option<&Path>) -> Result<Vec<String>, CatalogError> {
    Ok(own_files(folder)?.into_iter().map(|(name, _)| name).collect())
}

/// The operator's files, in the order of their names.
fn own_files(folder: Option<&Path>) -> Result<Vec<(String, String)>, CatalogError> {
    let mut own = Vec::new();
    if let Some(folder) = folder {
        collect(folder, folder, &mut own).map_err(|(path, cause)| CatalogError::Unreadable { path, cause })?;
        own.sort();
    }
    Ok(own)
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<(String, String)>) -> Result<(), (PathBuf, std::io::Error)> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |cause| (path, cause)
    };
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.is_dir() {
            collect(root, &path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            let name = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .replace('\\', "/");
            into.push((name, text));
        }
    }
    Ok(())
}
