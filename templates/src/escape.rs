//! What `{{name}}` does to text.

use crate::render::{put, room, write};

/// Chooses how a value is made safe for the place where it is shown.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Escape {
    /// Escapes `&`, `<`, `>`, `"` and `'`, for text and quoted attributes of HTML.
    Html,
    /// Escapes whatever is not an ASCII letter, a digit, `{`, `}` or `~`, so that even an
    /// attribute without quotes is safe.
    Strict,
    /// Leaves text as it is, for anything but HTML.
    None,
    /// Appends the escaped text to the output by a function of yours.
    Custom(fn(&str, &mut String)),
}

impl Escape {
    /// Returns text, escaped.
    pub(crate) fn escaped(self, text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        match self {
            Self::Html => {
                let mut bytes = Vec::new();
                let end = write_html(text.as_bytes(), &mut bytes, 0);
                bytes.truncate(end);
                return String::from_utf8(bytes).expect("text with entities is text");
            }
            Self::Strict => append_strict(text, &mut escaped),
            Self::None => escaped.push_str(text),
            Self::Custom(append) => append(text, &mut escaped),
        }
        escaped
    }
}

/// Writes text, escaped for HTML; returns its end.
#[inline(always)]
pub(crate) fn write_html(text: &[u8], bytes: &mut Vec<u8>, at: usize) -> usize {
    // Most text is short, and pays for nothing that long text needs.
    if text.len() < BLOCK {
        write_tail(text, bytes, at)
    } else {
        write_blocks(text, bytes, at)
    }
}

/// Writes text block by block. Most have nothing to escape and are copied whole.
#[inline(never)]
fn write_blocks(text: &[u8], bytes: &mut Vec<u8>, mut at: usize) -> usize {
    let mut rest = text;
    while let Some(block) = rest.first_chunk::<BLOCK>() {
        put(block, bytes, at);
        if is_clean_block(block) {
            at += BLOCK;
            rest = &rest[BLOCK..];
        } else {
            let n_clean = n_clean(block);
            at = write_entity(block[n_clean], bytes, at + n_clean);
            rest = &rest[n_clean + 1..];
        }
    }
    write_tail(rest, bytes, at)
}

/// Writes less than a block. It is copied before it is looked at: most has nothing to escape.
#[inline(always)]
fn write_tail(text: &[u8], bytes: &mut Vec<u8>, at: usize) -> usize {
    let is_clean = match room(bytes, at) {
        Some(room) => copy_tail(text, room),
        None => false,
    };
    if is_clean {
        at + text.len()
    } else {
        write_dirty(text, bytes, at)
    }
}

/// Copies less than a block, in parts that may overlap; tells whether there is nothing to escape.
#[inline(always)]
fn copy_tail(text: &[u8], room: &mut [u8; BLOCK]) -> bool {
    // It is looked at as numbers: where they are put together the processor would wait for both.
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        room[..8].copy_from_slice(first);
        room[text.len() % 8..][..8].copy_from_slice(last);
        let (low, high) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        specials(low) | specials(high) == 0
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        room[..4].copy_from_slice(first);
        room[text.len() % 4..][..4].copy_from_slice(last);
        let (low, high) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        specials(u64::from(low) | u64::from(high) << 32) == 0
    } else {
        let mut is_clean = true;
        for (to, &byte) in room.iter_mut().zip(text) {
            *to = byte;
            is_clean &= !is_special(byte);
        }
        is_clean
    }
}

/// Writes less than a block that may have something to escape, or no room.
#[inline(never)]
fn write_dirty(mut text: &[u8], bytes: &mut Vec<u8>, mut at: usize) -> usize {
    loop {
        let special = text.iter().position(|&byte| is_special(byte));
        let (clean, rest) = text.split_at(special.unwrap_or(text.len()));
        at = write(clean, bytes, at);
        let Some((&special, rest)) = rest.split_first() else {
            return at;
        };
        at = write_entity(special, bytes, at);
        text = rest;
    }
}

/// Returns 0 if none of eight bytes is to be escaped; else the lowest bit that is set is the
/// highest of the first that is.
///
/// Pairs that differ in one bit are looked for together; a byte that is found is 0, and only
/// then can the subtraction borrow from its highest bit.
#[inline]
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let of = |byte: u8| ONES * u64::from(byte);
    zeros((word | of(b'&' ^ b'\'')) ^ of(b'\''))
        | zeros((word | of(b'<' ^ b'>')) ^ of(b'>'))
        | zeros(word ^ of(b'"'))
}

fn write_entity(byte: u8, bytes: &mut Vec<u8>, at: usize) -> usize {
    let (entity, n_bytes) = match byte {
        b'&' => (b"&amp; ", 5),
        b'<' => (b"&lt;  ", 4),
        b'>' => (b"&gt;  ", 4),
        b'"' => (b"&quot;", 6),
        _ => (b"&#39; ", 5),
    };
    put(entity, bytes, at);
    at + n_bytes
}

/// Returns how many bytes of a block stand before the first to escape.
fn n_clean(block: &[u8; BLOCK]) -> usize {
    let [low, high] = [0, 8].map(|at| {
        let word = block[at..]
            .first_chunk::<8>()
            .map_or(0, |half| u64::from_le_bytes(*half));
        specials(word).trailing_zeros() as usize / 8
    });
    if low < 8 {
        low
    } else {
        (8 + high).min(BLOCK - 1)
    }
}

/// How many bytes are looked at in one comparison.
const BLOCK: usize = 16;

/// Tells whether there is nothing to escape.
///
/// Without an early end, and without `is_special`'s branches, the compiler compares all bytes at
/// once.
#[inline(always)]
fn is_clean_block(block: &[u8; BLOCK]) -> bool {
    let mut any = 0;
    for &byte in block {
        let least = ((byte | 1) ^ b'\'').min((byte | 2) ^ b'>').min(byte ^ b'"');
        any |= u8::from(least == 0);
    }
    any == 0
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')
}

fn append_strict(text: &str, output: &mut String) {
    for c in text.chars() {
        match c {
            '&' => output.push_str("&amp;"),
            '<' => output.push_str("&lt;"),
            '>' => output.push_str("&gt;"),
            '"' => output.push_str("&quot;"),
            '\'' => output.push_str("&apos;"),
            '{' | '}' | '~' => output.push(c),
            _ if c.is_ascii_alphanumeric() => output.push(c),
            _ => {
                output.push_str("&#");
                output.push_str(itoa::Buffer::new().format(u32::from(c)));
                output.push(';');
            }
        }
    }
}
