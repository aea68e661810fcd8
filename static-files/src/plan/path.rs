//! From the path of a request to the name of a file below the root.

use std::error::Error;
use std::fmt;

/// The name of a file or folder below the root: decoded, without a leading slash, and without
/// any segment that could lead elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath {
    bytes: Vec<u8>,
    is_folder: bool,
}

impl FilePath {
    /// Decodes the path of a request target, without its query.
    ///
    /// `+` stays `+`: it means a space in forms only.
    ///
    /// # Spec
    ///
    /// RFC 3986 §2.1 and §3.3; dot segments are for clients to remove (§5.2.4).
    ///
    /// # Errors
    ///
    /// The path cannot name a file, or tries to name one outside the root.
    pub fn decode(path: &str) -> Result<Self, Refusal> {
        let raw = path.as_bytes();
        let Some((b'/', raw)) = raw.split_first() else {
            return Err(Refusal::NotAbsolute);
        };
        let mut bytes = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            let byte = if byte == b'%' {
                let (decoded, tail) = escape(tail).ok_or(Refusal::BadEscape)?;
                rest = tail;
                if decoded == b'/' {
                    return Err(Refusal::EncodedSlash);
                }
                decoded
            } else {
                byte
            };
            bytes.push(byte);
        }
        Self::check(bytes)
    }

    /// Takes a name that is not encoded: below the root, without a leading slash.
    ///
    /// # Errors
    ///
    /// As [`FilePath::decode`].
    pub fn from_name(name: &[u8]) -> Result<Self, Refusal> {
        Self::check(name.to_vec())
    }

    fn check(mut bytes: Vec<u8>) -> Result<Self, Refusal> {
        if bytes.contains(&0) {
            return Err(Refusal::Nul);
        }
        if bytes.contains(&b'\\') {
            return Err(Refusal::Backslash);
        }
        let is_folder = matches!(bytes.last(), None | Some(b'/'));
        if bytes.last() == Some(&b'/') {
            bytes.pop();
            // A lone second slash is an empty segment, not the root.
            if bytes.is_empty() {
                return Err(Refusal::EmptySegment);
            }
        }
        let decoded = Self { bytes, is_folder };
        for segment in decoded.segments() {
            match segment {
                b"" => return Err(Refusal::EmptySegment),
                b"." | b".." => return Err(Refusal::DotSegment),
                _ => {}
            }
        }
        Ok(decoded)
    }

    /// Returns the path of a request that asks for this, in one of its many spellings: only what
    /// must be escaped is.
    ///
    /// # Spec
    ///
    /// RFC 3986 §3.3 and §6.2.2.
    pub fn to_request_path(&self) -> String {
        let mut path = String::with_capacity(self.bytes.len() + 2);
        path.push('/');
        for &byte in &self.bytes {
            push_escaped(&mut path, byte);
        }
        if self.is_folder && !self.bytes.is_empty() {
            path.push('/');
        }
        path
    }

    /// Returns the decoded name, segments separated by slashes; empty for the root.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Tells whether the path ended in a slash, so that it means a folder.
    pub fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// Tells whether a segment starts with a dot; `.well-known` at the root is not meant.
    ///
    /// # Spec
    ///
    /// RFC 8615 §3.
    pub fn is_hidden(&self) -> bool {
        let mut segments = self.segments();
        let first = segments.next().unwrap_or_default();
        let is_dotted = |segment: &[u8]| segment.first() == Some(&b'.');
        (is_dotted(first) && first != b".well-known") || segments.any(is_dotted)
    }

    /// Tells whether the last segment has a dot, as the name of a file has that is not a page.
    pub fn has_extension(&self) -> bool {
        self.segments()
            .next_back()
            .is_some_and(|segment| segment.contains(&b'.'))
    }

    fn segments(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        // The root has no segments, where `split` would find one empty.
        let is_root = self.bytes.is_empty();
        self.bytes
            .split(|&byte| byte == b'/')
            .filter(move |_| !is_root)
    }
}

/// Why a path cannot name a file. It is answered by 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The path does not start with a slash.
    NotAbsolute,
    /// A percent sign without two hexadecimal digits behind it.
    BadEscape,
    /// A NUL, which ends a name for the kernel.
    Nul,
    /// A backslash, which is a separator elsewhere.
    Backslash,
    /// An encoded slash, which is no separator but would become one.
    EncodedSlash,
    /// A segment `.` or `..`, encoded or not.
    DotSegment,
    /// Two slashes in a row.
    EmptySegment,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => "path without a leading slash",
            Self::BadEscape => "percent sign without two digits",
            Self::Nul => "NUL in a path",
            Self::Backslash => "backslash in a path",
            Self::EncodedSlash => "encoded slash in a path",
            Self::DotSegment => "dot segment in a path",
            Self::EmptySegment => "empty segment in a path",
        })
    }
}

impl Error for Refusal {}

/// Adds one byte of a path, escaped unless it is a slash or may stand for itself in a segment.
///
/// # Spec
///
/// RFC 3986 §3.3.
fn push_escaped(path: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
        path.push(char::from(byte));
    } else {
        let digit = |nibble: u8| char::from(HEX[usize::from(nibble)]);
        path.extend(['%', digit(byte >> 4), digit(byte & 15)]);
    }
}

fn escape(tail: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (&[high, low], tail) = tail.split_first_chunk()?;
    let value = digit(high)? << 4 | digit(low)?;
    Some((u8::try_from(value).ok()?, tail))
}
