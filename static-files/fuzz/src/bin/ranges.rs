//! The Range field: the first byte chooses the length, the rest is the value.
//!
//! What is satisfiable lies inside, is neither empty nor overlapping, and covers what each range
//! that was asked for covers; the multipart body that frames it has the length it says.
#![no_main]

use std::ops::Range;

use astatine_static_files::plan::{Multipart, Ranges};
use libfuzzer_sys::fuzz_target;

const LENS: [u64; 8] = [0, 1, 10, 100, 1000, 1 << 20, u64::MAX - 1, u64::MAX];
const MAX_RANGES: usize = 16;

fuzz_target!(|data: &[u8]| {
    let Some((first, value)) = data.split_first() else {
        return;
    };
    let len = LENS[usize::from(*first) % LENS.len()];
    let asked = asked(value, len);
    match Ranges::parse(value, len, MAX_RANGES) {
        Ranges::Ignored => {
            // By another reader: malformed, too many, or nothing of nothing.
            assert!(asked.is_none_or(|ranges| {
                ranges.is_empty() || ranges.len() > MAX_RANGES || len == 0
            }));
        }
        Ranges::Unsatisfiable => {
            let asked = asked.expect("it is well-formed");
            assert!(asked.iter().all(|range| range.start >= range.end));
        }
        Ranges::Satisfiable(ranges) => {
            let asked = asked.expect("it is well-formed");
            check(&asked, &ranges, len);
            check_multipart(&ranges, len);
        }
    }
});

fn check(asked: &[Range<u64>], ranges: &[Range<u64>], len: u64) {
    assert!(!ranges.is_empty() && ranges.len() <= asked.len().min(MAX_RANGES));
    assert!(ranges.iter().all(|r| r.start < r.end && r.end <= len));
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|range| range.start);
    assert!(sorted.windows(2).all(|pair| pair[0].end <= pair[1].start));
    for range in asked.iter().filter(|range| range.start < range.end) {
        let is_covered = |r: &Range<u64>| r.start <= range.start && range.end <= r.end;
        assert!(ranges.iter().any(is_covered));
    }
    let borders = || asked.iter().flat_map(|range| [range.start, range.end]);
    for range in ranges {
        assert!(borders().any(|at| at == range.start) && borders().any(|at| at == range.end));
    }
}

fn check_multipart(ranges: &[Range<u64>], len: u64) {
    let n_bytes: u128 = ranges.iter().map(|r| u128::from(r.end - r.start)).sum();
    if n_bytes > 1 << 62 {
        return;
    }
    let body = Multipart::new("boundary", b"text/plain", ranges, len);
    let n_framing: usize = body.heads.iter().map(Vec::len).sum::<usize>() + body.end.len();
    assert_eq!(u128::from(body.len), n_bytes + n_framing as u128);
}

/// Reads `bytes=` and the list behind it, in 128 bits; `None` where it is malformed.
fn asked(value: &[u8], len: u64) -> Option<Vec<Range<u64>>> {
    let value = std::str::from_utf8(value).ok()?;
    let unit = value.get(..6)?;
    if !unit.eq_ignore_ascii_case("bytes=") {
        return None;
    }
    let is_space = |c: char| c.is_ascii_whitespace();
    let elements = value[6..]
        .split(',')
        .map(|element| element.trim_matches(is_space));
    elements
        .filter(|element| !element.is_empty())
        .map(|element| {
            let (first, last) = element.split_once('-')?;
            let number = |digits: &str| {
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                // Beyond 64 bits, everything is the same.
                let digits = digits.trim_start_matches('0');
                Some(digits[..digits.len().min(30)].parse::<u128>().unwrap_or(0))
            };
            let end = u128::from(len);
            let (start, stop) = match (first, last) {
                ("", last) => (end.saturating_sub(number(last)?), end),
                (first, "") => (number(first)?, end),
                (first, last) => {
                    let (first, last) = (number(first)?, number(last)?);
                    if capped(first) > capped(last) {
                        return None;
                    }
                    (first, last + 1)
                }
            };
            let within = |at: u128| u64::try_from(at).unwrap_or(len).min(len);
            Some(within(start)..within(stop))
        })
        .collect()
}

fn capped(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
