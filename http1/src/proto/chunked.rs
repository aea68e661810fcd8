//! The chunked transfer coding (RFC 9112 §7.1): a decoder that takes no liberty, and the encoder.

use bytes::{Buf, Bytes};
use http::HeaderMap;

use super::body::BodyEvent;
use super::head::{self, Limits, LineScan};
use super::octet;
use crate::error::Violation;

/// Decodes one chunked body.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    /// What is left of the chunk, or its size as far as it is read.
    size: u64,
    /// Bytes of chunk extensions so far.
    n_extension_bytes: usize,
    scan: LineScan,
}

/// Where in a body the decoder stands. Each chunk runs from `Size` to `DataLf`; the chunk of size
/// 0 goes on to `Trailers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Digits of a chunk size; so many were seen.
    Size(u8),
    /// In the extensions of a chunk line.
    Extension(Extension),
    /// Behind the CR of a chunk line.
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailers,
    End,
}

/// Where in `*( BWS ";" BWS name [ BWS "=" BWS value ] )` the decoder stands (RFC 9112 §7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    BeforeSemicolon,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Token,
    Quoted,
    Escaped,
    AfterQuoted,
}

impl Decoder {
    /// All chunk extensions of a body together: nobody needs them, and each is read and dropped.
    const MAX_EXTENSION_BYTES: usize = 16 << 10;

    pub(super) fn new() -> Self {
        Self {
            state: State::Size(0),
            size: 0,
            n_extension_bytes: 0,
            scan: LineScan::default(),
        }
    }

    /// Takes the next piece off the input; `None` when there is too little of it. A chunk longer
    /// than `max_len` is refused by its size.
    pub(super) fn receive(
        &mut self,
        input: &mut Bytes,
        limits: impl Into<Limits>,
        max_len: u64,
    ) -> Result<Option<BodyEvent>, Violation> {
        let limits = limits.into();
        loop {
            match self.state {
                State::Data => {
                    if input.is_empty() {
                        return Ok(None);
                    }
                    let len =
                        usize::try_from(self.size).map_or(input.len(), |n| n.min(input.len()));
                    self.size -= len as u64;
                    if self.size == 0 {
                        self.state = State::DataCr;
                    }
                    return Ok(Some(BodyEvent::Data(input.split_to(len))));
                }
                State::Trailers => {
                    let trailers = head::receive_trailers(input, &mut self.scan, limits)?;
                    if trailers.is_some() {
                        self.state = State::End;
                    }
                    return Ok(trailers.map(BodyEvent::End));
                }
                State::End => return Ok(None),
                State::Size(_)
                | State::Extension(_)
                | State::SizeLf
                | State::DataCr
                | State::DataLf => {
                    let Some(octet) = input.first().copied() else {
                        return Ok(None);
                    };
                    self.state = self.step(octet)?;
                    input.advance(1);
                    if self.state == State::Data && self.size > max_len {
                        return Err(Violation::BodyTooLong);
                    }
                }
            }
        }
    }

    /// Moves over one octet of a chunk line, or of the line end behind the data.
    fn step(&mut self, octet: u8) -> Result<State, Violation> {
        match (self.state, octet) {
            (State::Size(n_digits), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                // Leading zeros are digits too; what 64 bits do not hold would wrap.
                let n_digits = n_digits.checked_add(1).ok_or(Violation::Chunk)?;
                if self.size >> 60 != 0 {
                    return Err(Violation::Chunk);
                }
                self.size = self.size << 4 | u64::from(hex_value(octet));
                Ok(State::Size(n_digits))
            }
            (State::Size(0), _) => Err(Violation::Chunk),
            (State::Size(_), _) => self.step_extension(Extension::BeforeSemicolon, octet),
            (State::Extension(extension), _) => self.step_extension(extension, octet),
            (State::SizeLf, b'\n') if self.size == 0 => Ok(State::Trailers),
            (State::SizeLf, b'\n') => Ok(State::Data),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size(0)),
            (
                State::SizeLf
                | State::Data
                | State::DataCr
                | State::DataLf
                | State::Trailers
                | State::End,
                _,
            ) => Err(Violation::Chunk),
        }
    }

    fn step_extension(&mut self, extension: Extension, octet: u8) -> Result<State, Violation> {
        use Extension::{
            AfterName, AfterQuoted, BeforeName, BeforeSemicolon, BeforeValue, Escaped, Name,
            Quoted, Token,
        };
        let next = match (extension, octet) {
            // White space that no extension follows is not allowed: it ends at `;` or `=` only.
            (BeforeSemicolon | AfterName | Name | Token | AfterQuoted, b';') => BeforeName,
            (BeforeSemicolon | Token | AfterQuoted, b' ' | b'\t') => BeforeSemicolon,
            (BeforeSemicolon, b'\r') if self.state != State::Extension(BeforeSemicolon) => {
                return Ok(State::SizeLf);
            }
            (Name | Token | AfterQuoted, b'\r') => return Ok(State::SizeLf),
            (BeforeName, b' ' | b'\t') => BeforeName,
            (BeforeName | Name, _) if octet::is_tchar(octet) => Name,
            (Name | AfterName, b' ' | b'\t') => AfterName,
            (Name | AfterName, b'=') => BeforeValue,
            (BeforeValue, b' ' | b'\t') => BeforeValue,
            (BeforeValue, b'"') => Quoted,
            (BeforeValue | Token, _) if octet::is_tchar(octet) => Token,
            (Quoted, b'"') => AfterQuoted,
            (Quoted, b'\\') => Escaped,
            (Quoted | Escaped, b'\t' | b' '..=b'~' | 0x80..) => Quoted,
            (
                BeforeSemicolon | BeforeName | Name | AfterName | BeforeValue | Token | Quoted
                | Escaped | AfterQuoted,
                _,
            ) => return Err(Violation::Chunk),
        };
        self.n_extension_bytes += 1;
        if self.n_extension_bytes > Self::MAX_EXTENSION_BYTES {
            return Err(Violation::Chunk);
        }
        Ok(State::Extension(next))
    }
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// Writes the line before a chunk's content, which must not be empty.
pub(super) fn encode_chunk_size(len: usize, output: &mut Vec<u8>) {
    let mut digits = [0_u8; 16];
    let mut at = digits.len();
    let mut rest = len;
    while rest > 0 {
        at -= 1;
        digits[at] = b"0123456789abcdef"[rest & 0xf];
        rest >>= 4;
    }
    output.extend_from_slice(&digits[at..]);
    output.extend_from_slice(b"\r\n");
}

/// Writes the end of a chunked body, with its trailers, but for those that may not stand there
/// (RFC 9110 §6.5.1).
pub(super) fn encode_last_chunk(trailers: Option<&HeaderMap>, output: &mut Vec<u8>) {
    output.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        if !head::is_allowed_in_trailers(name) {
            continue;
        }
        output.extend_from_slice(name.as_str().as_bytes());
        output.extend_from_slice(b": ");
        output.extend_from_slice(value.as_bytes());
        output.extend_from_slice(b"\r\n");
    }
    output.extend_from_slice(b"\r\n");
}
