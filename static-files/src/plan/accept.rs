//! The Accept header, as far as a listing and a fallback page are chosen by it.

use http::HeaderMap;
use http::header::ACCEPT;

use super::weight::weighted;

/// The format of a folder's listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingFormat {
    /// `text/html`.
    Html,
    /// `application/json`.
    Json,
}

impl ListingFormat {
    /// Chooses by the Accept headers; HTML unless JSON is liked better.
    ///
    /// # Spec
    ///
    /// RFC 9110 §12.5.1: the most specific range of media types gives the weight.
    pub fn choose(headers: &HeaderMap) -> Self {
        if weight(headers, b"application", b"json") > weight(headers, b"text", b"html") {
            Self::Json
        } else {
            Self::Html
        }
    }
}

/// Tells whether the client asks for HTML by name, as a browser does that opens a page, and not
/// only for anything.
pub fn names_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|line| {
        weighted(line.as_bytes())
            .any(|(media, weight)| weight > 0 && media.eq_ignore_ascii_case(b"text/html"))
    })
}

fn weight(headers: &HeaderMap, kind: &[u8], subtype: &[u8]) -> u16 {
    let mut best = (0, 0);
    for line in headers.get_all(ACCEPT) {
        for (media, weight) in weighted(line.as_bytes()) {
            let specificity = specificity(media, kind, subtype);
            if specificity > best.0 {
                best = (specificity, weight);
            }
        }
    }
    best.1
}

/// Returns how closely a range of media types names a type: 0 not at all, 3 exactly.
fn specificity(media: &[u8], kind: &[u8], subtype: &[u8]) -> u8 {
    let Some(slash) = media.iter().position(|&byte| byte == b'/') else {
        return 0;
    };
    let (media_kind, media_subtype) = (&media[..slash], &media[slash + 1..]);
    if media == b"*/*" {
        1
    } else if !media_kind.eq_ignore_ascii_case(kind) {
        0
    } else if media_subtype == b"*" {
        2
    } else if media_subtype.eq_ignore_ascii_case(subtype) {
        3
    } else {
        0
    }
}
