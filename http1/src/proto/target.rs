//! The request-target and the Host field: which forms and octets are allowed.

use bytes::Bytes;
use http::{Method, Uri};

use crate::error::Violation;

/// Reads the request-target of a request (RFC 9112 §3.2).
///
/// Octets that no URI has but browsers send in queries (`|`, `^`, `{` and the like) pass; a
/// fragment, white space, controls and octets beyond ASCII do not.
pub(super) fn parse(method: &Method, target: Bytes) -> Result<Uri, Violation> {
    if !target
        .iter()
        .all(|b| (b'!'..=b'~').contains(b) && *b != b'#')
    {
        return Err(Violation::RequestTarget);
    }
    let form_is_allowed = match target.first() {
        Some(b'/') => *method != Method::CONNECT,
        Some(b'*') => target.len() == 1 && *method == Method::OPTIONS,
        Some(_) => true,
        None => false,
    };
    if !form_is_allowed {
        return Err(Violation::RequestTarget);
    }
    let has_root = target.first() == Some(&b'/');
    let uri = Uri::from_maybe_shared(target).map_err(|_| Violation::RequestTarget)?;
    if has_root || uri.path() == "*" {
        return Ok(uri);
    }
    // Absolute-form needs a scheme and a host, authority-form is for CONNECT only.
    let is_absolute = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().ok_or(Violation::RequestTarget)?;
    let allowed = if *method == Method::CONNECT {
        uri.scheme().is_none() && authority.port_u16().is_some()
    } else {
        is_absolute
    };
    let has_userinfo = authority.as_str().contains('@');
    if allowed && !has_userinfo && is_host(authority.as_str().as_bytes()) {
        Ok(uri)
    } else {
        Err(Violation::RequestTarget)
    }
}

/// Tells whether the octets are `uri-host [":" port]` (RFC 9112 §3.2, RFC 3986 §3.2.2), with a
/// host that is not empty.
pub(super) fn is_host(field: &[u8]) -> bool {
    let (host, port) = if field.first() == Some(&b'[') {
        let Some(end) = field.iter().position(|b| *b == b']') else {
            return false;
        };
        let inside = &field[1..end];
        let literal = inside.contains(&b':')
            && inside
                .iter()
                .all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
        if !literal {
            return false;
        }
        (&field[..=end], &field[end + 1..])
    } else {
        let end = field.iter().position(|b| *b == b':').unwrap_or(field.len());
        let host = &field[..end];
        if !host.iter().all(|b| is_reg_name(*b)) {
            return false;
        }
        (host, &field[end..])
    };
    let port_is_good = match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    !host.is_empty() && port_is_good
}

/// An octet of reg-name: unreserved, sub-delims or a percent sign (RFC 3986 §3.2.2). The comma is
/// left out: it joins the values of repeated fields, and no host that resolves has one.
fn is_reg_name(octet: u8) -> bool {
    REG_NAME[usize::from(octet)]
}

static REG_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = (octet as u8).is_ascii_alphanumeric();
        octet += 1;
    }
    let others = b"-._~%!$&'()*+;=";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};
