//! A folder with its cache: from the path of a request to the bytes that answer it.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::RANGE;
use http::{HeaderValue, Method};

use super::absences::Absences;
use super::answer::Asked;
use super::cache::Cache;
use super::compress;
use super::config::{Config, Dotfiles};
use super::folder::{Folder, Root, is_absence};
use super::pool::Pool;
use super::reach::Reach;
use super::resource::{Gzip, Resource};
use super::respond::Answered;
use super::search::{Search, Target, max_age};
use crate::plan::{AcceptEncoding, Encoding, FilePath};

/// A folder, how it is served, and what is remembered of it.
pub(crate) struct Files {
    config: Config,
    root: Root,
    cache: Cache,
    absences: Absences,
    pool: Pool,
    clock: Clock,
    max_age: HeaderValue,
    /// The clock when idle files were last closed, in seconds.
    swept_at: AtomicU64,
}

/// Tells a time that never goes back.
pub(crate) type Clock = Box<dyn Fn() -> Duration + Send + Sync>;

/// What a request's path leads to.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file.
    File(Arc<Resource>),
    /// A folder that was named without its trailing slash.
    Folder,
    /// A folder to be listed.
    Listing,
    /// Nothing.
    Nothing,
    /// The path cannot name a file.
    Refused,
}

impl Files {
    pub(crate) fn new(root: &Path, config: Config, clock: Clock) -> io::Result<Self> {
        let largest_bytes = config.gzip_max_bytes;
        let max_open_files = config.max_open_files.get();
        Ok(Self {
            root: Root::new(root)?,
            cache: Cache::new(config.cache_bytes, max_open_files, largest_bytes),
            absences: Absences::new(config.cache_bytes / ABSENCES_SHARE),
            pool: Pool::new(config.max_blocking),
            max_age: max_age(config.max_age),
            swept_at: AtomicU64::new(clock().as_secs()),
            config,
            clock,
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Opens the root; `None` while it is not there, as it may be for a moment when it is replaced.
    pub(crate) fn open_root(&self, reach: Reach) -> io::Result<Option<Folder<'_>>> {
        match self.root.open(reach) {
            Err(error) if is_absence(&error) => Ok(None),
            opened => opened.map(Some),
        }
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns Cache-Control for what no rule is about.
    pub(crate) fn max_age(&self) -> &HeaderValue {
        &self.max_age
    }

    /// Finds what the path of a request leads to.
    pub(crate) fn find(&self, path: &str, reach: Reach) -> io::Result<Found> {
        // A hit needs no decoding, so it is looked for first.
        if let Some(found) = self.remembered(path.as_bytes(), reach)? {
            return Ok(found);
        }
        let Ok(decoded) = FilePath::decode(path) else {
            return Ok(Found::Refused);
        };
        if self.is_hidden(&decoded) {
            return Ok(Found::Nothing);
        }
        let key = decoded.to_request_path();
        if key != path {
            if let Some(found) = self.remembered(key.as_bytes(), reach)? {
                return Ok(found);
            }
        }
        let now = (self.clock)();
        let target = match self.open_root(reach)? {
            Some(folder) => {
                let search = self.search(&folder, reach, now, key.as_bytes());
                search.find(&decoded)?
            }
            None => Target::Nothing,
        };
        Ok(self.keep(key.as_bytes(), target, now))
    }

    /// Finds the file of exactly this name below the root.
    pub(crate) fn find_exactly(
        &self,
        name: &[u8],
        reach: Reach,
    ) -> io::Result<Option<Arc<Resource>>> {
        let found = match self.remembered(name, reach)? {
            Some(found) => found,
            None => {
                let now = (self.clock)();
                let target = match self.open_root(reach)? {
                    Some(folder) => self.search(&folder, reach, now, name).find_exactly(name)?,
                    None => Target::Nothing,
                };
                self.keep(name, target, now)
            }
        };
        Ok(match found {
            Found::File(resource) => Some(resource),
            Found::Folder | Found::Listing | Found::Nothing | Found::Refused => None,
        })
    }

    /// Tells whether a path is withheld for its leading dots.
    pub(crate) fn is_hidden(&self, path: &FilePath) -> bool {
        self.config.dotfiles == Dotfiles::Hidden && path.is_hidden()
    }

    /// Chooses the encoding that the client likes best, compressing if that is due.
    pub(crate) fn negotiate(
        &self,
        resource: Arc<Resource>,
        asked: &Asked<'_>,
        reach: Reach,
    ) -> io::Result<(Arc<Resource>, Encoding)> {
        if !resource.is_negotiable() {
            return Ok((resource, Encoding::Identity));
        }
        // Which bytes a compressor makes may differ between its versions, and so between
        // servers; therefore what is made on demand is never sent in parts.
        let is_range = asked.method == Method::GET && asked.headers.contains_key(RANGE);
        let accepted = AcceptEncoding::parse(asked.headers);
        if is_range {
            let stored = |encoding: &Encoding| resource.variant(*encoding).is_stored();
            let choice = accepted.choose(resource.encodings().filter(stored));
            return Ok((resource, choice));
        }
        match choose(&resource, accepted) {
            Choice::There(encoding) => Ok((resource, encoding)),
            Choice::Due => Ok((self.compress(resource, reach)?, Encoding::Gzip)),
        }
    }

    /// Answers a GET for all of a file that memory has and that need not be compressed first.
    pub(crate) fn whole_in_memory<'a, A: Answered>(
        &self,
        path: &[u8],
        accept_encoding: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<A> {
        let Ok(Some(Found::File(resource))) = self.remembered(path, Reach::Memory) else {
            return None;
        };
        let encoding = if resource.is_negotiable() {
            match choose(&resource, AcceptEncoding::parse_lines(accept_encoding)) {
                Choice::There(encoding) => encoding,
                Choice::Due => return None,
            }
        } else {
            Encoding::Identity
        };
        Some(A::whole(resource.variant(encoding), &Method::GET))
    }

    fn compress(&self, resource: Arc<Resource>, reach: Reach) -> io::Result<Arc<Resource>> {
        let identity = resource.identity();
        // What cannot be kept would be compressed for each request anew.
        if !self.cache.has_room(&resource, identity.len()) {
            return Ok(resource);
        }
        if reach == Reach::Memory && identity.len() > MAX_INLINE_BYTES {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let compressed = compress::gzip(&identity.read_all()?)?;
        let variant = compressed.map(|bytes| identity.compressed(Bytes::from(bytes)));
        let resource = Arc::new(resource.with_gzip(variant));
        self.cache.insert(&resource);
        Ok(resource)
    }

    /// Returns what memory holds, if the disk, looked at when that is due, agrees.
    fn remembered(&self, key: &[u8], reach: Reach) -> io::Result<Option<Found>> {
        let now = (self.clock)();
        let max_stale = self.config.max_stale;
        let Some(resource) = self.cache.get(key) else {
            let is_absent = self.absences.holds(key, now, max_stale);
            return Ok(is_absent.then_some(Found::Nothing));
        };
        if resource.is_fresh(now, max_stale) {
            return Ok(Some(Found::File(resource)));
        }
        self.close_idle(now);
        let is_unchanged = match self.open_root(reach)? {
            Some(folder) => resource.is_unchanged(&folder, now)?,
            None => false,
        };
        if is_unchanged {
            return Ok(Some(Found::File(resource)));
        }
        self.cache.remove(&resource);
        Ok(None)
    }

    /// Closes files that nobody asked for in a minute. One that was removed takes up the disk for
    /// as long as it is open.
    fn close_idle(&self, now: Duration) {
        let seconds = now.as_secs();
        let swept_at = self.swept_at.load(Ordering::Relaxed);
        let is_due = seconds.saturating_sub(swept_at) >= IDLE.as_secs();
        let claim = || {
            self.swept_at
                .compare_exchange(swept_at, seconds, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if is_due && claim() {
            let idle = IDLE.max(self.config.max_stale);
            self.cache
                .retain(|resource| !resource.is_open() || resource.is_current(now, idle));
        }
    }

    fn search<'a>(
        &'a self,
        folder: &'a Folder<'a>,
        reach: Reach,
        now: Duration,
        key: &'a [u8],
    ) -> Search<'a> {
        Search {
            config: &self.config,
            pool: &self.pool,
            folder,
            reach,
            now,
            key,
            witnesses: Vec::new(),
        }
    }

    fn keep(&self, key: &[u8], target: Target, now: Duration) -> Found {
        match target {
            Target::File(resource) => {
                self.close_idle(now);
                let resource = Arc::new(resource);
                self.cache.insert(&resource);
                Found::File(resource)
            }
            Target::Folder => Found::Folder,
            Target::Listing => Found::Listing,
            Target::Nothing => {
                self.absences.insert(key, now);
                Found::Nothing
            }
        }
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("root", &self.root)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// The encoding that a client likes best.
enum Choice {
    /// It is there.
    There(Encoding),
    /// It is gzip, and has yet to be made.
    Due,
}

/// Chooses among what there is and what may be made.
fn choose(resource: &Resource, accepted: AcceptEncoding) -> Choice {
    let is_due = resource.gzip() == Gzip::Possible;
    let on_demand = is_due.then_some(Encoding::Gzip);
    match accepted.choose(resource.encodings().chain(on_demand)) {
        Encoding::Gzip if is_due => Choice::Due,
        encoding => Choice::There(encoding),
    }
}

/// The greatest length that is compressed on a connection's thread: about 50 microseconds.
const MAX_INLINE_BYTES: u64 = 4 * 1024;
/// For how long a file stays open that nobody asks for.
const IDLE: Duration = Duration::from_secs(60);
/// The share of the cache's bytes that the memory of what is not there may take.
const ABSENCES_SHARE: u64 = 64;
