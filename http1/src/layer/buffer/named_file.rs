//! A file that loses its name as soon as it has one, where no file can go without.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasher;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Creates a file in the folder, for reading and writing.
///
/// # Errors
///
/// The folder or its file system refuses it.
pub(super) fn create(folder: &Path) -> io::Result<File> {
    loop {
        // Keys are random, so that nobody can take the names beforehand.
        let name = format!(".astatine-body-{:016x}", RandomState::new().hash_one(0));
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        match options.open(&path) {
            Ok(file) => {
                fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_ours_alone_and_has_lost_its_name() {
        use std::os::unix::fs::MetadataExt;
        let metadata = create(&std::env::temp_dir()).unwrap().metadata().unwrap();
        assert_eq!((metadata.nlink(), metadata.mode() & 0o777), (0, 0o600));
    }
}
