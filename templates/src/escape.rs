//! What `{{name}}` does to text.

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
    /// Appends text to `output`, escaped.
    pub fn append(self, text: &str, output: &mut String) {
        match self {
            Self::Html => append_html(text, output),
            Self::Strict => append_strict(text, output),
            Self::None => output.push_str(text),
            Self::Custom(append) => append(text, output),
        }
    }
}

/// Copies what is clean in runs, since most text has nothing to escape.
pub(crate) fn append_html(text: &str, output: &mut String) {
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    let mut at = clean_until(bytes, 0);
    while at < bytes.len() {
        output.push_str(&text[clean_from..at]);
        output.push_str(entity(bytes[at]));
        clean_from = at + 1;
        at = clean_until(bytes, clean_from);
    }
    output.push_str(&text[clean_from..]);
}

/// How many bytes are looked at in one comparison.
const BLOCK: usize = 16;

/// Returns the place of the next byte to escape, or the end.
fn clean_until(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(block) = bytes.get(at..at + BLOCK) {
        // Without an early end the compiler compares all of them at once.
        if block
            .iter()
            .fold(false, |any, &byte| any | is_special(byte))
        {
            break;
        }
        at += BLOCK;
    }
    let rest = &bytes[at..];
    at + rest
        .iter()
        .position(|&byte| SPECIAL[usize::from(byte)])
        .unwrap_or(rest.len())
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')
}

const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_special(byte as u8);
        byte += 1;
    }
    table
};

fn entity(byte: u8) -> &'static str {
    match byte {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        _ => "&#39;",
    }
}

fn append_strict(text: &str, output: &mut String) {
    for c in text.chars() {
        match c {
            '{' | '}' | '~' => output.push(c),
            '&' => output.push_str("&amp;"),
            '<' => output.push_str("&lt;"),
            '>' => output.push_str("&gt;"),
            '"' => output.push_str("&quot;"),
            '\'' => output.push_str("&apos;"),
            _ if c.is_ascii_alphanumeric() => output.push(c),
            _ => {
                output.push_str("&#");
                output.push_str(itoa::Buffer::new().format(u32::from(c)));
                output.push(';');
            }
        }
    }
}
