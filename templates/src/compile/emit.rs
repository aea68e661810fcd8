//! Puts the tags in the order of instructions, with jumps in place of nesting.

use super::program::{
    Argument, Block, Escaping, Include, Instruction, Inverted, Op, Path, Section, Show, Target,
    Text,
};
use super::token::{Token, TokenKind};
use crate::{Error, ErrorKind};

/// Returns the instructions of a template.
///
/// # Errors
///
/// A section is closed that is not the innermost open one, or none is.
pub(super) fn emit(
    name: &str,
    source: &str,
    tokens: &[Token<'_>],
) -> Result<Vec<Instruction>, Error> {
    let mut emitter = Emitter {
        name,
        source,
        code: Vec::new(),
        open: Vec::new(),
        text: String::new(),
        text_begins_line: false,
        is_line_begin: true,
        strip: "",
    };
    for (at, token) in tokens.iter().enumerate() {
        emitter.token(tokens, at, token)?;
    }
    if let Some(open) = emitter.open.last() {
        let kind = ErrorKind::UnclosedSection(open.token.text.into());
        return Err(emitter.error(kind, open.token));
    }
    emitter.push(Op::End, false);
    Ok(emitter.code)
}

struct Emitter<'n, 's, 't> {
    name: &'n str,
    source: &'s str,
    code: Vec<Instruction>,
    open: Vec<Open<'s, 't>>,
    /// Text that the next instruction begins with.
    text: String,
    text_begins_line: bool,
    /// What comes next is the first of its line, save what leaves no trace.
    is_line_begin: bool,
    /// White space that is taken away where lines begin: the indentation of an argument's block.
    strip: &'s str,
}

/// A tag that waits for its closing tag.
struct Open<'s, 't> {
    token: &'t Token<'s>,
    /// Its instruction; of an argument, its first.
    at: usize,
    /// The strip that held before it.
    strip: &'s str,
    shows_item: bool,
    /// So far, lists can go through what is inside at once.
    is_flat: bool,
}

impl<'s, 't> Emitter<'_, 's, 't> {
    fn token(
        &mut self,
        tokens: &'t [Token<'s>],
        at: usize,
        token: &'t Token<'s>,
    ) -> Result<(), Error> {
        match token.kind {
            TokenKind::Text => self.take_text(token),
            TokenKind::Comment | TokenKind::Delimiter => {}
            TokenKind::Variable => self.variable(Escaping::Escaped, token),
            TokenKind::Raw => self.variable(Escaping::Raw, token),
            TokenKind::Section => {
                let section = Section {
                    path: Path::parse(token.text),
                    end: 0,
                    shows_item: false,
                    between: None,
                    raw: token.end..token.end,
                    place: token.start..token.end,
                    delimiters: token.delimiters.clone(),
                };
                self.push_tag(Op::Section(Box::new(section)), token);
                self.begin(token);
            }
            TokenKind::Inverted => {
                let path = Path::parse(token.text);
                self.push_tag(Op::Inverted(Box::new(Inverted { path, end: 0 })), token);
                self.begin(token);
            }
            TokenKind::Partial => self.include(token),
            TokenKind::Parent => {
                self.include(token);
                self.begin(token);
            }
            TokenKind::Block => self.block(tokens, at, token),
            TokenKind::Close => self.close(token)?,
        }
        Ok(())
    }

    fn take_text(&mut self, token: &Token<'s>) {
        if token.is_hidden {
            return;
        }
        let mut text = token.text;
        let is_whole_line = self.source[..token.start]
            .chars()
            .next_back()
            .is_none_or(|c| c == '\n');
        if is_whole_line {
            text = stripped(text, self.strip);
        }
        if self.text.is_empty() && !text.is_empty() {
            self.text_begins_line = self.is_line_begin;
        }
        self.text.push_str(text);
        self.is_line_begin = token.ends_line() || (self.is_line_begin && text.is_empty());
    }

    /// Ends an instruction; its text is what has been taken since the last one.
    fn push(&mut self, op: Op, tag_begins_line: bool) {
        self.code.push(Instruction {
            text: Text::new(&std::mem::take(&mut self.text)),
            text_begins_line: std::mem::take(&mut self.text_begins_line),
            tag_begins_line,
            op,
        });
    }

    fn push_tag(&mut self, op: Op, token: &Token<'_>) {
        let begins_line = self.is_line_begin && !token.is_hidden;
        self.is_line_begin &= token.is_hidden;
        self.push(op, begins_line);
    }

    fn variable(&mut self, escaping: Escaping, token: &Token<'_>) {
        let path = Path::parse(token.text);
        if let (Path::Item, Some(open)) = (&path, self.open.last_mut()) {
            open.shows_item = true;
        }
        let op = match (path, escaping) {
            (Path::Item, Escaping::Escaped) => Op::Item,
            (Path::Name(name), Escaping::Escaped) => Op::Name(name),
            (path, escaping) => Op::Show(Box::new(Show { path, escaping })),
        };
        if let (Op::Show(_), Some(open)) = (&op, self.open.last_mut()) {
            open.is_flat = false;
        }
        self.push_tag(op, token);
    }

    fn begin(&mut self, token: &'t Token<'s>) {
        self.open.push(Open {
            token,
            at: self.code.len() - 1,
            strip: self.strip,
            shows_item: false,
            is_flat: true,
        });
    }

    fn include(&mut self, token: &'t Token<'s>) {
        let target = if token.is_dynamic {
            Target::Dynamic(Path::parse(token.text))
        } else {
            Target::Named(token.text.into())
        };
        let indent = token.indent.filter(|_| token.is_hidden);
        let include = Include {
            target,
            indent: indent.map(|indent| stripped(indent, self.strip).into()),
            arguments: Vec::new(),
            end: self.code.len() + 1,
            place: token.start..token.end,
        };
        self.push_tag(Op::Include(Box::new(include)), token);
        // What is called may show the item of the sections around.
        if let Some(open) = self.open.last_mut() {
            open.shows_item = true;
            open.is_flat = false;
        }
    }

    /// Begins a block: inside a parent it is an argument, elsewhere it can be replaced.
    fn block(&mut self, tokens: &'t [Token<'s>], at: usize, token: &'t Token<'s>) {
        let indent = block_indent(&tokens[at..]);
        if self.is_in_parent() {
            self.drop_text();
            self.is_line_begin = false;
            self.open.push(Open {
                token,
                at: self.code.len(),
                strip: self.strip,
                shows_item: true,
                is_flat: false,
            });
            self.strip = indent;
        } else {
            let block = Block {
                name: token.text.into(),
                indent: stripped(indent, self.strip).into(),
                is_standalone: token.is_hidden,
                end: 0,
                place: token.start..token.end,
            };
            self.push_tag(Op::Block(Box::new(block)), token);
            self.begin(token);
            if let Some(open) = self.open.last_mut() {
                open.shows_item = true;
            }
        }
    }

    fn close(&mut self, token: &'t Token<'s>) -> Result<(), Error> {
        let Some(open) = self.open.pop() else {
            return Err(self.error(ErrorKind::UnopenedSection(token.text.into()), token));
        };
        if !token.closes(open.token) {
            let before = &self.source[..open.token.start];
            let kind = ErrorKind::WrongCloser {
                open: open.token.text.into(),
                line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
                closer: token.text.into(),
            };
            return Err(self.error(kind, token));
        }
        self.strip = open.strip;
        if open.token.kind == TokenKind::Block && self.is_in_parent() {
            self.end_argument(&open);
        } else {
            match open.token.kind {
                TokenKind::Section => self.push_tag(Op::EndSection { begin: open.at }, token),
                TokenKind::Parent => self.drop_text(),
                // What stands behind is a jump's target, so it begins an instruction.
                _ if self.text.is_empty() => {}
                _ => self.push(Op::Nothing, false),
            }
            self.patch(&open, token);
        }
        if let Some(outer) = self.open.last_mut() {
            outer.shows_item |= open.shows_item;
            let is_section = open.token.kind == TokenKind::Section;
            outer.is_flat &= is_section && open.is_flat && !open.shows_item;
        }
        Ok(())
    }

    fn end_argument(&mut self, open: &Open<'s, 't>) {
        let is_empty = self.text.is_empty() && self.code.len() == open.at;
        self.push(Op::End, false);
        let argument = Argument {
            name: open.token.text.into(),
            begin: open.at,
            is_empty,
        };
        let parent = self.open.last().map(|parent| parent.at);
        if let Some(Op::Include(include)) = parent.map(|at| &mut self.code[at].op) {
            include.arguments.push(argument);
        }
        self.is_line_begin = false;
    }

    /// Tells an instruction where its section ends.
    fn patch(&mut self, open: &Open<'s, 't>, token: &Token<'s>) {
        let next = self.code.len();
        let inside = &self.code[open.at + 1..];
        let between = open.is_flat.then(|| between_items(inside)).flatten();
        match self.code.get_mut(open.at).map(|begin| &mut begin.op) {
            Some(Op::Section(section)) => {
                section.end = next;
                section.shows_item = open.shows_item;
                section.between = between;
                section.raw = open.token.end..token.start;
            }
            Some(Op::Inverted(inverted)) => inverted.end = next,
            Some(Op::Include(include)) => {
                include.end = next;
                // Of several with one name the last replaces, as a later key of a map.
                include.arguments.reverse();
                include.arguments.sort_by(|a, b| a.name.cmp(&b.name));
                include.arguments.dedup_by(|a, b| a.name == b.name);
            }
            Some(Op::Block(block)) => block.end = next,
            _ => {}
        }
    }

    fn is_in_parent(&self) -> bool {
        let around = self.open.last();
        around.is_some_and(|open| open.token.kind == TokenKind::Parent)
    }

    /// Forgets text that stands directly inside a parent.
    fn drop_text(&mut self) {
        self.text.clear();
        self.text_begins_line = false;
    }

    fn error(&self, kind: ErrorKind, token: &Token<'_>) -> Error {
        Error::at(kind, self.name, self.source, token.start..token.end)
    }
}

/// Returns what stands between two items of a list, of whose section this is the inside; `None`
/// where there is nothing to show.
fn between_items(inside: &[Instruction]) -> Option<Text> {
    let (last, body) = inside.split_last()?;
    let first = body.first()?;
    Some(Text::new(
        &[last.text.as_str(), first.text.as_str()].concat(),
    ))
}

/// Returns the indentation that a block is written with: that of its first line, if that is a
/// line of its own, else that of its tag.
fn block_indent<'s>(tokens: &[Token<'s>]) -> &'s str {
    let Some((block, inside)) = tokens.split_first() else {
        return "";
    };
    let own = block.indent.unwrap_or_default();
    if !block.is_hidden {
        return own;
    }
    for token in inside {
        match token.kind {
            TokenKind::Text if token.text.trim().is_empty() => {}
            TokenKind::Text => {
                let text = token.text;
                return &text[..text.len() - text.trim_start().len()];
            }
            TokenKind::Close => return own,
            TokenKind::Variable
            | TokenKind::Raw
            | TokenKind::Section
            | TokenKind::Inverted
            | TokenKind::Partial
            | TokenKind::Parent
            | TokenKind::Block
            | TokenKind::Comment
            | TokenKind::Delimiter => return token.indent.unwrap_or(own),
        }
    }
    own
}

/// Takes as much of the white space `strip` from the beginning of a line as it begins with.
fn stripped<'s>(line: &'s str, strip: &str) -> &'s str {
    let n_alike = line
        .bytes()
        .zip(strip.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    // White space of more than one byte may be alike in part of it.
    line.get(n_alike..).unwrap_or(line)
}
