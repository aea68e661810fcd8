//! How the fields of a request frame its body, and what they say of the connection.

use http::Version;

use super::head::HeadFacts;
use super::names::Role;
use super::target;
use crate::error::Violation;

/// How the body of a request is framed (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// The body has this many bytes, at least one.
    Length(u64),
    /// The body has the chunked coding.
    Chunked,
}

/// What the fields of one head have said so far.
#[derive(Debug, Default)]
pub(super) struct FramingFields {
    pub(super) content_length: Option<u64>,
    pub(super) codings: Codings,
    n_hosts: usize,
    pub(super) closes: bool,
    pub(super) keeps_alive: bool,
    expects_continue: bool,
    takes_trailers: bool,
}

/// The transfer codings named so far, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Codings {
    #[default]
    None,
    /// Chunked, and nothing else.
    Chunked,
    /// Another coding, and chunked behind it.
    OtherThenChunked,
    /// Another coding is the last.
    Other,
}

impl FramingFields {
    /// Takes a field into account.
    #[inline(always)]
    pub(super) fn see(&mut self, role: Role, value: &[u8]) -> Result<(), Violation> {
        if role != Role::Host {
            return self.see_other(role, value);
        }
        self.n_hosts += 1;
        if value.is_empty() || target::is_host(value) {
            Ok(())
        } else {
            Err(Violation::Host)
        }
    }

    /// As [`FramingFields::see`], of what not every request has.
    #[inline(never)]
    fn see_other(&mut self, role: Role, value: &[u8]) -> Result<(), Violation> {
        match role {
            Role::Other | Role::Host => {}
            Role::Connection => self.see_connection(value),
            Role::ContentLength => {
                let length = decimal(value).ok_or(Violation::ContentLength)?;
                if self.content_length.replace(length).is_some() {
                    return Err(Violation::ContentLength);
                }
            }
            Role::Expect => {
                for expectation in elements(value) {
                    if !expectation.eq_ignore_ascii_case(b"100-continue") {
                        return Err(Violation::Expectation);
                    }
                    self.expects_continue = true;
                }
            }
            Role::Te => {
                self.takes_trailers |= elements(value).any(|e| e.eq_ignore_ascii_case(b"trailers"));
            }
            Role::TransferEncoding => self.see_codings(value)?,
        }
        Ok(())
    }

    fn see_connection(&mut self, value: &[u8]) {
        // What browsers send, spared the search for commas.
        if value == b"keep-alive" {
            self.keeps_alive = true;
            return;
        }
        for option in elements(value) {
            self.closes |= option.eq_ignore_ascii_case(b"close");
            self.keeps_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    fn see_codings(&mut self, value: &[u8]) -> Result<(), Violation> {
        let mut n_codings = 0;
        for coding in elements(value) {
            n_codings += 1;
            let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
            self.codings = match (self.codings, is_chunked) {
                (Codings::None, true) => Codings::Chunked,
                (Codings::None | Codings::Other, false) => Codings::Other,
                (Codings::Other, true) => Codings::OtherThenChunked,
                // Nothing may follow chunked, itself neither.
                (Codings::Chunked | Codings::OtherThenChunked, _) => {
                    return Err(Violation::TransferEncoding);
                }
            };
        }
        if n_codings == 0 {
            Err(Violation::TransferEncoding)
        } else {
            Ok(())
        }
    }

    /// Judges the fields together: RFC 9112 §3.2 (Host), §6.1 and §6.3 (framing), §9.3
    /// (persistence).
    #[inline(always)]
    pub(super) fn conclude(self, version: Version) -> Result<HeadFacts, Violation> {
        let is_http_10 = version == Version::HTTP_10;
        if self.n_hosts > 1 || self.n_hosts == 0 && !is_http_10 {
            return Err(Violation::Host);
        }
        let framing = match (self.codings, self.content_length) {
            (Codings::None, None | Some(0)) => Framing::None,
            (Codings::None, Some(length)) => Framing::Length(length),
            (_, Some(_)) => return Err(Violation::TransferEncoding),
            (_, None) if is_http_10 => return Err(Violation::TransferEncoding),
            (Codings::Other, None) => return Err(Violation::TransferEncoding),
            (Codings::OtherThenChunked, None) => return Err(Violation::TransferCoding),
            (Codings::Chunked, None) => Framing::Chunked,
        };
        Ok(HeadFacts {
            framing,
            is_persistent: !self.closes && (!is_http_10 || self.keeps_alive),
            expects_continue: self.expects_continue && !is_http_10 && framing != Framing::None,
            takes_trailers: self.takes_trailers,
        })
    }
}

/// Splits a list (RFC 9110 §5.6.1), empty elements left out.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|b| *b == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// Takes away optional white space (RFC 9110 §5.6.3).
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Reads one decimal number and nothing else.
pub(super) fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |number, octet| {
        let digit = octet.is_ascii_digit().then(|| u64::from(octet - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}
