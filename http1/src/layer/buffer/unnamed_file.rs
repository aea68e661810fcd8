//! A file that never has a name (`O_TMPFILE`), which goes with its last descriptor.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, retry_on_intr};

use super::named_file;

/// Creates a file in the folder, for reading and writing.
///
/// # Errors
///
/// The folder or its file system refuses it.
pub(super) fn create(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    match retry_on_intr(|| open(folder, flags, Mode::RUSR | Mode::WUSR)) {
        Ok(file) => Ok(file.into()),
        // File systems that cannot say the first, kernels that cannot the second.
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => named_file::create(folder),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::*;

    #[test]
    fn the_file_is_ours_alone_and_has_no_name() {
        use std::os::unix::fs::MetadataExt;
        let mut file = create(&std::env::temp_dir()).unwrap();
        file.write_all(b"content").unwrap();
        file.rewind().unwrap();
        let mut read = String::new();
        file.read_to_string(&mut read).unwrap();
        assert_eq!(read, "content");
        let metadata = file.metadata().unwrap();
        assert_eq!((metadata.nlink(), metadata.mode() & 0o777), (0, 0o600));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let error = create(Path::new("/no/such/folder")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
