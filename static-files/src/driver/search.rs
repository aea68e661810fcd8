//! From a path to the file that answers for it.

use std::io;
use std::time::{Duration, SystemTime};

use http::HeaderValue;

use super::config::{Config, Listing};
use super::folder::{Folder, Kind, Opened, Stamp};
use super::media_type;
use super::pool::Pool;
use super::reach::Reach;
use super::resource::{Gzip, Resource, Witness};
use super::variant::{Content, Description, SETTLED_SECONDS, Variant};
use crate::plan::{Encoding, FilePath};

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Target {
    /// A file.
    File(Resource),
    /// A folder that was named without its trailing slash.
    Folder,
    /// A folder to be listed.
    Listing,
    /// Nothing.
    Nothing,
}

/// One search below the root, and all that it has looked at.
pub(crate) struct Search<'a> {
    pub(crate) config: &'a Config,
    pub(crate) pool: &'a Pool,
    pub(crate) folder: &'a Folder<'a>,
    pub(crate) reach: Reach,
    pub(crate) now: Duration,
    /// By which the cache is to find what is found.
    pub(crate) key: &'a [u8],
    pub(crate) witnesses: Vec<Witness>,
}

impl Search<'_> {
    /// Finds what answers for a path: the file itself, the index of a folder, or `page.html` for
    /// `page`.
    pub(crate) fn find(mut self, path: &FilePath) -> io::Result<Target> {
        let name = path.as_bytes();
        if path.is_folder() {
            if let Some((name, index)) = self.open_index(name)? {
                return self.load(&name, index).map(Target::File);
            }
            return self.folder_without_index(name);
        }
        match self.open(name)? {
            Some(opened) if opened.kind == Kind::Regular => {
                return self.load(name, opened).map(Target::File);
            }
            Some(opened) if opened.kind == Kind::Folder => {
                let is_page =
                    self.config.listing == Listing::On || self.open_index(name)?.is_some();
                if is_page {
                    return Ok(Target::Folder);
                }
            }
            _ => {}
        }
        if !path.has_extension() {
            let page = [name, b".html"].concat();
            if let Some(opened) = self.open_regular(&page)? {
                return self.load(&page, opened).map(Target::File);
            }
        }
        Ok(Target::Nothing)
    }

    /// Finds the file of exactly this name.
    pub(crate) fn find_exactly(mut self, name: &[u8]) -> io::Result<Target> {
        match self.open_regular(name)? {
            Some(opened) => self.load(name, opened).map(Target::File),
            None => Ok(Target::Nothing),
        }
    }

    fn folder_without_index(&self, name: &[u8]) -> io::Result<Target> {
        if self.config.listing == Listing::Off {
            return Ok(Target::Nothing);
        }
        Ok(match self.folder.look(name)? {
            Some((Kind::Folder, _)) => Target::Listing,
            _ => Target::Nothing,
        })
    }

    fn open_index(&mut self, folder: &[u8]) -> io::Result<Option<(Vec<u8>, Opened)>> {
        let config = self.config;
        for index in &config.index {
            let name = if folder.is_empty() {
                index.as_bytes().to_vec()
            } else {
                [folder, b"/", index.as_bytes()].concat()
            };
            if let Some(opened) = self.open_regular(&name)? {
                return Ok(Some((name, opened)));
            }
        }
        Ok(None)
    }

    fn open_regular(&mut self, name: &[u8]) -> io::Result<Option<Opened>> {
        let opened = self.open(name)?;
        Ok(opened.filter(|opened| opened.kind == Kind::Regular))
    }

    fn open(&mut self, name: &[u8]) -> io::Result<Option<Opened>> {
        let opened = self.folder.open(name)?;
        self.witnesses.push(Witness {
            name: name.to_vec(),
            seen: opened.as_ref().map(|opened| opened.stamp),
        });
        Ok(opened)
    }

    fn load(mut self, name: &[u8], opened: Opened) -> io::Result<Resource> {
        let stamp = opened.stamp;
        let siblings = self.open_siblings(name, &stamp)?;
        let content_type = media_type::of(name, &self.config.media_types);
        let has_gzip = siblings
            .iter()
            .any(|(encoding, _)| *encoding == Encoding::Gzip);
        let gzip = if !has_gzip && self.is_gzip_wanted(&content_type, stamp.len) {
            Gzip::Possible
        } else {
            Gzip::Settled
        };
        let now = seconds_since_1970();
        let description = Description {
            content_type,
            cache_control: cache_control(name, now - stamp.modified.0, self.config),
            is_negotiable: gzip == Gzip::Possible || !siblings.is_empty(),
            now,
        };
        let mut is_settled = true;
        let mut variants = Vec::with_capacity(1 + siblings.len());
        for (encoding, opened) in [(Encoding::Identity, opened)].into_iter().chain(siblings) {
            let stamp = opened.stamp;
            is_settled &= description.now - stamp.changed.0 >= SETTLED_SECONDS;
            let content = Content::read(opened, self.pool, self.reach)?;
            variants.push(Variant::new(encoding, &stamp, content, &description));
        }
        Ok(Resource::new(
            self.key,
            variants,
            gzip,
            self.witnesses,
            is_settled,
            self.now,
        ))
    }

    /// Opens the encoded files beside one. What is older than the file itself was made from an
    /// other version of it; what is empty is in no coding.
    fn open_siblings(&mut self, name: &[u8], stamp: &Stamp) -> io::Result<Vec<(Encoding, Opened)>> {
        let config = self.config;
        let mut siblings = Vec::new();
        for &encoding in &config.precompressed {
            if encoding == Encoding::Identity {
                continue;
            }
            let name = [name, encoding.suffix().as_bytes()].concat();
            match self.open_regular(&name) {
                Ok(Some(opened)) if is_made_from(&opened.stamp, stamp) => {
                    siblings.push((encoding, opened));
                }
                // One that may not be read is as good as none, until that changes.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    let seen = self.folder.look(&name)?.map(|(_, stamp)| stamp);
                    self.witnesses.push(Witness { name, seen });
                }
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(siblings)
    }

    fn is_gzip_wanted(&self, content_type: &HeaderValue, len: u64) -> bool {
        let config = self.config;
        config.is_gzip_on_demand
            && (config.gzip_min_bytes..=config.gzip_max_bytes).contains(&len)
            && media_type::is_compressible(content_type)
    }
}

/// Tells whether an encoded file can hold the version of the file beside it.
fn is_made_from(encoded: &Stamp, file: &Stamp) -> bool {
    let is_older = match encoded.modified {
        // brotli and pigz give it the time of the file in whole seconds.
        (seconds, 0) => seconds < file.modified.0,
        modified => modified < file.modified,
    };
    encoded.len > 0 && !is_older
}

/// Returns Cache-Control for a file that was modified so many seconds ago.
fn cache_control(name: &[u8], age: i64, config: &Config) -> HeaderValue {
    let rule = config
        .cache_control
        .iter()
        .find(|(glob, _)| glob.matches(name));
    match rule {
        Some((_, value)) => value.clone(),
        None if config.is_hashed_immutable && is_hashed(name) => {
            HeaderValue::from_static(if age >= SETTLED_SECONDS {
                "public, max-age=31536000, immutable"
            } else {
                // It may be half written, and nobody is to keep a half for a year.
                "no-cache"
            })
        }
        None => max_age(config.max_age),
    }
}

/// Writes the Cache-Control of files without a rule of their own.
pub(crate) fn max_age(age: Duration) -> HeaderValue {
    let value = format!("max-age={}", age.as_secs());
    HeaderValue::try_from(value).expect("it was written from ASCII")
}

/// Tells whether a name holds a hash of the content, as build tools put it there.
fn is_hashed(name: &[u8]) -> bool {
    let file = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
    let parts: Vec<&[u8]> = file.split(|&byte| matches!(byte, b'.' | b'-')).collect();
    // The first part is the name proper and the last one the extension.
    let [_, middle @ .., _] = parts.as_slice() else {
        return false;
    };
    // A UUID names a thing, and the thing may change.
    let is_uuid = |parts: &[&[u8]]| parts.iter().map(|part| part.len()).eq(UUID);
    if parts.windows(UUID.len()).any(is_uuid) {
        return false;
    }
    // Digits alone are a date or a number more often than a hash.
    middle.iter().any(|part| {
        part.len() >= 8
            && part.iter().all(u8::is_ascii_hexdigit)
            && part.iter().any(u8::is_ascii_digit)
            && part.iter().any(u8::is_ascii_alphabetic)
    })
}

/// The lengths of a UUID's parts.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

#[expect(
    clippy::disallowed_methods,
    reason = "the age of a file tells whether its stamp can be relied on"
)]
fn seconds_since_1970() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
