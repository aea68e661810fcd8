//! Preconditions, evaluated in the order that the standard prescribes.

use http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
use http::{HeaderMap, HeaderValue};
use httpdate::HttpDate;

use super::Representation;
use super::entity_tag::Comparison;

/// What the preconditions of a GET or HEAD demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Answer as if there were none.
    Holds,
    /// The client has this representation already: 304.
    NotModified,
    /// The client expected an other representation: 412.
    Failed,
}

impl Precondition {
    /// Evaluates the preconditions of a GET or HEAD.
    ///
    /// # Spec
    ///
    /// RFC 9110 §13.2.2: If-Match, else If-Unmodified-Since; then If-None-Match, else
    /// If-Modified-Since. If-Range comes last and belongs to the range. A date that cannot be
    /// read, or is one of several, is ignored (§13.1.3, §13.1.4).
    pub fn evaluate(headers: &HeaderMap, representation: &Representation<'_>) -> Self {
        if let Some(is_match) = matches(headers, &IF_MATCH, Comparison::Strong, representation) {
            if !is_match {
                return Self::Failed;
            }
        } else if is_later_than(headers, &IF_UNMODIFIED_SINCE, representation) == Some(true) {
            return Self::Failed;
        }
        if let Some(is_match) = matches(headers, &IF_NONE_MATCH, Comparison::Weak, representation) {
            if is_match {
                return Self::NotModified;
            }
        } else if is_later_than(headers, &IF_MODIFIED_SINCE, representation) == Some(false) {
            return Self::NotModified;
        }
        Self::Holds
    }
}

/// Tells whether If-Range lets a range be answered: it is absent, or names this representation,
/// and no other, by a strong validator.
///
/// # Spec
///
/// RFC 9110 §13.1.5; a date must be the very same and strong (§8.8.2.2).
pub(super) fn if_range_holds(headers: &HeaderMap, representation: &Representation<'_>) -> bool {
    if !headers.contains_key(IF_RANGE) {
        return true;
    }
    let Some(value) = only_line(headers, &IF_RANGE) else {
        return false;
    };
    if value.as_bytes().ends_with(b"\"") {
        return Comparison::Strong.are_equal(value.as_bytes(), representation.etag);
    }
    let date = date(value);
    date.is_some() && date == representation.last_modified && representation.is_date_strong
}

/// Tells whether a header's tags hold the representation's; `None` without the header.
fn matches(
    headers: &HeaderMap,
    name: &HeaderName,
    comparison: Comparison,
    representation: &Representation<'_>,
) -> Option<bool> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    Some(lines.any(|line| comparison.holds(line.as_bytes(), representation.etag)))
}

/// Tells whether the representation is later than a header's date; `None` without either date.
fn is_later_than(
    headers: &HeaderMap,
    name: &HeaderName,
    representation: &Representation<'_>,
) -> Option<bool> {
    let date = date(only_line(headers, name)?)?;
    Some(representation.last_modified? > date)
}

/// Returns a header's value; `None` when it has none, or several.
fn only_line<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    lines.next().is_none().then_some(line)
}

fn date(value: &HeaderValue) -> Option<HttpDate> {
    value.to_str().ok()?.parse().ok()
}
