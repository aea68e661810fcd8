//! The file that an inner service names, and the folders in which it may lie.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use super::service::StaticFiles;
use crate::plan::FilePath;

/// A folder whose files may be named.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    /// Without slashes around it.
    pub(crate) prefix: Option<String>,
    pub(crate) files: StaticFiles,
}

/// A file that a response names.
pub(crate) enum Named {
    Path(HeaderValue),
    Location(HeaderValue),
}

impl Named {
    /// Takes the name out of a response's headers.
    pub(crate) fn take(headers: &mut HeaderMap) -> Option<Self> {
        let path = headers.remove(X_SENDFILE);
        let location = headers.remove(X_ACCEL_REDIRECT);
        path.map(Self::Path)
            .or_else(|| location.map(Self::Location))
    }

    /// Finds the allowed folder, and the name below it; a folder, told by its slash, is no file.
    pub(crate) fn locate<'a>(&self, allowed: &'a [Allowed]) -> Option<(&'a StaticFiles, FilePath)> {
        match self {
            Self::Path(path) => {
                let path = Some(path.as_bytes()).filter(|path| !path.ends_with(b"/"))?;
                let path = Path::new(OsStr::from_bytes(path));
                allowed.iter().find_map(|allowed| {
                    let below = path.strip_prefix(allowed.files.root()).ok()?;
                    let name = FilePath::from_name(below.as_os_str().as_bytes()).ok()?;
                    Some((&allowed.files, name))
                })
            }
            Self::Location(location) => {
                let path = location.to_str().ok()?.split('?').next()?;
                let path = FilePath::decode(path)
                    .ok()
                    .filter(|path| !path.is_folder())?;
                allowed.iter().find_map(|allowed| {
                    let prefix = allowed.prefix.as_ref()?.as_bytes();
                    let below = path.as_bytes().strip_prefix(prefix)?;
                    let below = if prefix.is_empty() {
                        below
                    } else {
                        below.strip_prefix(b"/")?
                    };
                    Some((&allowed.files, FilePath::from_name(below).ok()?))
                })
            }
        }
    }
}

const X_SENDFILE: HeaderName = HeaderName::from_static("x-sendfile");
const X_ACCEL_REDIRECT: HeaderName = HeaderName::from_static("x-accel-redirect");
