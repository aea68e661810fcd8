//! A folder of a test's own, removed at its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A fresh folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder; the name is unique among tests and processes.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cli-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file and returns its path. It is there whole at once, so that a slow disk shows
    /// nobody a half of it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let (path, beside) = (self.0.join(name), self.0.join(".beside"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&beside, content).unwrap();
        fs::rename(beside, &path).unwrap();
        path
    }

    /// Returns the path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left lies in the build folder, where the next clean removes it.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Returns bytes without a pattern that a wrong offset could hide in.
pub(crate) fn noise(n_bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(n_bytes + 8);
    while bytes.len() < n_bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(n_bytes);
    bytes
}

/// The length of the file that is large in these tests.
pub(crate) const LARGE: usize = 10 << 20;
