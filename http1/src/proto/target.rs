//! The request-target and the Host field: which forms and octets are allowed.

use std::ops::Range;

use bytes::Bytes;
use http::{Method, Uri};

use crate::error::Violation;

/// Reads the request-target of a request (RFC 9112 §3.2), which lies in `block`, and fills in `uri`.
///
/// Octets that no URI has but browsers send in queries (`|`, `^`, `{` and the like) pass; a
/// fragment, white space, controls and octets beyond ASCII do not.
pub(super) fn read(
    method: &Method,
    block: &Bytes,
    target: Range<usize>,
    uri: &mut Uri,
) -> Result<(), Violation> {
    let octets = &block[target.clone()];
    let is_allowed = match octets {
        [b'/', ..] if *method == Method::CONNECT => false,
        [b'/'] => {
            *uri = Uri::default();
            return Ok(());
        }
        [b'*'] => *method == Method::OPTIONS,
        [b'*', ..] | [] => false,
        _ => octets
            .iter()
            .all(|b| matches!(b, b'!' | b'"' | b'$'..=b'~')),
    };
    if !is_allowed {
        return Err(Violation::RequestTarget);
    }
    let read = Uri::from_maybe_shared(block.slice(target));
    *uri = read.map_err(|_| Violation::RequestTarget)?;
    if matches!(octets[0], b'/' | b'*') || is_other_form_allowed(method, uri) {
        Ok(())
    } else {
        Err(Violation::RequestTarget)
    }
}

/// Absolute-form needs a scheme and a host, authority-form is for CONNECT only.
fn is_other_form_allowed(method: &Method, uri: &Uri) -> bool {
    let Some(authority) = uri.authority() else {
        return false;
    };
    let is_form_of_method = if *method == Method::CONNECT {
        uri.scheme().is_none() && authority.port_u16().is_some()
    } else {
        matches!(uri.scheme_str(), Some("http" | "https"))
    };
    let has_userinfo = authority.as_str().contains('@');
    is_form_of_method && !has_userinfo && is_host(authority.as_str().as_bytes())
}

/// Tells whether the octets are `uri-host [":" port]` (RFC 9112 §3.2, RFC 3986 §3.2.2), with a
/// host that is not empty.
pub(super) fn is_host(field: &[u8]) -> bool {
    let port = match field {
        [b'[', rest @ ..] => {
            let inside = rest.iter().take_while(|b| is_ip_literal(**b)).count();
            match &rest[inside..] {
                [b']', port @ ..] if rest[..inside].contains(&b':') => port,
                _ => return false,
            }
        }
        _ => {
            // Most have no port.
            if field
                .iter()
                .fold(true, |all, b| all & REG_NAME[usize::from(*b)])
            {
                return !field.is_empty();
            }
            let host = field
                .iter()
                .take_while(|b| REG_NAME[usize::from(**b)])
                .count();
            if host == 0 {
                return false;
            }
            &field[host..]
        }
    };
    match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// An octet of an IPv6 address, IPv4 parts included (RFC 3986 §3.2.2).
fn is_ip_literal(octet: u8) -> bool {
    octet.is_ascii_hexdigit() || matches!(octet, b':' | b'.')
}

/// The octets of reg-name: unreserved, sub-delims and the percent sign (RFC 3986 §3.2.2). The
/// comma is left out: it joins the values of repeated fields, and no host that resolves has one.
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
