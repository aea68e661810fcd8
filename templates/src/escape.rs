//! What `{{name}}` does to text.

use crate::render::push;

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
            Self::Html => push_html(text, &mut escaped),
            Self::Strict => append_strict(text, &mut escaped),
            Self::None => escaped.push_str(text),
            Self::Custom(append) => append(text, &mut escaped),
        }
        escaped
    }
}

/// Appends text, escaped for HTML.
#[inline(always)]
pub(crate) fn push_html(text: &str, output: &mut String) {
    let mut rest = text;
    // Most text is short and has nothing to escape.
    if !is_clean_and_short(text.as_bytes()) {
        while let Some(at) = first_special(rest.as_bytes()) {
            push(&rest[..at], output);
            push_entity(rest.as_bytes()[at], output);
            rest = &rest[at + 1..];
        }
    }
    push(rest, output);
}

/// Tells whether text is less than a block, and there is nothing to escape.
#[inline(always)]
fn is_clean_and_short(text: &[u8]) -> bool {
    if text.len() >= BLOCK {
        false
    } else if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        // Without a branch between them they share what they are compared with.
        is_clean(u64::from_le_bytes(*first)) & is_clean(u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        let (low, high) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        is_clean(u64::from(low) | u64::from(high) << 32)
    } else {
        !text.iter().any(|&byte| is_special(byte))
    }
}

/// Finds the first character that is to be escaped.
#[inline(never)]
fn first_special(text: &[u8]) -> Option<usize> {
    let n_clean_blocks = text
        .chunks_exact(BLOCK)
        .take_while(|block| is_clean_block(block))
        .count();
    let begin = n_clean_blocks * BLOCK;
    let is_tail = text.len() - begin < BLOCK;
    if is_tail
        && text
            .last_chunk::<BLOCK>()
            .is_some_and(|last| is_clean_block(last))
    {
        return None;
    }
    let at = text[begin..].iter().position(|&byte| is_special(byte))?;
    Some(begin + at)
}

/// Tells whether none of eight bytes is to be escaped, nor `#`.
///
/// Those that differ in few bits are looked for together; a byte that is found is 0, and only
/// then can the subtraction borrow from its highest bit.
#[inline]
fn is_clean(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let of = |byte: u8| ONES * u64::from(byte);
    let found =
        zeros((word | of(b'"' ^ b'\'')) ^ of(b'\'')) | zeros((word | of(b'<' ^ b'>')) ^ of(b'>'));
    found & (ONES << 7) == 0
}

/// How many bytes are looked at in one comparison.
const BLOCK: usize = 16;

/// Tells whether there is nothing to escape.
///
/// Without an early end, and without `is_special`'s branches, the compiler compares all bytes at
/// once.
#[inline(always)]
fn is_clean_block(block: &[u8]) -> bool {
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

/// Appends what stands for a special character. Each is copied by a length that is known.
#[inline(always)]
fn push_entity(special: u8, output: &mut String) {
    match special {
        b'&' => push("&amp;", output),
        b'<' => push("&lt;", output),
        b'>' => push("&gt;", output),
        b'"' => push("&quot;", output),
        _ => push("&#39;", output),
    }
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
