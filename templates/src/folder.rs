//! Reads the templates of a folder.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Config, Error, ErrorKind};

/// What the name of a template's file ends with.
const ENDING: &str = "mustache";

/// Reads every template in a folder and the folders in it, sorted by name.
///
/// # Errors
///
/// Something cannot be read, is too long, or is not UTF-8.
pub(crate) fn read(folder: &Path, config: &Config) -> Result<Vec<(String, String)>, Error> {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let mut seen = HashSet::new();
    while let Some(inside) = folders.pop() {
        // A link may lead back to where it is.
        let real = inside.canonicalize().map_err(refuse(&inside))?;
        if !seen.insert(real) {
            continue;
        }
        for entry in inside.read_dir().map_err(refuse(&inside))? {
            let path = entry.map_err(refuse(&inside))?.path();
            let is_hidden = path
                .file_name()
                .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_hidden {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = name(folder, &path) {
                sources.push((name, read_file(&path, config)?));
            }
        }
    }
    sources.sort();
    Ok(sources)
}

/// Returns the name of a template, or `None` of what is none or has a name that is not text.
fn name(folder: &Path, path: &Path) -> Option<String> {
    if path.extension()? != ENDING {
        return None;
    }
    let inside = path.strip_prefix(folder).ok()?.with_extension("");
    let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

fn read_file(path: &PathBuf, config: &Config) -> Result<String, Error> {
    let n_bytes = fs::metadata(path).map_err(refuse(path))?.len();
    let shown = path.display().to_string();
    if usize::try_from(n_bytes).map_or(true, |n_bytes| n_bytes > config.max_template_bytes) {
        return Err(Error::of(ErrorKind::TemplateTooLong, &shown));
    }
    let bytes = fs::read(path).map_err(refuse(path))?;
    String::from_utf8(bytes).map_err(|_| Error::of(ErrorKind::NotUtf8, &shown))
}

fn refuse(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let shown = path.display().to_string();
    move |error| Error::of(ErrorKind::Read(Arc::new(error)), &shown)
}
