//! The grammar of the field `Forwarded` (RFC 7239 §4).

use std::borrow::Cow;

/// One element of the list: what one proxy says of one hop. Names that RFC 7239 does not register
/// are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) for_node: Option<Cow<'a, [u8]>>,
    pub(super) by_node: Option<Cow<'a, [u8]>>,
    pub(super) proto: Option<Cow<'a, [u8]>>,
    pub(super) host: Option<Cow<'a, [u8]>>,
}

/// A line that does not follow the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Reads the elements of one line, in its order; empty ones are no elements.
///
/// A line is read as a whole or not at all: where it goes wrong, nobody can tell which proxy wrote
/// which part.
pub(super) fn read(line: &[u8]) -> Result<Vec<Element<'_>>, Malformed> {
    let mut elements = Vec::new();
    let mut cursor = Cursor(line);
    loop {
        if let Some(element) = cursor.element()? {
            elements.push(element);
        }
        if !cursor.take(b',') {
            break;
        }
    }
    if cursor.0.is_empty() {
        Ok(elements)
    } else {
        Err(Malformed)
    }
}

/// What is left of a line.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Reads `[ forwarded-pair ] *( ";" [ forwarded-pair ] )`, white space around it included.
    fn element(&mut self) -> Result<Option<Element<'a>>, Malformed> {
        let mut element = None;
        loop {
            self.skip_white_space();
            if !matches!(self.0.first(), None | Some(b',' | b';')) {
                self.pair(element.get_or_insert_default())?;
                self.skip_white_space();
            }
            if !self.take(b';') {
                return Ok(element);
            }
        }
    }

    /// Reads `token "=" value`; no name may come twice.
    fn pair(&mut self, element: &mut Element<'a>) -> Result<(), Malformed> {
        let name = self.token()?;
        if !self.take(b'=') {
            return Err(Malformed);
        }
        let value = if self.take(b'"') {
            self.quoted()?
        } else {
            Cow::Borrowed(self.token()?)
        };
        let place = match () {
            () if name.eq_ignore_ascii_case(b"for") => &mut element.for_node,
            () if name.eq_ignore_ascii_case(b"by") => &mut element.by_node,
            () if name.eq_ignore_ascii_case(b"proto") => &mut element.proto,
            () if name.eq_ignore_ascii_case(b"host") => &mut element.host,
            () => return Ok(()),
        };
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(Malformed),
        }
    }

    /// Reads `1*tchar` (RFC 9110 §5.6.2).
    fn token(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.0.iter().take_while(|b| is_tchar(**b)).count();
        let (token, rest) = self.0.split_at(len);
        self.0 = rest;
        if token.is_empty() {
            Err(Malformed)
        } else {
            Ok(token)
        }
    }

    /// Reads the rest of a quoted string (RFC 9110 §5.6.4), behind its first mark.
    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        let plain = |b: &u8| !matches!(b, b'"' | b'\\');
        let mut text = Cow::Borrowed(&[][..]);
        loop {
            let len = self.0.iter().take_while(|b| plain(b)).count();
            let (run, rest) = self.0.split_at(len);
            if text.is_empty() {
                text = Cow::Borrowed(run);
            } else {
                text.to_mut().extend_from_slice(run);
            }
            match rest {
                [b'"', rest @ ..] => {
                    self.0 = rest;
                    return Ok(text);
                }
                [b'\\', escaped, rest @ ..] => {
                    self.0 = rest;
                    text.to_mut().push(*escaped);
                }
                _ => return Err(Malformed),
            }
        }
    }

    fn skip_white_space(&mut self) {
        let is_space = |b: &&u8| matches!(**b, b' ' | b'\t');
        let len = self.0.iter().take_while(is_space).count();
        self.0 = &self.0[len..];
    }

    fn take(&mut self, octet: u8) -> bool {
        match self.0.strip_prefix(&[octet]) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }
}

fn is_tchar(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}
