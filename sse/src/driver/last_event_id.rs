//! Where a client that comes back says what it saw last.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, Uri};

pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Returns the id of the last event that a client has seen: from the header `Last-Event-ID`, else
/// from a parameter of the query that is named `lastEventId`, in any case, with `-` or `_` or
/// without. A page gives it there when it opens a stream by itself, since it cannot set the header.
///
/// `None` also where it is empty, no UTF-8, or has a CR, LF or NUL: no event had that id.
///
/// # Spec
///
/// WHATWG HTML §9.2.4 for the header; the query is decoded as that of a form (WHATWG URL §5.1).
pub fn last_event_id<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> Option<Cow<'r, str>> {
    let header = headers
        .get(LAST_EVENT_ID)
        .and_then(|value| text(Cow::Borrowed(value.as_bytes())));
    header.or_else(|| {
        uri.query()?.split('&').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            is_its_name(name).then(|| text(decode(value)))?
        })
    })
}

fn is_its_name(name: &str) -> bool {
    let letters = name.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
    letters
        .map(|byte| byte.to_ascii_lowercase())
        .eq(*b"lasteventid")
}

/// Decodes `+` and percent-escapes. What is no escape stays as it is.
fn decode(value: &str) -> Cow<'_, [u8]> {
    let bytes = value.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, behind @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            decoded.push(high << 4 | low);
            rest = &rest[3..];
        } else {
            decoded.push(if *first == b'+' { b' ' } else { *first });
            rest = behind;
        }
    }
    Cow::Owned(decoded)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn text(id: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    if id.is_empty() || id.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return None;
    }
    match id {
        Cow::Borrowed(id) => std::str::from_utf8(id).ok().map(Cow::Borrowed),
        Cow::Owned(id) => String::from_utf8(id).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen(header: Option<&[u8]>, uri: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(LAST_EVENT_ID, HeaderValue::from_bytes(value).unwrap());
        }
        last_event_id(&headers, &uri.parse().unwrap()).map(Cow::into_owned)
    }

    #[test]
    fn the_header_goes_before_the_query() {
        for (header, uri, id) in [
            (Some(&b"7"[..]), "/", Some("7")),
            (Some("\u{2026} a".as_bytes()), "/", Some("\u{2026} a")),
            (Some(b"7"), "/?lastEventId=8", Some("7")),
            (Some(b""), "/?lastEventId=8", Some("8")),
            (Some(b"\xff"), "/?lastEventId=8", Some("8")),
            (Some(b""), "/", None),
            (Some(b"\xff"), "/", None),
            (None, "/", None),
        ] {
            assert_eq!(seen(header, uri).as_deref(), id, "{header:?} {uri}");
        }
    }

    #[test]
    fn the_query_has_it_by_any_of_its_spellings() {
        for name in [
            "lastEventId",
            "last-event-id",
            "Last-Event-ID",
            "last_event_id",
        ] {
            let uri = format!("/?a=b&{name}=7&lastEventId=8");
            assert_eq!(seen(None, &uri).as_deref(), Some("7"), "{uri}");
        }
        for uri in [
            "/?lastEvent=7",
            "/?lastEventIds=7",
            "/?lastEventId",
            "/?lastEventId=",
        ] {
            assert_eq!(seen(None, uri), None, "{uri}");
        }
    }

    #[test]
    fn the_query_is_decoded_once() {
        for (value, id) in [
            ("a%20b+c", Some("a b c")),
            ("%E2%80%a6", Some("\u{2026}")),
            ("%2525", Some("%25")),
            ("100%", Some("100%")),
            ("%zz%4", Some("%zz%4")),
            ("%ff", None),
            ("a%0Ab", None),
            ("a%0Db", None),
            ("a%00b", None),
        ] {
            let uri = format!("/?lastEventId={value}");
            assert_eq!(seen(None, &uri).as_deref(), id, "{uri}");
        }
    }
}
