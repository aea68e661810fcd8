//! Where the text of a key comes from.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::secret::Secret;

/// Reads the key from its file, or takes it as it was given.
///
/// # Errors
///
/// Both are there, or the file cannot be read.
pub(crate) fn key_text(
    file: Option<&Path>,
    text: Option<&Secret>,
) -> Result<Option<String>, Failure> {
    match (file, text) {
        (Some(_), Some(_)) => Err(Failure::Usage(
            "--live-key and --live-secret are two keys; give one".into(),
        )),
        (None, text) => Ok(text.map(|secret| secret.0.clone())),
        (Some(file), None) => fs::read_to_string(file)
            .map(Some)
            .map_err(|error| Failure::file("cannot read", file, error)),
    }
}
