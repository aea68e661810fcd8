//! The file with the number of this process, for those who want to signal it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

/// The file; removed when this is dropped, if it still is ours.
#[derive(Debug)]
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the file; in a folder it is called `astatine.pid`.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let path = if path.is_dir() {
            path.join("astatine.pid")
        } else {
            path.to_owned()
        };
        fs::write(&path, text())?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A successor may have written its own number by now.
        if fs::read_to_string(&self.0).is_ok_and(|written| written == text()) {
            // A file that cannot be removed is stale, as one that a crash left behind.
            drop(fs::remove_file(&self.0));
        }
    }
}

fn text() -> String {
    format!("{}\n", process::id())
}
