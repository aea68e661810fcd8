//! A second reader of the chunked coding: slow, recursive, straight from the grammar of RFC 9112 §7.1.

/// Reads a chunked body that is whole; returns its content, the names of its trailers, and how
/// many bytes it took. `None` when it is malformed or not whole.
pub fn decode_chunked(mut input: &[u8]) -> Option<(Vec<u8>, Vec<String>, usize)> {
    let total = input.len();
    let mut content = Vec::new();
    loop {
        let (line, rest) = split_line(input)?;
        let n_digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let digits = std::str::from_utf8(&line[..n_digits]).ok()?;
        let size = u64::from_str_radix(digits, 16).ok()?;
        extensions(&line[n_digits..])?;
        input = rest;
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).ok()?;
        content.extend_from_slice(input.get(..size)?);
        input = input.get(size..)?.strip_prefix(b"\r\n")?;
    }
    let mut trailers = Vec::new();
    loop {
        let (line, rest) = split_line(input)?;
        input = rest;
        if line.is_empty() {
            return Some((content, trailers, total - input.len()));
        }
        let (name, value) = take_token(line)?;
        let value = value.strip_prefix(b":")?;
        let is_text = |b: &u8| *b == b'\t' || *b >= b' ' && *b != 0x7f;
        if !value.iter().all(is_text) {
            return None;
        }
        trailers.push(String::from_utf8_lossy(name).to_ascii_lowercase());
    }
}

/// Splits at the first CRLF; neither CR nor LF may stand before it.
fn split_line(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = input.iter().position(|b| matches!(b, b'\r' | b'\n'))?;
    let rest = input[end..].strip_prefix(b"\r\n")?;
    Some((&input[..end], rest))
}

/// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`, to the end.
fn extensions(text: &[u8]) -> Option<()> {
    if text.is_empty() {
        return Some(());
    }
    let (_, text) = take_token(bws(bws(text).strip_prefix(b";")?))?;
    let Some(value) = bws(text).strip_prefix(b"=") else {
        return extensions(text);
    };
    let value = bws(value);
    match value.strip_prefix(b"\"") {
        None => extensions(take_token(value)?.1),
        Some(quoted) => extensions(end_of_quoted(quoted)?),
    }
}

fn end_of_quoted(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'"', rest @ ..] => Some(rest),
        [b'\\', b'\t' | b' '..=b'~' | 0x80.., rest @ ..] => end_of_quoted(rest),
        [b'\t' | b' '..=b'[' | b']'..=b'~' | 0x80.., rest @ ..] => end_of_quoted(rest),
        _ => None,
    }
}

fn take_token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    let len = text.iter().take_while(|b| is_token(b)).count();
    (len > 0).then(|| text.split_at(len))
}

/// Skips bad white space (RFC 9110 §5.6.3).
fn bws(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}
