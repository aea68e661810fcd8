//! The text of one log line.
//!
//! Whatever a client chose is escaped, so that a line is always one line and nothing in it steers
//! a terminal: `\xHH` for control and non-ASCII bytes in the text formats, JSON's escapes in JSON.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::time::Duration;

use http::{HeaderValue, Method, Uri, Version};

use super::Format;
use crate::layer::request_id::RequestId;
use crate::layer::trusted_proxy::NodeName;

/// What a line tells.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) remote: Remote<'a>,
    pub(super) method: &'a Method,
    pub(super) target: &'a Uri,
    pub(super) version: Version,
    pub(super) status: u16,
    /// Bytes of the response's body.
    pub(super) n_bytes: u64,
    /// From the request's head to the response's end.
    pub(super) took: Duration,
    pub(super) referer: Option<&'a HeaderValue>,
    pub(super) user_agent: Option<&'a HeaderValue>,
    pub(super) request_id: Option<&'a RequestId>,
}

/// Who asked; nothing in it needs to be escaped.
#[derive(Clone, Copy, Debug)]
pub(super) enum Remote<'a> {
    /// The peer, already written.
    Peer(&'a str),
    /// The client that trusted proxies name.
    Client(&'a NodeName),
}

impl Remote<'_> {
    fn write(self, out: &mut Vec<u8>) -> fmt::Result {
        match self {
            Self::Peer(text) => out.extend_from_slice(text.as_bytes()),
            Self::Client(name) => write!(out, "{name}").map_err(|_| fmt::Error)?,
        }
        Ok(())
    }
}

impl Line<'_> {
    /// Appends the line and its end; `time` is the text of the response's end.
    pub(super) fn write(&self, format: Format, time: &[u8], out: &mut Vec<u8>) {
        let written = match format {
            Format::Common => self.write_common(time, out),
            Format::Combined => self.write_combined(time, out),
            Format::Json => self.write_json(time, out),
        };
        written.expect("a vector takes every write");
        out.push(b'\n');
    }

    fn write_common(&self, time: &[u8], out: &mut Vec<u8>) -> fmt::Result {
        self.write_request(time, out)?;
        self.write_took(out)
    }

    fn write_combined(&self, time: &[u8], out: &mut Vec<u8>) -> fmt::Result {
        self.write_request(time, out)?;
        for field in [self.referer, self.user_agent] {
            out.extend_from_slice(b" \"");
            Text(out).write_bytes(field.map_or(b"-", HeaderValue::as_bytes));
            out.push(b'"');
        }
        self.write_took(out)
    }

    fn write_request(&self, time: &[u8], out: &mut Vec<u8>) -> fmt::Result {
        self.remote.write(out)?;
        out.extend_from_slice(b" - - [");
        out.extend_from_slice(time);
        out.extend_from_slice(b"] \"");
        let (method, target, version) = (self.method, self.target, self.version);
        write!(Text(out), "{method} {target} {version:?}")?;
        let (status, n_bytes) = (self.status, self.n_bytes);
        write!(out, "\" {status} {n_bytes}").map_err(|_| fmt::Error)
    }

    fn write_took(&self, out: &mut Vec<u8>) -> fmt::Result {
        write_millis(out, self.took, " ", "ms")
    }

    fn write_json(&self, time: &[u8], out: &mut Vec<u8>) -> fmt::Result {
        out.extend_from_slice(b"{\"time\":\"");
        out.extend_from_slice(time);
        out.extend_from_slice(b"\",\"remote\":\"");
        self.remote.write(out)?;
        out.extend_from_slice(b"\",\"method\":\"");
        write!(Json(out), "{}", self.method)?;
        out.extend_from_slice(b"\",\"target\":\"");
        write!(Json(out), "{}", self.target)?;
        let (version, status, n_bytes) = (self.version, self.status, self.n_bytes);
        write!(
            out,
            "\",\"version\":\"{version:?}\",\"status\":{status},\"bytes\":{n_bytes}"
        )
        .map_err(|_| fmt::Error)?;
        write_millis(out, self.took, ",\"ms\":", "")?;
        for (name, field) in [("referer", self.referer), ("user_agent", self.user_agent)] {
            if let Some(field) = field {
                write!(out, ",\"{name}\":\"").map_err(|_| fmt::Error)?;
                Json(out).write_str(&String::from_utf8_lossy(field.as_bytes()))?;
                out.push(b'"');
            }
        }
        if let Some(id) = self.request_id {
            write!(out, ",\"request_id\":\"{}\"", id.as_str()).map_err(|_| fmt::Error)?;
        }
        out.push(b'}');
        Ok(())
    }
}

fn write_millis(out: &mut Vec<u8>, took: Duration, before: &str, behind: &str) -> fmt::Result {
    let (millis, micros) = (took.as_millis(), took.subsec_micros() % 1000);
    write!(out, "{before}{millis}.{micros:03}{behind}").map_err(|_| fmt::Error)
}

/// Escapes for a field of the text formats.
struct Text<'a>(&'a mut Vec<u8>);

impl Text<'_> {
    fn write_bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'"' | b'\\' => self.0.extend_from_slice(&[b'\\', byte]),
                b' '..=b'~' => self.0.push(byte),
                _ => {
                    let digit = |nibble: u8| HEX[usize::from(nibble)];
                    let escaped = [b'\\', b'x', digit(byte >> 4), digit(byte & 15)];
                    self.0.extend_from_slice(&escaped);
                }
            }
        }
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write_bytes(text.as_bytes());
        Ok(())
    }
}

/// Escapes for a string of JSON.
struct Json<'a>(&'a mut Vec<u8>);

impl fmt::Write for Json<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '"' => self.0.extend_from_slice(b"\\\""),
                '\\' => self.0.extend_from_slice(b"\\\\"),
                // All control characters lie in the first plane.
                c if c.is_control() => {
                    write!(self.0, "\\u{:04x}", u32::from(c)).map_err(|_| fmt::Error)?;
                }
                c => self
                    .0
                    .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        Ok(())
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: Format, target: &str, user_agent: Option<&[u8]>) -> String {
        let user_agent = user_agent.map(|bytes| HeaderValue::from_bytes(bytes).unwrap());
        let line = Line {
            remote: Remote::Peer("192.0.2.1"),
            method: &Method::GET,
            target: &target.parse().unwrap(),
            version: Version::HTTP_11,
            status: 206,
            n_bytes: 1234,
            took: Duration::from_micros(1_002_034),
            referer: None,
            user_agent: user_agent.as_ref(),
            request_id: None,
        };
        let mut out = Vec::new();
        line.write(format, b"T", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_format_has_its_fields() {
        assert_eq!(
            text(Format::Common, "/a?b=c", Some(b"curl/8")),
            "192.0.2.1 - - [T] \"GET /a?b=c HTTP/1.1\" 206 1234 1002.034ms\n"
        );
        assert_eq!(
            text(Format::Combined, "/a?b=c", Some(b"curl/8")),
            "192.0.2.1 - - [T] \"GET /a?b=c HTTP/1.1\" 206 1234 \"-\" \"curl/8\" 1002.034ms\n"
        );
        assert_eq!(
            text(Format::Json, "/a?b=c", Some(b"curl/8")),
            "{\"time\":\"T\",\"remote\":\"192.0.2.1\",\"method\":\"GET\",\"target\":\"/a?b=c\",\
             \"version\":\"HTTP/1.1\",\"status\":206,\"bytes\":1234,\"ms\":1002.034,\
             \"user_agent\":\"curl/8\"}\n"
        );
    }

    #[test]
    fn what_a_client_sends_cannot_end_its_field() {
        let hostile = b"a\" 200\\\tb\xc2\x9bc\xff";
        assert!(
            text(Format::Combined, "/", Some(hostile))
                .contains(r#" "a\" 200\\\x09b\xc2\x9bc\xff" "#)
        );
        let json = text(Format::Json, "/", Some(hostile));
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["user_agent"], "a\" 200\\\tb\u{9b}c\u{fffd}");
        assert!(!json.contains(['\t', '\u{9b}']));
    }

    #[test]
    fn a_line_of_json_without_header_fields_is_valid() {
        let json = text(Format::Json, "*", None);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["target"], "*");
        assert_eq!(value.get("user_agent"), None);
    }
}
