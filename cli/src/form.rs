//! The names and values of a query or a form (WHATWG URL §5.1).

/// Returns the pairs in their order, decoded; an escape that is none stays as it is.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let text_of = |part| String::from_utf8_lossy(&decoded(part, b' ')).into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (text_of(name), text_of(value))
        })
}

/// Decodes escapes, and `+` to what it stands for: a space in forms, itself in paths.
pub(crate) fn decoded(text: &str, plus: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            (b'+', ..) => {
                bytes.push(plus);
                rest = behind;
            }
            _ => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_what_is_no_escape_stays() {
        for (text, expected) in [
            ("a+b%20c", "a b c"),
            ("%C3%A4%2b", "ä+"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%ff", "\u{fffd}"),
        ] {
            let pairs: Vec<_> = pairs(text).collect();
            assert_eq!(pairs, [(expected.to_owned(), String::new())]);
        }
    }

    #[test]
    fn pairs_keep_their_order_and_empty_ones_are_none() {
        let pairs: Vec<_> = pairs("&a=1&&b&a=2=3&").collect();
        let expected = [("a", "1"), ("b", ""), ("a", "2=3")];
        assert_eq!(pairs, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn in_a_path_a_plus_is_a_plus() {
        assert_eq!(decoded("a+b%2F", b'+'), b"a+b/");
    }
}
