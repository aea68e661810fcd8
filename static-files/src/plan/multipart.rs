//! The framing of a multipart/byteranges body.

use std::ops::Range;

/// The heads and the end of a body with several ranges.
///
/// # Spec
///
/// RFC 9110 §14.6 and RFC 2046 §5.1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart {
    /// Each part's head, up to the empty line, in the order of the ranges.
    pub heads: Vec<Vec<u8>>,
    /// What follows the last part's bytes.
    pub end: Vec<u8>,
    /// The length of the body in bytes, ranges included.
    pub len: u64,
}

impl Multipart {
    /// Frames ranges of a representation of `len` bytes.
    ///
    /// The boundary must not occur in the representation, nor be guessable by who wrote it.
    pub fn new(boundary: &str, content_type: &[u8], ranges: &[Range<u64>], len: u64) -> Self {
        let mut body_len = 0;
        let mut heads = Vec::with_capacity(ranges.len());
        for range in ranges {
            let mut head = format!("\r\n--{boundary}\r\nContent-Type: ").into_bytes();
            head.extend_from_slice(content_type);
            let (first, last) = (range.start, range.end - 1);
            head.extend_from_slice(
                format!("\r\nContent-Range: bytes {first}-{last}/{len}\r\n\r\n").as_bytes(),
            );
            body_len += head.len() as u64 + (range.end - range.start);
            heads.push(head);
        }
        let end = format!("\r\n--{boundary}--\r\n").into_bytes();
        body_len += end.len() as u64;
        Self {
            heads,
            end,
            len: body_len,
        }
    }
}
