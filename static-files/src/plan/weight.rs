//! Lists of alternatives with weights, as Accept and Accept-Encoding have them.

/// Walks a list's elements: what is offered, without its parameters, and its weight in
/// thousandths. An element whose weight cannot be read is left out.
///
/// # Spec
///
/// RFC 9110 §12.4.2 and §5.6.1.
pub(super) fn weighted(list: &[u8]) -> impl Iterator<Item = (&[u8], u16)> {
    list.split(|&byte| byte == b',').filter_map(|element| {
        let mut parts = element.split(|&byte| byte == b';');
        let offered = parts.next()?.trim_ascii();
        if offered.is_empty() {
            return None;
        }
        let mut weight = 1_000;
        for parameter in parts {
            if let Some(value) = strip_q(parameter.trim_ascii()) {
                weight = thousandths(value)?;
            }
        }
        Some((offered, weight))
    })
}

fn strip_q(parameter: &[u8]) -> Option<&[u8]> {
    match parameter {
        [b'q' | b'Q', b'=', value @ ..] => Some(value),
        _ => None,
    }
}

/// Parses a weight: 0 or 1 with at most three decimals, at most 1.
fn thousandths(value: &[u8]) -> Option<u16> {
    let (&whole, rest) = value.split_first()?;
    let decimals = match rest.split_first() {
        None => rest,
        Some((b'.', decimals)) if decimals.len() <= 3 => decimals,
        Some(_) => return None,
    };
    let mut weight = match whole {
        b'0' => 0,
        b'1' => 1_000,
        _ => return None,
    };
    let mut scale = 100;
    for &byte in decimals {
        if !byte.is_ascii_digit() {
            return None;
        }
        weight += u16::from(byte - b'0') * scale;
        scale /= 10;
    }
    (weight <= 1_000).then_some(weight)
}
