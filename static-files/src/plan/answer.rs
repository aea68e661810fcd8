//! The decision for a representation that exists: all of it, a part, or none.

use std::ops::Range;

use http::header::RANGE;
use http::{HeaderMap, Method};
use httpdate::HttpDate;

use super::condition::if_range_holds;
use super::{Precondition, Ranges};

/// What the plan has to know of a representation that would be sent.
#[derive(Clone, Copy, Debug)]
pub struct Representation<'a> {
    /// Its length in bytes.
    pub len: u64,
    /// Its strong entity tag, with the quotes.
    pub etag: &'a [u8],
    /// When it was last modified, where that is known.
    pub last_modified: Option<HttpDate>,
    /// Whether no second version can have the same date: it was at least a second old when it
    /// was read.
    pub is_date_strong: bool,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with all bytes.
    Whole,
    /// 206 with one range.
    Part(Range<u64>),
    /// 206 with several ranges, each in its part of a multipart body.
    Parts(Vec<Range<u64>>),
    /// 304 without a body.
    NotModified,
    /// 412.
    PreconditionFailed,
    /// 416, with the length in Content-Range.
    Unsatisfiable,
}

impl Answer {
    /// Plans the answer to a GET or HEAD.
    ///
    /// # Spec
    ///
    /// RFC 9110 §13.2.2 for the order; §14.2: Range is defined for GET alone, and several lines
    /// of it are none.
    pub fn plan(
        method: &Method,
        headers: &HeaderMap,
        representation: &Representation<'_>,
        max_ranges: usize,
    ) -> Self {
        if !is_conditional(headers) {
            return Self::Whole;
        }
        match Precondition::evaluate(headers, representation) {
            Precondition::NotModified => return Self::NotModified,
            Precondition::Failed => return Self::PreconditionFailed,
            Precondition::Holds => {}
        }
        let mut lines = headers.get_all(RANGE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Self::Whole;
        };
        if method != Method::GET || !if_range_holds(headers, representation) {
            return Self::Whole;
        }
        match Ranges::parse(line.as_bytes(), representation.len, max_ranges) {
            Ranges::Ignored => Self::Whole,
            Ranges::Unsatisfiable => Self::Unsatisfiable,
            Ranges::Satisfiable(mut ranges) => match (ranges.pop(), ranges.is_empty()) {
                (Some(range), true) => Self::Part(range),
                (Some(range), false) => {
                    ranges.push(range);
                    Self::Parts(ranges)
                }
                (None, _) => Self::Whole,
            },
        }
    }
}

/// Tells whether any header may change the answer. One walk over the names is cheaper than six
/// look-ups, and most requests have none of them.
fn is_conditional(headers: &HeaderMap) -> bool {
    let mut names = headers.keys();
    names.any(|name| is_condition_or_range(name.as_str().as_bytes()))
}

/// Tells whether a field of this name, in whichever case it is spelled, may ask for less than all
/// of a file.
pub fn is_condition_or_range(name: &[u8]) -> bool {
    match name {
        [b'i' | b'I', b'f' | b'F', b'-', ..] => true,
        [b'r' | b'R', rest @ ..] => rest.eq_ignore_ascii_case(b"ange"),
        _ => false,
    }
}
