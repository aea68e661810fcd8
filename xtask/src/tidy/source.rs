//! A Rust file as the rules see it: its text, its bare code, and which lines are tests.

use std::ops::Range;

/// A Rust source file.
pub(super) struct Source {
    /// Relative to the root.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments and literals blanked, line for line and byte for byte.
    pub(super) code: String,
    /// The parts of `code` that are tests, as byte ranges.
    tests: Vec<Range<usize>>,
}

impl Source {
    pub(super) fn new(path: &str, text: String) -> Self {
        let code = blank_literals(&text);
        let is_test_file = path
            .split('/')
            .any(|part| part == "tests" || part == "benches")
            || path.ends_with("/tests.rs");
        let tests = if is_test_file {
            std::iter::once(0..code.len()).collect()
        } else {
            test_items(&code)
        };
        Self {
            path: path.to_owned(),
            text,
            code,
            tests,
        }
    }

    /// Tells whether the byte at `offset` belongs to tests.
    pub(super) fn is_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&offset))
    }

    /// Returns the line of a byte, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    /// Returns the file's count of lines without those of tests.
    pub(super) fn n_lines_without_tests(&self) -> usize {
        let n_test_lines: usize = self
            .tests
            .iter()
            .map(|range| self.code[range.clone()].matches('\n').count() + 1)
            .sum();
        self.text.lines().count().saturating_sub(n_test_lines)
    }

    /// Returns where each function's body begins and ends, from its `fn` to its last brace.
    pub(super) fn functions(&self) -> Vec<Range<usize>> {
        words(&self.code, "fn")
            .filter(|&at| {
                // `fn(` is a type.
                let behind = self.code[at + 2..].trim_start();
                behind.starts_with(|c: char| c.is_alphabetic() || c == '_')
            })
            .filter_map(|at| item_end(&self.code, at).map(|end| at..end))
            .filter(|range| self.code[range.clone()].ends_with('}'))
            .collect()
    }
}

/// Returns where `word` stands by itself in `code`.
pub(super) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).filter_map(move |(at, _)| {
        let before = code[..at].chars().next_back();
        let behind = code[at + word.len()..].chars().next();
        (!before.is_some_and(is_word) && !behind.is_some_and(is_word)).then_some(at)
    })
}

/// Returns the ranges of items under `#[cfg(test)]`, from the attribute to the item's end.
fn test_items(code: &str) -> Vec<Range<usize>> {
    code.match_indices("#[cfg(test)]")
        .filter_map(|(at, attribute)| {
            let end = item_end(code, at + attribute.len())?;
            Some(at..end)
        })
        .collect()
}

/// Returns the end of the item that begins at `at`: behind its block's brace, or its semicolon.
fn item_end(code: &str, at: usize) -> Option<usize> {
    let mut n_open = 0_usize;
    let mut n_braces = 0_usize;
    for (i, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => n_open += 1,
            b')' | b']' => n_open = n_open.saturating_sub(1),
            b'{' => n_braces += 1,
            b'}' => {
                n_braces = n_braces.saturating_sub(1);
                if n_braces == 0 && n_open == 0 {
                    return Some(i + 1);
                }
            }
            b';' if n_braces == 0 && n_open == 0 => return Some(i + 1),
            _ => {}
        }
    }
    None
}

/// Blanks comments, strings and characters, keeping every line's length.
fn blank_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let Some(end) = literal_end(text, at) else {
            at += 1;
            continue;
        };
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Literals begin and end at ASCII bytes, so no character was cut.
    String::from_utf8(code).expect("whole characters were blanked")
}

/// Returns the end of the comment or literal that begins at `at`, if one does.
fn literal_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return Some(at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len()));
    }
    if rest.starts_with(b"/*") {
        return Some(block_comment_end(bytes, at));
    }
    match rest[0] {
        b'"' => Some(quoted_end(bytes, at + 1, b'"')),
        b'\'' => char_end(text, at),
        b'r' if at == 0 || !is_word(bytes[at - 1]) || is_byte_prefix(bytes, at) => {
            raw_string_end(text, at)
        }
        _ => None,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Tells whether the `r` at `at` follows the `b` or `c` of `br"…"`.
fn is_byte_prefix(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at - 1], b'b' | b'c') && (at == 1 || !is_word(bytes[at - 2]))
}

fn block_comment_end(bytes: &[u8], begin: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = begin;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn quoted_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Returns the end of a character literal; `None` for a lifetime.
fn char_end(text: &str, at: usize) -> Option<usize> {
    let mut chars = text[at + 1..].char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        return Some(quoted_end(text.as_bytes(), at + 1, b'\''));
    }
    let (behind, next) = chars.next()?;
    (next == '\'').then_some(at + 1 + behind + 1)
}

fn raw_string_end(text: &str, at: usize) -> Option<usize> {
    let n_hashes = text[at + 1..].bytes().take_while(|&b| b == b'#').count();
    let begin = at + 1 + n_hashes;
    if text.as_bytes().get(begin) != Some(&b'"') {
        return None;
    }
    let closing = format!("\"{}", "#".repeat(n_hashes));
    let length = text[begin + 1..].find(&closing)?;
    Some(begin + 1 + length + closing.len())
}
