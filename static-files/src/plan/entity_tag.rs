//! Entity tags and lists of them.

/// How two entity tags are compared.
///
/// # Spec
///
/// RFC 9110 §8.8.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Both are strong and the same.
    Strong,
    /// They are the same but for weakness.
    Weak,
}

impl Comparison {
    /// Tells whether a list of tags, or `*`, holds `etag`, which is strong and quoted.
    ///
    /// A tag behind something that is no tag is not found.
    pub(super) fn holds(self, list: &[u8], etag: &[u8]) -> bool {
        if list.trim_ascii() == b"*" {
            return true;
        }
        let mut rest = list;
        loop {
            rest = skip_separators(rest);
            let Some((tag, tail)) = split_tag(rest) else {
                return false;
            };
            if self.are_equal(tag, etag) {
                return true;
            }
            rest = tail;
        }
    }

    /// Compares a tag as it was received with `etag`, which is strong and quoted.
    pub(super) fn are_equal(self, received: &[u8], etag: &[u8]) -> bool {
        match self {
            Self::Strong => received == etag,
            Self::Weak => received.strip_prefix(b"W/").unwrap_or(received) == etag,
        }
    }
}

fn skip_separators(list: &[u8]) -> &[u8] {
    let is_separator = |byte: &u8| matches!(byte, b',' | b' ' | b'\t');
    let start = list.iter().position(|byte| !is_separator(byte));
    &list[start.unwrap_or(list.len())..]
}

/// Splits one tag, with its `W/` and quotes, from the front. A comma inside quotes is part of it.
fn split_tag(list: &[u8]) -> Option<(&[u8], &[u8])> {
    let prefix = if list.starts_with(b"W/") { 2 } else { 0 };
    let opaque = list[prefix..].strip_prefix(b"\"")?;
    let end = opaque.iter().position(|&byte| byte == b'"')?;
    Some(list.split_at(prefix + end + 2))
}
