//! The grammar of Sec-WebSocket-Extensions (RFC 6455 §9.1).

use std::borrow::Cow;

use http::{HeaderMap, header};

use super::list::is_token;
use crate::error::HandshakeViolation;

/// An extension with its parameters, in order.
#[derive(Debug, PartialEq)]
pub(super) struct Element<'a> {
    pub(super) name: &'a str,
    pub(super) parameters: Vec<Parameter<'a>>,
}

/// A parameter. A quoted value stands for what is in the quotes.
#[derive(Debug, PartialEq)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    pub(super) value: Option<Cow<'a, str>>,
}

/// Reads the extensions of all fields in order.
pub(super) fn parse(headers: &HeaderMap) -> Result<Vec<Element<'_>>, HandshakeViolation> {
    let mut elements = Vec::new();
    for value in headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS) {
        let text = value.to_str().ok();
        let is_read = text.and_then(|text| parse_list(text, &mut elements));
        is_read.ok_or(HandshakeViolation::Extensions)?;
    }
    Ok(elements)
}

/// Reads one field; `None` when it is malformed. Empty elements are skipped (RFC 9110 §5.6.1.2).
fn parse_list<'a>(text: &'a str, elements: &mut Vec<Element<'a>>) -> Option<()> {
    let mut rest = Rest(text);
    loop {
        rest.skip_space();
        if !rest.skip(',') {
            if rest.0.is_empty() {
                return Some(());
            }
            elements.push(rest.element()?);
            if !rest.0.is_empty() && !rest.skip(',') {
                return None;
            }
        }
    }
}

/// What is left of a field.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn element(&mut self) -> Option<Element<'a>> {
        let name = self.token()?;
        let mut parameters = Vec::new();
        self.skip_space();
        while self.skip(';') {
            self.skip_space();
            let name = self.token()?;
            self.skip_space();
            let value = if self.skip('=') {
                self.skip_space();
                Some(self.value()?)
            } else {
                None
            };
            parameters.push(Parameter { name, value });
            self.skip_space();
        }
        Some(Element { name, parameters })
    }

    /// Takes a token, or a quoted string that has one inside.
    fn value(&mut self) -> Option<Cow<'a, str>> {
        if !self.skip('"') {
            return self.token().map(Cow::Borrowed);
        }
        let mut value = String::new();
        let mut octets = self.0.char_indices();
        loop {
            match octets.next()? {
                (at, '"') => {
                    self.0 = &self.0[at + 1..];
                    return is_token(&value).then_some(Cow::Owned(value));
                }
                (_, '\\') => value.push(octets.next()?.1),
                (_, other) => value.push(other),
            }
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let ends = |c: char| matches!(c, ',' | ';' | '=' | '"' | ' ' | '\t');
        let len = self.0.find(ends).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(len);
        self.0 = rest;
        is_token(token).then_some(token)
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn skip(&mut self, c: char) -> bool {
        let behind = self.0.strip_prefix(c);
        self.0 = behind.unwrap_or(self.0);
        behind.is_some()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Writes what was read as `name;parameter=value,name`.
    fn read(fields: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            let value = HeaderValue::from_static(field);
            headers.append(header::SEC_WEBSOCKET_EXTENSIONS, value);
        }
        let elements = parse(&headers).ok()?;
        let written = elements.iter().map(|element| {
            let parameters = element.parameters.iter().map(|parameter| {
                let value = parameter.value.as_ref();
                let value = value.map_or_else(String::new, |value| format!("={value}"));
                format!(";{}{value}", parameter.name)
            });
            format!("{}{}", element.name, parameters.collect::<String>())
        });
        Some(written.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn well_formed_fields_are_read_in_order() {
        for (fields, expected) in [
            (&[][..], ""),
            (&[""], ""),
            (&["a"], "a"),
            (&["a", "b"], "a,b"),
            (&["a,b;c", "d"], "a,b;c,d"),
            (&[" a ;\tb = 1 ; c , d "], "a;b=1;c,d"),
            (&[",,a,,b,"], "a,b"),
            (&["a;b=\"c\""], "a;b=c"),
            (&["a;b=\"\\1\\0\";c"], "a;b=10;c"),
        ] {
            assert_eq!(read(fields).as_deref(), Some(expected), "{fields:?}");
        }
    }

    #[test]
    fn malformed_fields_are_refused() {
        for field in [
            ";",
            "a;",
            "a;;b",
            "a b",
            "a=1",
            "a;b=",
            "a;=1",
            "a;b=\"",
            "a;b=\"\"",
            "a;b=\"1",
            "a;b=\"1 2\"",
            "a;b=\"1\"2",
            "a;b=\"1,2\"",
            "a;b c",
            "a/b",
            "a;b=1=2",
            "a;b=\"\\",
            "a, b c",
        ] {
            assert_eq!(read(&[field]), None, "{field:?}");
        }
    }
}
