//! The text of a line about something that never came as far as the service.

use std::io::{self, Write};

use super::Format;
use crate::refusal::Reason;

/// What a line tells of a refusal. There may be no request, and what came of it is not repeated.
#[derive(Debug)]
pub(super) struct Refused<'a> {
    /// The peer, already written.
    pub(super) remote: &'a str,
    pub(super) reason: Reason,
}

impl Refused<'_> {
    /// Appends the line and its end; `time` is the text of now.
    pub(super) fn write(&self, format: Format, time: &[u8], out: &mut Vec<u8>) {
        let written = match format {
            Format::Common => self.write_text(time, "", out),
            Format::Combined => self.write_text(time, " \"-\" \"-\"", out),
            Format::Json => self.write_json(time, out),
        };
        written.expect("a vector takes every write");
    }

    /// Writes the fields of the text formats, with a dash for the request line.
    fn write_text(&self, time: &[u8], fields: &str, out: &mut Vec<u8>) -> io::Result<()> {
        let status = self.reason.status().as_u16();
        write!(out, "{} - - [", self.remote)?;
        out.extend_from_slice(time);
        writeln!(out, "] \"-\" {status} 0{fields} 0.000ms")
    }

    fn write_json(&self, time: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let (status, reason) = (self.reason.status().as_u16(), self.reason.name());
        out.extend_from_slice(b"{\"time\":\"");
        out.extend_from_slice(time);
        let remote = self.remote;
        writeln!(
            out,
            "\",\"remote\":\"{remote}\",\"status\":{status},\"refused\":\"{reason}\"}}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Violation;

    fn text(format: Format) -> String {
        let mut out = Vec::new();
        let line = Refused {
            remote: "192.0.2.1",
            reason: Reason::Violation(Violation::Host),
        };
        line.write(format, b"T", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_format_has_its_fields() {
        assert_eq!(
            text(Format::Common),
            "192.0.2.1 - - [T] \"-\" 400 0 0.000ms\n"
        );
        assert_eq!(
            text(Format::Combined),
            "192.0.2.1 - - [T] \"-\" 400 0 \"-\" \"-\" 0.000ms\n"
        );
        assert_eq!(
            text(Format::Json),
            "{\"time\":\"T\",\"remote\":\"192.0.2.1\",\"status\":400,\"refused\":\"host\"}\n"
        );
    }
}
