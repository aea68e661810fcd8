//! Names, patterns, cursors and histories, by tables.
#![expect(
    clippy::disallowed_methods,
    reason = "any instant will do; it is only reckoned with"
)]

use std::time::{Duration, Instant};

use super::cursor::Cursor;
use super::log::{Log, Retention};
use super::name::{Channel, MAX_NAME_BYTES};
use super::pattern::Pattern;
use crate::error::NameError;

#[test]
fn a_pattern_is_compared_with_the_whole_name() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("a", &["a"], &["", "b", "aa", "A"]),
        (
            "news.*",
            &["news.", "news.a", "news.a.b"],
            &["news", "new.a", "xnews.a"],
        ),
        ("*", &["", "a", "ab"], &[]),
        ("**", &["", "a"], &[]),
        ("*a*b*", &["ab", "xaxbx", "aab"], &["ba", "a", "b"]),
        ("*ab", &["ab", "aab", "abab"], &["aba"]),
        ("a*c", &["ac", "abc", "acc"], &["a", "acb"]),
        ("?", &["a", "é", "*"], &["", "ab"]),
        ("a?c", &["abc", "a?c"], &["ac", "abbc"]),
        ("[a-c]", &["a", "b", "c"], &["d", "-", "", "ab"]),
        ("[c-a]", &["a", "b", "c"], &["d"]),
        ("[^a-c]", &["d", "^"], &["a", "b", ""]),
        ("[abx-z]", &["a", "b", "y"], &["c", "-"]),
        ("[a^]", &["a", "^"], &["b"]),
        ("[\\]]", &["]"], &["\\", "a"]),
        ("[\\^a]", &["^", "a"], &["b"]),
        ("[a\\-z]", &["a", "-", "z"], &["b"]),
        ("[\\a-z]", &["a", "-", "z"], &["b", "\\"]),
        ("[\\^-b]", &["^", "-", "b"], &["a", "_"]),
        ("[]", &[], &["", "a", "]"]),
        ("[^]", &["a", "]"], &[""]),
        ("\\*", &["*"], &["a", "\\*"]),
        ("\\a\\?", &["a?"], &["aa"]),
        (
            "h[ae]llo*\\!",
            &["hello!", "hallo you!"],
            &["hillo!", "hello"],
        ),
    ];
    for (pattern, matching, other) in cases {
        let compiled = Pattern::new(pattern).unwrap();
        for name in *matching {
            assert!(compiled.matches(name), "{pattern} and {name}");
        }
        for name in *other {
            assert!(!compiled.matches(name), "{pattern} and {name}");
        }
        assert_eq!(compiled.as_str(), *pattern);
    }
}

#[test]
fn a_pattern_of_many_stars_does_not_take_ages() {
    let pattern = Pattern::new(&format!("{}b", "a*".repeat(120))).unwrap();
    let name = "a".repeat(MAX_NAME_BYTES);
    assert!(!pattern.matches(&name));
    assert!(pattern.matches(&format!("{name}b")));
}

#[test]
fn what_is_no_name_is_refused() {
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    for (text, error) in [("", NameError::Empty), (&long, NameError::TooLong(256))] {
        assert_eq!(Channel::new(text), Err(error));
        assert_eq!(Pattern::new(text), Err(error));
    }
    for (text, error) in [
        ("[a", NameError::OpenSet),
        ("[a-]", NameError::OpenSet),
        ("[\\", NameError::OpenSet),
        ("a\\", NameError::OpenEscape),
    ] {
        assert_eq!(Pattern::new(text), Err(error), "{text}");
        assert!(Channel::new(text).is_ok());
    }
    assert!(Channel::new(&long[1..]).is_ok());
}

#[test]
fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
    for (epoch, offset) in [(0, 0), (1, 2), (u64::MAX, u64::MAX)] {
        let cursor = Cursor { epoch, offset };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
    for text in [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "g-1",
        "1-a",
        "1-2-3",
        "+1-2",
        "1-+2",
        " 1-2",
        "10000000000000000-0",
        "0-18446744073709551616",
    ] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
    }
}

fn retention(max_messages: usize, max_bytes: usize, max_age: u64) -> Retention {
    Retention {
        max_messages,
        max_bytes,
        max_age: Duration::from_secs(max_age),
    }
}

/// A log of the epoch 7 with so many entries, of which each is its own offset.
fn log_of(n: u64, retention: Retention, now: Instant) -> Log<u64> {
    let mut log = Log::new(7, retention);
    for _ in 0..n {
        log.append(10, now, |cursor| cursor.offset);
    }
    log
}

#[test]
fn what_is_behind_a_place_is_told_and_what_is_forgotten_is_a_gap() {
    let log = log_of(5, retention(3, 1 << 20, 60), Instant::now());
    let at = |epoch, offset| Some(Cursor { epoch, offset });
    type Case = (Option<Cursor>, usize, &'static [u64], bool, u64);
    let cases: &[Case] = &[
        (None, 9, &[3, 4, 5], false, 5),
        (None, 2, &[3, 4], false, 4),
        (at(7, 0), 9, &[3, 4, 5], true, 5),
        (at(7, 1), 9, &[3, 4, 5], true, 5),
        (at(7, 2), 9, &[3, 4, 5], false, 5),
        (at(7, 2), 1, &[3], false, 3),
        (at(7, 2), 0, &[], false, 2),
        (at(7, 4), 9, &[5], false, 5),
        (at(7, 5), 9, &[], false, 5),
        (at(7, 6), 9, &[3, 4, 5], true, 5),
        (at(6, 5), 9, &[3, 4, 5], true, 5),
        (at(u64::MAX, u64::MAX), 1, &[3], true, 3),
    ];
    for (after, max, entries, has_gap, end) in cases {
        let replay = log.since(*after, *max);
        assert_eq!(replay.entries, *entries, "{after:?}");
        assert_eq!(replay.has_gap, *has_gap, "{after:?}");
        assert_eq!(Some(replay.cursor), at(7, *end), "{after:?}");
        let begin = end - entries.len() as u64;
        assert_eq!(Some(replay.begin()), at(7, begin), "{after:?}");
    }
}

#[test]
fn a_history_is_bounded_by_count_bytes_and_age() {
    let now = Instant::now();
    let count = |log: &Log<u64>| log.since(None, usize::MAX).entries.len();
    assert_eq!(count(&log_of(9, retention(4, 1 << 20, 60), now)), 4);
    let one = log_of(1, retention(4, 1 << 20, 60), now).n_bytes();
    let bounded = log_of(9, retention(9, 3 * one, 60), now);
    assert_eq!((count(&bounded), bounded.n_bytes()), (3, 3 * one));
    assert_eq!(count(&log_of(9, retention(0, 1 << 20, 60), now)), 0);
    let mut log = log_of(2, retention(9, 1 << 20, 60), now);
    log.append(1, now + Duration::from_secs(30), |cursor| cursor.offset);
    log.trim(now + Duration::from_secs(59));
    assert_eq!(count(&log), 3);
    log.trim(now + Duration::from_secs(60));
    assert_eq!(log.since(None, 9).entries, [3]);
    log.trim(now + Duration::from_secs(90));
    assert_eq!((count(&log), log.n_bytes()), (0, 0));
    assert_eq!(log.cursor().offset, 3);
    assert!(!log.since(Some(log.cursor()), 9).has_gap);
}
