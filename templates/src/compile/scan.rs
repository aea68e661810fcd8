//! Cuts a template's text into tags and lines of text.

use super::token::{Delimiters, Token, TokenKind};
use crate::{Error, ErrorKind};

/// Returns the tags, and the text between them, which is cut behind each line end.
///
/// # Errors
///
/// A tag is not closed, has no name, or sets delimiters that are none.
///
/// # Spec
///
/// Mustache, interpolation, delimiters, comments; dynamic-names for the asterisk.
pub(super) fn scan<'s>(
    name: &str,
    source: &'s str,
    begin: &Delimiters,
) -> Result<Vec<Token<'s>>, Error> {
    let mut scanner = Scanner {
        name,
        source,
        at: 0,
        delimiters: begin.clone(),
        tokens: Vec::new(),
    };
    while let Some(found) = source[scanner.at..].find(&*scanner.delimiters.open) {
        let start = scanner.at + found;
        scanner.push_text(start);
        scanner.push_tag(start)?;
    }
    scanner.push_text(source.len());
    Ok(scanner.tokens)
}

struct Scanner<'n, 's> {
    name: &'n str,
    source: &'s str,
    at: usize,
    delimiters: Delimiters,
    tokens: Vec<Token<'s>>,
}

impl<'s> Scanner<'_, 's> {
    fn push_text(&mut self, end: usize) {
        let source = self.source;
        for line in source[self.at..end].split_inclusive('\n') {
            let start = self.at;
            self.at += line.len();
            self.push(TokenKind::Text, start, line);
        }
    }

    fn push(&mut self, kind: TokenKind, start: usize, text: &'s str) {
        let keeps = kind == TokenKind::Section && !self.delimiters.is_default();
        self.tokens.push(Token {
            kind,
            start,
            end: self.at,
            text,
            is_dynamic: false,
            indent: None,
            is_hidden: false,
            delimiters: keeps.then(|| self.delimiters.clone()),
        });
    }

    fn push_tag(&mut self, start: usize) -> Result<(), Error> {
        let source = self.source;
        let inside = start + self.delimiters.open.len();
        let rest = &source[inside..];
        let sigil = rest.trim_start().chars().next().unwrap_or_default();
        let Some(kind) = kind(sigil) else {
            let content = self.close(start, inside, "")?;
            return self.push_named(TokenKind::Variable, start, content);
        };
        let inside = inside + (rest.len() - rest.trim_start().len()) + sigil.len_utf8();
        let before_close = match sigil {
            '{' => "}",
            '=' => "=",
            _ => "",
        };
        let content = self.close(start, inside, before_close)?;
        match kind {
            TokenKind::Comment => self.push(kind, start, content),
            TokenKind::Delimiter => {
                self.delimiters = Delimiters::parse(content)
                    .ok_or_else(|| self.error(ErrorKind::BadDelimiter, start))?;
                self.push(kind, start, content);
            }
            _ => self.push_named(kind, start, content)?,
        }
        Ok(())
    }

    fn push_named(&mut self, kind: TokenKind, start: usize, content: &'s str) -> Result<(), Error> {
        let content = content.trim();
        let can_be_dynamic = matches!(
            kind,
            TokenKind::Partial | TokenKind::Parent | TokenKind::Close
        );
        let dynamic = content.strip_prefix('*').filter(|_| can_be_dynamic);
        // White space may stand between the asterisk and its name.
        let text = dynamic.map_or(content, str::trim_start);
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(self.error(ErrorKind::BadName(content.into()), start));
        }
        self.push(kind, start, text);
        if let Some(token) = self.tokens.last_mut() {
            token.is_dynamic = dynamic.is_some();
        }
        Ok(())
    }

    /// Goes behind the end of a tag and returns what is inside.
    fn close(&mut self, start: usize, inside: usize, before: &str) -> Result<&'s str, Error> {
        let source = self.source;
        let close = &*self.delimiters.close;
        let rest = &source[inside..];
        let mut from = 0;
        while let Some(found) = rest[from..].find(close) {
            let end = from + found;
            // `}}}` closes a triple tag by its first brace and the two behind it.
            if let Some(content) = rest[..end].strip_suffix(before) {
                self.at = inside + end + close.len();
                return Ok(content);
            }
            if !before.is_empty() && rest[end..].starts_with(before) {
                let behind = &rest[end + before.len()..];
                if behind.starts_with(close) {
                    self.at = inside + end + before.len() + close.len();
                    return Ok(&rest[..end]);
                }
            }
            from = end + 1;
            while !rest.is_char_boundary(from) {
                from += 1;
            }
        }
        self.at = source[start..]
            .find('\n')
            .map_or(source.len(), |at| start + at);
        Err(self.error(ErrorKind::UnclosedTag, start))
    }

    fn error(&self, kind: ErrorKind, start: usize) -> Error {
        Error::at(kind, self.name, self.source, start..self.at)
    }
}

fn kind(sigil: char) -> Option<TokenKind> {
    Some(match sigil {
        '{' | '&' => TokenKind::Raw,
        '#' => TokenKind::Section,
        '^' => TokenKind::Inverted,
        '/' => TokenKind::Close,
        '>' => TokenKind::Partial,
        '<' => TokenKind::Parent,
        '$' => TokenKind::Block,
        '!' => TokenKind::Comment,
        '=' => TokenKind::Delimiter,
        _ => return None,
    })
}
