//! Patterns that pick files by their path below the root.

use std::fmt;

/// A pattern over paths: `*` matches within a segment, `**` across segments, `?` one byte.
///
/// A pattern without a slash is compared with the file's name alone, so `*.css` finds every
/// style sheet. Matching takes time in proportion to the pattern times the path, whatever they
/// hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    pattern: Box<str>,
}

impl Glob {
    /// Takes a pattern. A leading slash says that it starts at the root, and nothing else.
    pub fn new(pattern: &str) -> Self {
        Self {
            pattern: pattern.into(),
        }
    }

    /// Tells whether the pattern matches a path below the root, given without a leading slash.
    pub fn matches(&self, path: &[u8]) -> bool {
        let pattern = self.pattern.as_bytes();
        if let Some(anchored) = pattern.strip_prefix(b"/") {
            return matches(anchored, path);
        }
        if pattern.contains(&b'/') || pattern == b"**" {
            return matches(pattern, path);
        }
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        matches(pattern, name)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

/// Keeps the set of positions in the path that the pattern read so far can have come to.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    let mut rest = pattern;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'*' {
            let crosses = rest.first() == Some(&b'*');
            if crosses {
                rest = &rest[1..];
                // `a/**/b` matches `a/b` too: the slash behind the stars may match nothing.
                if rest.first() == Some(&b'/') && may_skip_slash(pattern, rest) {
                    rest = &rest[1..];
                    spread_to_segments(&mut reached, path);
                    continue;
                }
            }
            for at in 0..path.len() {
                if reached[at] && (crosses || path[at] != b'/') {
                    reached[at + 1] = true;
                }
            }
            continue;
        }
        for at in (0..path.len()).rev() {
            let is_step = match byte {
                b'?' => path[at] != b'/',
                _ => path[at] == byte,
            };
            reached[at + 1] = reached[at] && is_step;
        }
        reached[0] = false;
    }
    reached[path.len()]
}

/// Tells whether the two stars before `rest` make up a whole segment of the pattern.
fn may_skip_slash(pattern: &[u8], rest: &[u8]) -> bool {
    let stars = pattern.len() - rest.len() - 2;
    stars == 0 || pattern[stars - 1] == b'/'
}

/// Goes from each reached position on to every later start of a segment.
fn spread_to_segments(reached: &mut [bool], path: &[u8]) {
    let mut is_any_before = false;
    for at in 0..=path.len() {
        let is_start = at == 0 || path[at - 1] == b'/';
        let was_reached = reached[at];
        reached[at] = was_reached || (is_any_before && is_start);
        is_any_before |= was_reached;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_documented() {
        let cases = [
            ("*.css", "style.css", true),
            ("*.css", "deep/er/style.css", true),
            ("*.css", "style.css.map", false),
            ("/*.css", "style.css", true),
            ("/*.css", "deep/style.css", false),
            ("assets/*", "assets/a.js", true),
            ("assets/*", "assets/x/a.js", false),
            ("assets/**", "assets/x/a.js", true),
            ("assets/**/a.js", "assets/a.js", true),
            ("assets/**/a.js", "assets/x/y/a.js", true),
            ("assets/**/a.js", "assets/x/ya.js", false),
            ("**/a.js", "a.js", true),
            ("**", "x/y", true),
            ("?.js", "a.js", true),
            ("?.js", "ab.js", false),
            ("a?b/c", "a/b/c", false),
            ("", "", true),
            ("*", "", true),
            ("a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false),
        ];
        for (pattern, path, expected) in cases {
            let is_match = Glob::new(pattern).matches(path.as_bytes());
            assert_eq!(is_match, expected, "{pattern} on {path}");
        }
    }
}
