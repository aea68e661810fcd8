//! The Range header.

use std::ops::Range;

/// What a Range header asks of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// Nothing that can be answered by a part: the whole is sent.
    Ignored,
    /// Valid, but no range overlaps the representation: 416.
    Unsatisfiable,
    /// At least one range, none empty, none overlapping an other.
    ///
    /// They stand in the order asked for; when some had to be joined, in ascending order.
    Satisfiable(Vec<Range<u64>>),
}

impl Ranges {
    /// Parses the header's value for a representation of `len` bytes.
    ///
    /// An other unit, a syntax error, and more than `max_ranges` ranges are ignored. Ranges that
    /// overlap or touch are joined.
    ///
    /// # Spec
    ///
    /// RFC 9110 §14.1.2, §14.2, §15.3.7.2, and §17.15 on the cost of many ranges.
    pub fn parse(value: &[u8], len: u64, max_ranges: usize) -> Self {
        let Some(list) = after_unit(value) else {
            return Self::Ignored;
        };
        let mut satisfiable = Vec::new();
        let mut n_ranges = 0;
        for element in list.split(|&byte| byte == b',') {
            let element = element.trim_ascii();
            if element.is_empty() {
                continue;
            }
            n_ranges += 1;
            let Some(range) = resolve(element, len) else {
                return Self::Ignored;
            };
            if n_ranges > max_ranges {
                return Self::Ignored;
            }
            if range.start < range.end {
                satisfiable.push(range);
            } else if len == 0 && element.starts_with(b"-") && !is_zero_suffix(element) {
                // It is satisfiable, but Content-Range cannot say "no bytes of none".
                return Self::Ignored;
            }
        }
        if n_ranges == 0 {
            Self::Ignored
        } else if satisfiable.is_empty() {
            Self::Unsatisfiable
        } else {
            Self::Satisfiable(join(satisfiable))
        }
    }
}

fn after_unit(value: &[u8]) -> Option<&[u8]> {
    let (unit, list) = value.split_at_checked("bytes=".len())?;
    unit.eq_ignore_ascii_case(b"bytes=").then_some(list)
}

/// Resolves one range-spec; empty when it is valid but satisfies nothing, `None` when invalid.
fn resolve(spec: &[u8], len: u64) -> Option<Range<u64>> {
    let dash = spec.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(len.saturating_sub(suffix)..len);
    }
    let start = number(first)?;
    if last.is_empty() {
        return Some(start.min(len)..len);
    }
    let last = number(last)?;
    (start <= last).then(|| start.min(len)..last.saturating_add(1).min(len))
}

/// Parses digits; a number beyond 64 bits is as good as the largest.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = char::from(byte).to_digit(10)?;
        Some(value.saturating_mul(10).saturating_add(u64::from(digit)))
    })
}

fn is_zero_suffix(spec: &[u8]) -> bool {
    spec[1..].iter().all(|&byte| byte == b'0')
}

fn join(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut sorted = ranges.clone();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    if joined.len() == ranges.len() {
        ranges
    } else {
        joined
    }
}
