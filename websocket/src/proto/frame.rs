//! The header of a frame (RFC 6455 §5.2), and frames that need no connection to be encoded.

use super::message::Kind;
use crate::error::Violation;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn decode(value: u8) -> Result<Self, Violation> {
        match value {
            0x0 => Ok(Self::Continuation),
            0x1 => Ok(Self::Text),
            0x2 => Ok(Self::Binary),
            0x8 => Ok(Self::Close),
            0x9 => Ok(Self::Ping),
            0xa => Ok(Self::Pong),
            reserved => Err(Violation::ReservedOpcode(reserved)),
        }
    }

    fn encode(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

impl From<Kind> for Opcode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Binary => Self::Binary,
        }
    }
}

/// A header as it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    pub(super) is_final: bool,
    /// RSV1: the frame begins a message that is compressed (RFC 7692 §6).
    pub(super) is_deflated: bool,
    pub(super) mask_key: Option<[u8; 4]>,
    pub(super) payload_len: u64,
}

/// What a header's judgement hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Whether frames must be masked: a client's must, a server's must not (RFC 6455 §5.1).
    pub(super) is_masked: bool,
    /// Whether RSV1 has a meaning.
    pub(super) has_deflate: bool,
}

/// The header of a plain message of one frame.
pub(super) struct Whole {
    pub(super) kind: Kind,
    pub(super) mask_key: Option<[u8; 4]>,
    pub(super) header_len: usize,
    /// At least one byte.
    pub(super) payload_len: usize,
}

/// Reads a header where all of its frame is there, and that is a plain message shorter than 64 KiB
/// by itself; `None` for what [`decode`] has to look into.
#[inline(always)]
pub(super) fn decode_whole(input: &[u8], rules: Rules) -> Option<Whole> {
    const TEXT: u8 = FIN | 0x1;
    const BINARY: u8 = FIN | 0x2;
    let [first @ (TEXT | BINARY), second, ..] = *input else {
        return None;
    };
    let is_masked = second & MASK != 0;
    let (len_end, payload_len) = match second & LEN_BITS {
        0 | LEN_64 => return None,
        LEN_16 => {
            let len = u16::from_be_bytes(*input.get(2..)?.first_chunk()?);
            (
                4,
                usize::from(Some(len).filter(|len| *len >= u16::from(LEN_16))?),
            )
        }
        len => (2, usize::from(len)),
    };
    let header_len = if is_masked { len_end + 4 } else { len_end };
    if is_masked != rules.is_masked || input.len() < header_len + payload_len {
        return None;
    }
    let mask_key = if is_masked {
        Some(*input[len_end..].first_chunk()?)
    } else {
        None
    };
    Some(Whole {
        kind: if first == TEXT {
            Kind::Text
        } else {
            Kind::Binary
        },
        mask_key,
        header_len,
        payload_len,
    })
}

/// Reads a header and returns it with its length; `None` when it is not whole.
pub(super) fn decode(input: &[u8], rules: Rules) -> Result<Option<(Header, usize)>, Violation> {
    let [first, second, rest @ ..] = input else {
        return Ok(None);
    };
    let opcode = Opcode::decode(first & OPCODE_BITS)?;
    let is_final = first & FIN != 0;
    let is_deflated = first & RSV1 != 0;
    let may_be_deflated = rules.has_deflate && matches!(opcode, Opcode::Text | Opcode::Binary);
    if first & (RSV2 | RSV3) != 0 || (is_deflated && !may_be_deflated) {
        return Err(Violation::ReservedBits);
    }
    let short_len = second & LEN_BITS;
    if opcode.is_control() && !is_final {
        return Err(Violation::FragmentedControl);
    }
    if opcode.is_control() && usize::from(short_len) > MAX_CONTROL_LEN {
        return Err(Violation::ControlTooLong);
    }
    let is_masked = second & MASK != 0;
    if is_masked != rules.is_masked {
        return Err(if is_masked {
            Violation::MaskedFrame
        } else {
            Violation::UnmaskedFrame
        });
    }
    let Some((payload_len, rest)) = decode_len(short_len, rest)? else {
        return Ok(None);
    };
    let (mask_key, rest) = if is_masked {
        let Some((key, rest)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        (Some(*key), rest)
    } else {
        (None, rest)
    };
    let header = Header {
        opcode,
        is_final,
        is_deflated,
        mask_key,
        payload_len,
    };
    Ok(Some((header, input.len() - rest.len())))
}

/// Reads what is behind the second byte of a length, which takes the fewest bytes that it can.
fn decode_len(short_len: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (len, least, rest) = match short_len {
        LEN_16 => match rest.split_first_chunk::<2>() {
            Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), u64::from(LEN_16), rest),
            None => return Ok(None),
        },
        LEN_64 => match rest.split_first_chunk::<8>() {
            Some((len, rest)) => (u64::from_be_bytes(*len), 1 << 16, rest),
            None => return Ok(None),
        },
        len => (u64::from(len), 0, rest),
    };
    if len < least || len > i64::MAX as u64 {
        return Err(Violation::PayloadLength);
    }
    Ok(Some((len, rest)))
}

/// Writes the header of a frame that is not fragmented.
#[inline(always)]
pub(super) fn encode_header(
    opcode: Opcode,
    form: Form,
    payload_len: usize,
    mask_key: Option<[u8; 4]>,
    output: &mut Vec<u8>,
) {
    let rsv = if form == Form::Deflated { RSV1 } else { 0 };
    let first = FIN | rsv | opcode.encode();
    let mask = if mask_key.is_some() { MASK } else { 0 };
    match payload_len {
        0..126 => output.extend_from_slice(&[first, mask | payload_len as u8]),
        126..0x1_0000 => {
            let [high, low] = (payload_len as u16).to_be_bytes();
            output.extend_from_slice(&[first, mask | LEN_16, high, low]);
        }
        _ => {
            output.extend_from_slice(&[first, mask | LEN_64]);
            output.extend_from_slice(&(payload_len as u64).to_be_bytes());
        }
    }
    if let Some(key) = mask_key {
        output.extend_from_slice(&key);
    }
}

/// Whether the payload of a message is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// As it is.
    Plain,
    /// By permessage-deflate.
    Deflated,
}

/// Writes a server's header of a message of one frame; the payload follows it.
///
/// So a large payload can be written from where it is, without a copy behind its header.
#[inline]
pub fn encode_head(kind: Kind, form: Form, payload_len: usize, output: &mut Vec<u8>) {
    encode_header(kind.into(), form, payload_len, None, output);
}

/// Writes a server's frame of a whole text message. It needs no connection, so one encoding can be
/// shared by any number of them.
///
/// The payload is UTF-8; peers end the connection over one that is not.
pub fn encode_text(payload: &[u8], output: &mut Vec<u8>) {
    encode_whole(Kind::Text, payload, output);
}

/// Writes a server's frame of a whole binary message, as [`encode_text`].
pub fn encode_binary(payload: &[u8], output: &mut Vec<u8>) {
    encode_whole(Kind::Binary, payload, output);
}

fn encode_whole(kind: Kind, payload: &[u8], output: &mut Vec<u8>) {
    output.reserve(MAX_HEADER_LEN + payload.len());
    encode_head(kind, Form::Plain, payload.len(), output);
    output.extend_from_slice(payload);
}

/// The longest payload of a control frame (RFC 6455 §5.5).
pub(super) const MAX_CONTROL_LEN: usize = 125;

/// Two bytes, eight of length, four of the mask's key.
const MAX_HEADER_LEN: usize = 14;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;
const OPCODE_BITS: u8 = 0x0f;
const MASK: u8 = 0x80;
const LEN_BITS: u8 = 0x7f;
/// The length is in the next two bytes.
const LEN_16: u8 = 126;
/// The length is in the next eight bytes.
const LEN_64: u8 = 127;
