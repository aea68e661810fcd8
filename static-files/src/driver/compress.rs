//! Compression on demand.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Compresses to gzip; `None` when that does not pay.
pub(crate) fn gzip(bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(6));
    encoder.write_all(bytes)?;
    let mut compressed = encoder.finish()?;
    if compressed.len() >= bytes.len() - bytes.len() / 16 {
        return Ok(None);
    }
    compressed.shrink_to_fit();
    Ok(Some(compressed))
}
