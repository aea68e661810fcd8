//! What a folder is served by.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use http::HeaderValue;

use super::Glob;
use crate::plan::Encoding;

/// The settings of one [`StaticFiles`](crate::StaticFiles). The defaults are safe on the open
/// internet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Names of the file that stands for its folder, the first that exists wins.
    /// Default: `index.html`. Each name costs one system call for a folder without it.
    pub index: Vec<String>,
    /// The file below the root that answers, with 200, for pages that do not exist, so that an
    /// application in the browser can route. Default: none.
    ///
    /// A page is a path whose last segment has no dot; any other path gets the file only if the
    /// client asks for `text/html` by name, so a missing script stays a 404.
    pub spa_fallback: Option<String>,
    /// Whether a folder without an index file is listed. Default: [`Listing::Off`].
    pub listing: Listing,
    /// What becomes of names with a leading dot. Default: [`Dotfiles::Hidden`].
    pub dotfiles: Dotfiles,
    /// Values of Cache-Control by path; the first pattern that matches wins. Default: none.
    pub cache_control: Vec<(Glob, HeaderValue)>,
    /// For how long, in whole seconds, a client may keep a file that no pattern matched.
    /// Default: 1 hour. A changed file is not seen by that client for as long.
    pub max_age: Duration,
    /// Whether files with a hash in their name are `immutable` for a year: at least eight
    /// hexadecimal digits between dots or dashes, letters and numerals among them, as in
    /// `app.3f2a9c1b.js`, but not a UUID's. One that was modified within the last two seconds is
    /// `no-cache`, since it may not be written to its end. Default: true.
    pub is_hashed_immutable: bool,
    /// Media types by extension, without dot and in lower case, that go before the built-in
    /// ones. Default: none.
    pub media_types: BTreeMap<String, HeaderValue>,
    /// The encodings in which a file may lie beside itself (`a.js.br`), the best liked first. One
    /// that is empty, or older than the file, is passed over.
    /// Default: br, zst, gz. Each costs one system call when a file is read or checked.
    pub precompressed: Vec<Encoding>,
    /// Whether compressible files without a fresh `.gz` beside them are compressed on demand
    /// and kept. Default: true. Nothing is compressed without a cache.
    pub is_gzip_on_demand: bool,
    /// The least length of a file that is compressed on demand, in bytes. Default: 1 KiB.
    pub gzip_min_bytes: u64,
    /// The greatest length of a file that is compressed on demand, in bytes. Default: 1 MiB. One
    /// that the cache would have no room for is sent as it is.
    /// At worst this much is read and held for each thread of `max_blocking`.
    pub gzip_max_bytes: u64,
    /// How many ranges one request may ask for; beyond it Range is ignored and the whole file is
    /// sent. Default: 16.
    pub max_ranges: usize,
    /// How much memory cached files, compressed ones and head bytes of large ones may take, in
    /// bytes. Default: 64 MiB. 0 switches the cache off. A 64th part more remembers what is not
    /// there.
    pub cache_bytes: u64,
    /// How many descriptors the cache may hold open. Default: 512. Small files hold none. One that
    /// nobody asked for in a minute is closed at the next look at the disk, so that a file which was
    /// removed gives its room back.
    pub max_open_files: NonZeroUsize,
    /// For how long a file is served from the cache, or known not to be there, without a look at
    /// the disk. Default: 1 second. A change is seen no later than this; one of a file of more than
    /// 64 KiB within 10 ms, by the clock of [`StaticFiles::new`](crate::StaticFiles::new).
    pub max_stale: Duration,
    /// How many threads may read from the disk at the same time. Default: 8. They are taken from
    /// the runtime's blocking pool.
    pub max_blocking: NonZeroUsize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            index: vec!["index.html".to_owned()],
            spa_fallback: None,
            listing: Listing::Off,
            dotfiles: Dotfiles::Hidden,
            cache_control: Vec::new(),
            max_age: Duration::from_secs(3_600),
            is_hashed_immutable: true,
            media_types: BTreeMap::new(),
            precompressed: Encoding::COMPRESSED.to_vec(),
            is_gzip_on_demand: true,
            gzip_min_bytes: 1_024,
            gzip_max_bytes: 1024 * 1024,
            max_ranges: 16,
            cache_bytes: 64 * 1024 * 1024,
            max_open_files: DEFAULT_OPEN_FILES,
            max_stale: Duration::from_secs(1),
            max_blocking: DEFAULT_BLOCKING,
        }
    }
}

/// Whether folders are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listing {
    /// A folder without an index file is not found.
    #[default]
    Off,
    /// A folder without an index file is listed, as HTML or JSON.
    On,
}

/// What becomes of names with a leading dot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dotfiles {
    /// They are not found, but for `.well-known` at the root.
    #[default]
    Hidden,
    /// They are files as any other.
    Served,
}

const DEFAULT_OPEN_FILES: NonZeroUsize = NonZeroUsize::new(512).expect("it is not zero");
const DEFAULT_BLOCKING: NonZeroUsize = NonZeroUsize::new(8).expect("it is not zero");
