//! Whether a request asks for an event stream.

use std::iter;

use http::HeaderMap;
use http::header::ACCEPT;

/// Tells whether a client asks for an event stream: it names `text/event-stream`, and likes
/// nothing better. A range like `*/*`, which programs send that read one answer, asks for none.
///
/// # Spec
///
/// RFC 9110 §12.5.1 and §12.4.2. An element whose weight cannot be read is passed over.
pub fn accepts_event_stream(headers: &HeaderMap) -> bool {
    let (mut stream, mut others) = (0, 0);
    for line in headers.get_all(ACCEPT) {
        for element in split_unquoted(line.as_bytes(), b',') {
            let mut parts = split_unquoted(element, b';').map(<[u8]>::trim_ascii);
            let range = parts.next().unwrap_or_default();
            let best = if range.eq_ignore_ascii_case(b"text/event-stream") {
                &mut stream
            } else {
                &mut others
            };
            *best = weight(parts).unwrap_or(0).max(*best);
        }
    }
    stream > 0 && stream >= others
}

/// Splits a list; what is quoted is one piece.
fn split_unquoted(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(list);
    iter::from_fn(move || {
        let list = rest?;
        let (mut is_quoted, mut is_escaped) = (false, false);
        let end = list.iter().position(|byte| {
            let was_escaped = is_escaped;
            is_escaped = is_quoted && !was_escaped && *byte == b'\\';
            is_quoted ^= *byte == b'"' && !was_escaped;
            *byte == separator && !is_quoted
        });
        rest = end.map(|end| &list[end + 1..]);
        Some(&list[..end.unwrap_or(list.len())])
    })
}

/// Returns the weight among parameters, in thousandths; `None` if it cannot be read.
fn weight<'a>(mut parameters: impl Iterator<Item = &'a [u8]>) -> Option<u16> {
    let value = parameters.find_map(|parameter| match parameter {
        [b'q' | b'Q', b'=', value @ ..] => Some(value),
        _ => None,
    });
    let (whole, decimals) = match value.unwrap_or(b"1") {
        [whole @ (b'0' | b'1')] => (whole, &b""[..]),
        [whole @ (b'0' | b'1'), b'.', decimals @ ..] => (whole, decimals),
        _ => return None,
    };
    if decimals.len() > 3 || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = iter::once(whole).chain(decimals).chain(b"000").take(4);
    let weight = digits.fold(0, |weight, digit| weight * 10 + u16::from(digit - b'0'));
    (weight <= 1_000).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(lines: &[&str]) -> bool {
        let fields = lines.iter().map(|line| (ACCEPT, line.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        accepts_event_stream(&headers)
    }

    #[test]
    fn a_client_that_names_event_streams_and_likes_nothing_better_gets_one() {
        for lines in [
            &["text/event-stream"][..],
            &["TEXT/Event-Stream"],
            &["text/event-stream;charset=utf-8"],
            &["text/event-stream, */*;q=0.1"],
            &["application/json, text/event-stream"],
            &["text/html;q=0.5, text/event-stream;q=0.5"],
            &["text/html;q=0.8", "text/event-stream;q=0.9"],
            &["text/event-stream;q=0.001"],
            &["text/event-stream ; Q=1.000"],
            &["a/b;c=\"d,e;f\\\"\";q=0.1,text/event-stream;q=0.2"],
            &[",, text/event-stream ,"],
        ] {
            assert!(accepts(lines), "{lines:?}");
        }
    }

    #[test]
    fn a_client_that_does_not_name_them_or_likes_others_better_gets_none() {
        for lines in [
            &[][..],
            &[""],
            &["*/*"],
            &["text/*"],
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
            &["text/event-stream;q=0"],
            &["text/event-stream;q=0.000"],
            &["text/event-stream;q=0.5, text/html"],
            &["text/event-stream;q=0.5", "text/html"],
            &["text/event-stream;q=1.5"],
            &["text/event-stream;q=0.1234"],
            &["text/event-stream;q="],
            &["text/event-stream;q=.5"],
            &["text/event-streams"],
            &["a/b;c=\",text/event-stream,\""],
        ] {
            assert!(!accepts(lines), "{lines:?}");
        }
    }
}
