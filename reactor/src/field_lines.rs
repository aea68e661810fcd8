//! Field lines of HTTP/1 that are written once, to be sent with many responses.
//!
//! A service whose answers mostly have the same fields hands these to the server beside a response,
//! and spares both the map: it need not be filled, nor taken apart. Layers look for fields in the
//! map, so lines are for a service that stands directly below the server.

use bytes::Bytes;

/// Fields as they stand in the head of a response, each with its line end; clones share them.
///
/// # Spec
///
/// RFC 9112 §5.
#[derive(Clone, Debug, Default)]
pub struct FieldLines(Bytes);

impl FieldLines {
    /// Writes fields, each a name and a value. `None` where one cannot be written, or is the
    /// server's to write: Connection, Content-Length, Date, Transfer-Encoding, Upgrade.
    pub fn new<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Option<Self> {
        let mut lines = Vec::new();
        for (name, value) in fields {
            if !is_token(name) || !value.iter().all(is_in_value) || is_of_server(name) {
                return None;
            }
            lines.extend_from_slice(name.as_bytes());
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(value);
            lines.extend_from_slice(b"\r\n");
        }
        Some(Self(Bytes::from(lines)))
    }

    /// Returns the lines.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    let is_tchar = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !name.is_empty() && name.as_bytes().iter().all(is_tchar)
}

/// RFC 9110 §5.5.
fn is_in_value(byte: &u8) -> bool {
    *byte == b'\t' || *byte >= b' ' && *byte != 0x7f
}

fn is_of_server(name: &str) -> bool {
    OF_SERVER
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other))
}

const OF_SERVER: [&str; 5] = [
    "connection",
    "content-length",
    "date",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_in_their_order() {
        let fields = [("etag", &b"\"1\""[..]), ("x", b"a\tb\xff"), ("x", b"")];
        let lines = FieldLines::new(fields).expect("they can be written");
        assert_eq!(lines.as_bytes(), b"etag: \"1\"\r\nx: a\tb\xff\r\nx: \r\n");
    }

    #[test]
    fn nothing_breaks_out_of_its_line_or_speaks_for_the_server() {
        let refused: [(&str, &[u8]); 10] = [
            ("", b"1"),
            ("a b", b"1"),
            ("a:", b"1"),
            ("a\r\nb", b"1"),
            ("a", b"1\r\nb: 2"),
            ("a", b"1\n"),
            ("a", b"\0"),
            ("Content-Length", b"1"),
            ("transfer-encoding", b"chunked"),
            ("date", b"today"),
        ];
        for field in refused {
            assert!(FieldLines::new([field]).is_none(), "{field:?}");
        }
    }
}
