//! Finds the lines that hold nothing but tags: they leave no trace, not even their line end.
//!
//! A line is standalone if all its text is white space and it has
//! - one tag that shows nothing in its place, or
//! - a parent with all its content, which then is like a partial, or
//! - several tags, each of which opens or closes a parent or an argument of one.
//!
//! Text that stands directly inside a parent is never shown, so it counts as white space.

use super::token::{Token, TokenKind};

/// Marks the text and the tags of standalone lines, and notes the white space that lines begin
/// with.
///
/// # Spec
///
/// Mustache, sections, partials, delimiters, comments; inheritance for parents and blocks.
pub(super) fn mark(tokens: &mut [Token<'_>]) {
    let partners = partners(tokens);
    let mut open = Vec::new();
    let mut begin = 0;
    while begin < tokens.len() {
        let end = tokens[begin..]
            .iter()
            .position(Token::ends_line)
            .map_or(tokens.len(), |at| begin + at + 1);
        let is_whole = |at: usize| partners[begin + at] < end;
        let is_standalone = is_standalone(&tokens[begin..end], is_whole, &mut open);
        note_indent(&mut tokens[begin..end], is_standalone);
        if is_standalone {
            hide(&mut tokens[..end], begin, &partners);
        }
        begin = end;
    }
}

/// Returns the place of each tag's closing tag; one that has none is closed at the very end.
fn partners(tokens: &[Token<'_>]) -> Vec<usize> {
    let mut partners = vec![tokens.len(); tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.opens() {
            open.push(at);
        } else if token.kind == TokenKind::Close {
            if let Some(opener) = open.pop() {
                partners[opener] = at;
            }
        }
    }
    partners
}

fn note_indent(line: &mut [Token<'_>], is_standalone: bool) {
    let (indent, first) = match line {
        [text, tag, ..] if text.is_text() && !tag.is_text() => (text.text, 1),
        [tag, ..] if !tag.is_text() => ("", 0),
        _ => return,
    };
    let is_blank = indent.trim().is_empty();
    if is_standalone || is_blank {
        line[first].indent = Some(if is_blank { indent } else { "" });
    }
}

/// Hides a line, save what is inside of a parent that the line holds as a whole.
fn hide(tokens: &mut [Token<'_>], begin: usize, partners: &[usize]) {
    let mut at = begin;
    while let Some(token) = tokens.get_mut(at) {
        token.is_hidden = true;
        let is_whole = token.kind == TokenKind::Parent && partners[at] < tokens.len();
        at = if is_whole { partners[at] } else { at + 1 };
    }
}

/// Judges one line; `open` is what is open before it, and then what is open behind it.
/// `is_whole` tells of a tag whether it is closed on this line.
fn is_standalone(
    line: &[Token<'_>],
    is_whole: impl Fn(usize) -> bool,
    open: &mut Vec<TokenKind>,
) -> bool {
    let mut n_tags = 0;
    let mut is_blank = true;
    let mut is_of_parents = true;
    let mut shows_nothing = true;
    // The depth outside of the parent that began on this line and that we are in.
    let mut outside = None;
    for (at, token) in line.iter().enumerate() {
        let is_inside = outside.is_some();
        let around = open.last().copied();
        match token.kind {
            TokenKind::Text => {
                let is_shown = around != Some(TokenKind::Parent) && !is_inside;
                is_blank &= !is_shown || token.text.trim().is_empty();
                continue;
            }
            TokenKind::Close => {
                let closed = open.pop();
                let is_argument = open.last() == Some(&TokenKind::Parent);
                is_of_parents &= is_inside || closed == Some(TokenKind::Parent) || is_argument;
                if outside == Some(open.len()) {
                    // The whole parent counts as the one tag that began it.
                    outside = None;
                    continue;
                }
            }
            TokenKind::Parent => {
                if is_whole(at) && !is_inside {
                    outside = Some(open.len());
                    n_tags += 1;
                }
            }
            TokenKind::Block => {
                is_of_parents &= is_inside || around == Some(TokenKind::Parent);
            }
            TokenKind::Variable | TokenKind::Raw => shows_nothing &= is_inside,
            TokenKind::Section
            | TokenKind::Inverted
            | TokenKind::Partial
            | TokenKind::Comment
            | TokenKind::Delimiter => is_of_parents &= is_inside,
        }
        if token.opens() {
            open.push(token.kind);
        }
        n_tags += usize::from(outside.is_none());
    }
    is_blank && shows_nothing && (n_tags == 1 || (n_tags > 1 && is_of_parents))
}
