//! The request-target and the Host field: which forms and octets are allowed.

use std::ops::Range;

use bytes::Bytes;
use http::Uri;

use super::octet::alphanumeric_and;
use crate::config::Fragments;
use crate::error::Violation;

/// Reads the request-target of a request, which lies in `block` and has the octets that it may have,
/// and fills in `uri`, which is the default one.
#[inline(always)]
pub(super) fn read(
    method: &[u8],
    block: &Bytes,
    target: Range<usize>,
    uri: &mut Uri,
) -> Result<(), Violation> {
    let form = block[target.start];
    // The default is `/`.
    if form != b'/' || target.len() > 1 {
        let read = Uri::from_maybe_shared(block.slice(target));
        *uri = read.map_err(|_| Violation::RequestTarget)?;
    }
    match form {
        b'/' | b'*' => judge_path(form, method),
        _ => judge_authority(method, uri),
    }
}

/// Judges the request-target of a request that stays as it came.
#[inline(always)]
pub(super) fn check(method: &[u8], block: &Bytes, target: Range<usize>) -> Result<(), Violation> {
    let form = block[target.start];
    if matches!(form, b'/' | b'*') {
        return judge_path(form, method);
    }
    let uri = Uri::from_maybe_shared(block.slice(target));
    judge_authority(method, &uri.map_err(|_| Violation::RequestTarget)?)
}

/// Returns the length of a target in origin-form at the start of `octets`, if an octet that may not
/// stand anywhere in it ends it: the space, in a line as it should be.
#[inline]
pub(super) fn len_of_usual(octets: &[u8]) -> Option<usize> {
    let is_origin_form = octets.first() == Some(&b'/');
    let len = octets.iter().position(|b| !TARGET[usize::from(*b)]);
    len.filter(|len| is_origin_form && *len <= MAX_BYTES)
}

/// Judges the octets of a request-target (RFC 9112 §3.2), and returns their number without the
/// fragment.
///
/// Octets that no URI has but browsers send in queries (`|`, `^`, `{` and the like) pass; white
/// space, controls and octets beyond ASCII do not.
pub(super) fn trim(method: &[u8], octets: &[u8], fragments: Fragments) -> Result<usize, Violation> {
    if octets.len() > MAX_BYTES {
        return Err(Violation::RequestLineTooLong);
    }
    let len = len_of_odd(octets, fragments).ok_or(Violation::RequestTarget)?;
    let is_allowed = match octets {
        [b'*', rest @ ..] => method == b"OPTIONS" && rest.is_empty(),
        _ => len > 0,
    };
    if is_allowed {
        Ok(len)
    } else {
        Err(Violation::RequestTarget)
    }
}

/// Returns the length, without its fragment, of a target that has octets which few have: what
/// [`Uri`] holds, so that either door takes the same targets.
fn len_of_odd(octets: &[u8], fragments: Fragments) -> Option<usize> {
    let mut is_query = false;
    for (at, octet) in octets.iter().enumerate() {
        match octet {
            b'#' => {
                let mut fragment = octets[at..].iter();
                let is_left_out = fragments == Fragments::LeftOut && has_path(&octets[..at]);
                let is_allowed = is_left_out && fragment.all(u8::is_ascii_graphic);
                return is_allowed.then_some(at);
            }
            b'"' if !is_query => {}
            b'`' if is_query => {}
            b'?' => is_query = true,
            _ if TARGET[usize::from(*octet)] => {}
            _ => return None,
        }
    }
    Some(octets.len())
}

/// Tells whether a target has a path, in origin-form or absolute-form: a `#` before it could be taken
/// for a part of the authority.
fn has_path(target: &[u8]) -> bool {
    let scheme = target.windows(3).position(|octets| octets == b"://");
    let behind = scheme.map_or(&[][..], |at| &target[at + 3..]);
    let mut parts = behind.split(|octet| *octet == b'?');
    target.starts_with(b"/") || parts.next().is_some_and(|part| part.contains(&b'/'))
}

/// Judges a target in origin-form or asterisk-form: CONNECT takes neither, and the latter is for
/// OPTIONS only, which its octets have told.
fn judge_path(form: u8, method: &[u8]) -> Result<(), Violation> {
    if form == b'/' && method == b"CONNECT" {
        return Err(Violation::RequestTarget);
    }
    Ok(())
}

/// Judges a target in any other form: absolute-form needs a scheme and a host, authority-form is for
/// CONNECT only.
fn judge_authority(method: &[u8], uri: &Uri) -> Result<(), Violation> {
    let authority = uri.authority().ok_or(Violation::RequestTarget)?;
    let is_form_of_method = if method == b"CONNECT" {
        uri.scheme().is_none() && authority.port_u16().is_some_and(|port| port > 0)
    } else {
        matches!(uri.scheme_str(), Some("http" | "https"))
    };
    let has_userinfo = authority.as_str().contains('@');
    if is_form_of_method && !has_userinfo && is_host(authority.as_str().as_bytes()) {
        Ok(())
    } else {
        Err(Violation::RequestTarget)
    }
}

/// Tells whether the octets are `uri-host [":" port]` (RFC 9112 §3.2, RFC 3986 §3.2.2), with a
/// host that is not empty.
pub(super) fn is_host(field: &[u8]) -> bool {
    let port = match field {
        [b'[', rest @ ..] => {
            let inside = rest.iter().take_while(|b| **b != b']').count();
            match &rest[inside..] {
                [b']', port @ ..] if is_ipv6(&rest[..inside]) => port,
                _ => return false,
            }
        }
        _ => match len_of_reg_name(field) {
            0 => return false,
            len => &field[len..],
        },
    };
    match port {
        [] => true,
        [b':', digits @ ..] => digits.is_empty() || is_port(digits),
        _ => false,
    }
}

/// Tells whether the octets are a port that TCP has.
fn is_port(digits: &[u8]) -> bool {
    let is_number = digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit);
    // The octets of digits are in the order of their numbers.
    is_number && (digits.len() < 5 || digits <= &b"65535"[..])
}

/// Returns how many octets at the start are a reg-name, escapes included (RFC 3986 §3.2.2).
fn len_of_reg_name(field: &[u8]) -> usize {
    let is_plain = |octet: &u8| REG_NAME[usize::from(*octet)];
    let mut rest = field;
    loop {
        rest = match rest {
            [a, b, c, d, behind @ ..] if is_plain(a) & is_plain(b) & is_plain(c) & is_plain(d) => {
                behind
            }
            [octet, behind @ ..] if is_plain(octet) => behind,
            [b'%', a, b, behind @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => behind,
            _ => return field.len() - rest.len(),
        }
    }
}

/// Tells whether the octets are an IPv6address (RFC 3986 §3.2.2).
// Never inlined: what few hosts are would take registers from what they all need.
#[inline(never)]
fn is_ipv6(address: &[u8]) -> bool {
    match address.windows(2).position(|pair| pair == b"::") {
        None => n_groups(address) == Some(8),
        Some(at) => {
            let (before, after) = (&address[..at], &address[at + 2..]);
            // An address of IPv4 stands at the end alone.
            let is_plain = !before.contains(&b'.');
            let n_groups = n_groups(before).zip(n_groups(after));
            is_plain && n_groups.is_some_and(|(before, after)| before + after < 8)
        }
    }
}

/// Counts the groups of 16 bits in a list of them, whose last two may be an address of IPv4;
/// `None` when it is no such list.
fn n_groups(list: &[u8]) -> Option<usize> {
    if list.is_empty() {
        return Some(0);
    }
    let mut groups = list.split(|b| *b == b':').peekable();
    let mut n_groups = 0;
    while let Some(group) = groups.next() {
        n_groups += match group {
            _ if groups.peek().is_none() && is_ipv4(group) => 2,
            [_, ..] if group.len() <= 4 && group.iter().all(u8::is_ascii_hexdigit) => 1,
            _ => return None,
        };
    }
    Some(n_groups)
}

/// Tells whether the octets are an IPv4address (RFC 3986 §3.2.2).
fn is_ipv4(address: &[u8]) -> bool {
    let is_number = |digits: &[u8]| match digits {
        [a] => a.is_ascii_digit(),
        [b'1'..=b'9', a] => a.is_ascii_digit(),
        [b'1', a, b] => a.is_ascii_digit() && b.is_ascii_digit(),
        [b'2', b'0'..=b'4', a] => a.is_ascii_digit(),
        [b'2', b'5', b'0'..=b'5'] => true,
        _ => false,
    };
    address.split(|b| *b == b'.').count() == 4 && address.split(|b| *b == b'.').all(is_number)
}

/// What a [`Uri`] holds at most, whatever longer line the limits allow.
const MAX_BYTES: usize = u16::MAX as usize - 1;

/// The octets that may stand anywhere in a target.
static TARGET: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = b'!';
    while octet <= b'~' {
        table[octet as usize] = !matches!(octet, b'#' | b'<' | b'>' | b'"' | b'`');
        octet += 1;
    }
    table
};

/// The octets of reg-name but for escapes: unreserved and sub-delims (RFC 3986 §3.2.2). The comma
/// is left out: it joins the values of repeated fields, and no host that resolves has one.
static REG_NAME: [bool; 256] = alphanumeric_and(b"-._~!$&'()*+;=");
