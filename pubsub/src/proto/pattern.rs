//! Patterns of channel names, as Redis has them.
//!
//! `*` is any text, `?` any character, `[a-z]` one of a set, `[^a-z]` one that is not in it, and
//! `\` takes the next character as it is.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::name::checked;
use crate::error::NameError;

/// A pattern that is taken apart once; clones share it.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    parts: Arc<[Part]>,
}

#[derive(Debug)]
enum Part {
    /// `*`
    Any,
    /// `?`
    One,
    Char(char),
    Set {
        ranges: Box<[(char, char)]>,
        is_negated: bool,
    },
}

impl Pattern {
    /// Takes a pattern apart.
    ///
    /// # Errors
    ///
    /// It is empty, too long, or something in it is not closed.
    pub fn new(pattern: &str) -> Result<Self, NameError> {
        let text = checked(pattern)?;
        let mut chars = pattern.chars();
        let mut parts = Vec::new();
        while let Some(c) = chars.next() {
            parts.push(match c {
                // Several in a row say no more than one.
                '*' if matches!(parts.last(), Some(Part::Any)) => continue,
                '*' => Part::Any,
                '?' => Part::One,
                '[' => read_set(&mut chars)?,
                '\\' => Part::Char(chars.next().ok_or(NameError::OpenEscape)?),
                c => Part::Char(c),
            });
        }
        let parts = parts.into();
        Ok(Self { text, parts })
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether a whole name matches, in time that is at most the product of both lengths.
    pub fn matches(&self, name: &str) -> bool {
        let mut at = 0;
        let mut rest = name.chars();
        // Behind the last `*`, and what was left of the name there. It is enough to go back to the
        // last one: what was before it has matched, and it takes any text itself.
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            if let Some(Part::Any) = self.parts.get(at) {
                at += 1;
                retry = Some((at, rest.clone()));
                continue;
            }
            let mut next = rest.clone();
            let is_match = match (self.parts.get(at), next.next()) {
                (None, None) => return true,
                (Some(part), Some(c)) => part.matches(c),
                (Some(_), None) => return false,
                (None, Some(_)) => false,
            };
            if is_match {
                at += 1;
                rest = next;
                continue;
            }
            let Some((behind, skipped)) = &mut retry else {
                return false;
            };
            if skipped.next().is_none() {
                return false;
            }
            at = *behind;
            rest = skipped.clone();
        }
    }
}

impl Part {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Char(own) => *own == c,
            Self::Set { ranges, is_negated } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *is_negated
            }
        }
    }
}

/// Reads a set, behind its bracket.
fn read_set(chars: &mut std::str::Chars<'_>) -> Result<Part, NameError> {
    let is_negated = chars.as_str().starts_with('^');
    if is_negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    loop {
        let from = match chars.next().ok_or(NameError::OpenSet)? {
            ']' => break,
            '\\' => {
                let c = chars.next().ok_or(NameError::OpenSet)?;
                // Redis takes no range from it: a hyphen that follows is one.
                ranges.push((c, c));
                continue;
            }
            c => c,
        };
        let mut ahead = chars.clone();
        let to = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) => {
                *chars = ahead;
                to
            }
            _ => from,
        };
        // Redis takes the ends in either order.
        ranges.push((from.min(to), from.max(to)));
    }
    let ranges = ranges.into();
    Ok(Part::Set { ranges, is_negated })
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
