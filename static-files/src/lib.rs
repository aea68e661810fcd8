//! Static files for tower: a folder as a `Service`, before one, or on behalf of one.
//!
//! This crate plans an answer from header values and facts about a file, which is pure
//! ([`plan`]), and serves the bytes. It is no router, and no cache for other servers' content.
//!
//! Start from `StaticFiles`, the service; `StaticFilesLayer`, which asks an inner service where
//! there is no file; and `SendfileLayer`, which sends the files that an inner service names. All
//! are set by `Config`.
//!
//! ```
//! # #[cfg(feature = "driver")]
//! # fn main() -> std::io::Result<()> {
//! use astatine_static_files::{Config, Glob, StaticFiles};
//! use http::HeaderValue;
//!
//! let mut config = Config::default();
//! let rule = (Glob::new("*.html"), HeaderValue::from_static("no-cache"));
//! config.cache_control.push(rule);
//! let files = StaticFiles::new(std::env::temp_dir(), config)?;
//! # drop(files);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "driver"))]
//! # fn main() {}
//! ```
//!
//! # What is answered
//!
//! | request | answer |
//! |---|---|
//! | GET, HEAD of a file; of a folder with an index, with its slash; of `/page` beside `page.html` | 200, 206, 304, 412 or 416 |
//! | GET, HEAD of a folder without its slash | 301 to the same with a slash, relative |
//! | GET, HEAD of a folder without an index | a listing where that is on, else 404 |
//! | a path with an encoded slash, a backslash, a NUL, a dot segment, an empty segment or a bad escape | 400 |
//! | a link that leaves the folder, a hidden name, anything but a regular file, nothing | 404, or the fallback page |
//! | OPTIONS of what exists | 204 with Allow |
//! | any other method on what exists | 405 with Allow |
//!
//! A page `CODE.html` in the folder is the body of the status CODE where the answer is 400, 403,
//! 404, 405, 412, 416, 500 or 503; else it is a line of text. An answer of [`Sendfile`] with 404, 412
//! or 416 has no page.
//!
//! # Freshness
//!
//! A cached file is served for at most `Config::max_stale`, 1 second, without a look at the disk;
//! for as long it is remembered that there is nothing. The look covers every name that had a part
//! in the answer: the file, the siblings that hold it compressed, and the names that would have
//! gone before it. A file whose status changed less than two seconds before it was read is read
//! again, since its times cannot tell two changes apart. One of more than 64 KiB is asked in each step
//! of the clock, 1 to 10 ms on Linux, whether it is what it was, since its bytes are read as they are
//! sent.
//!
//! An entity tag is made of the encoding and a hash of the bytes, or for a file of more than 64 KiB
//! of its length and its time of modification to the nanosecond.
//!
//! # Waiting for the disk
//!
//! Each look-up is tried on the thread that asks, with what the kernel holds in memory
//! (openat2 with `RESOLVE_CACHED`, preadv2 with `RWF_NOWAIT`); only what fails there goes to the
//! blocking pool. A response of more than 64 KiB of a file carries a `FileRegion`, whose
//! readahead hook asks the same of each stretch before it is sent by sendfile(2). On Linux such a
//! file's time of access stays as it is where the server's user owns the file, since noting it is
//! a part of what sendfile(2) costs.
//!
//! # Limits
//!
//! | limit | unit | default | beyond it |
//! |---|---|---|---|
//! | `cache_bytes` | bytes | 64 MiB | the least used is dropped |
//! | `max_open_files` | descriptors | 512 | the least used is closed |
//! | `max_blocking` | threads | 8 | requests wait for their turn |
//! | `max_ranges` | ranges in a request | 16 | the whole file |
//! | `gzip_max_bytes` | bytes of a file | 1 MiB | sent as it is |
//! | names in a listing | names | 10,000 | the rest is left out |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `driver` (default) | all but [`plan`] |
//!
//! # Specifications
//!
//! RFC 9110 §8.8 (validators), §12.5.3 (Accept-Encoding), §13 (preconditions), §14 (ranges);
//! RFC 3986 §2.1; RFC 8615. Left out: content negotiation by language, several ranges of
//! compressed bytes (all of them are sent) and any of bytes compressed on demand (the range is one
//! of the file), and 406, which no client is helped by.

#![forbid(unsafe_code)]

#[cfg(feature = "driver")]
mod driver;
pub mod plan;

#[cfg(feature = "driver")]
pub use driver::{
    Config, Dotfiles, FileBody, FileFuture, FileOr, FileOrBody, FileOrFuture, Glob, Listing,
    Prewritten, PrewrittenResponse, Sendfile, SendfileFuture, SendfileLayer, StaticFiles,
    StaticFilesLayer,
};
