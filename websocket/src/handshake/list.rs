//! Lists in header fields (RFC 9110 §5.6.1), over all fields of one name.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Returns the elements of a list. A field that is no visible ASCII is one element, and no token.
pub(super) fn elements<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|value| value.to_str().unwrap_or(NO_TOKEN).split(','))
        .map(|element| element.trim_matches([' ', '\t']))
        .filter(|element| !element.is_empty())
}

/// Tells whether a list has a token, in letters of any case.
pub(super) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    elements(headers, name).any(|element| element.eq_ignore_ascii_case(token))
}

/// Sets a field to tokens and what stands between them.
pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("tokens are visible ASCII");
    headers.insert(name, value);
}

/// Tells whether a text is a token (RFC 9110 §5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let is_tchar = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    !text.is_empty() && text.bytes().all(is_tchar)
}

const NO_TOKEN: &str = "\0";
