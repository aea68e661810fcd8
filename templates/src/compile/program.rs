//! What a template is compiled to.

use std::ops::Range;

use super::token::Delimiters;
use crate::Error;

/// A compiled template.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: Box<str>,
    pub(crate) source: Box<str>,
    /// Ends with [`Op::End`].
    pub(crate) code: Vec<Instruction>,
}

/// Text, and what follows it.
///
/// Where lines begin matters only in partials that are indented.
#[derive(Debug)]
pub(crate) struct Instruction {
    pub(crate) op: Op,
    pub(crate) text: Text,
    /// The text stands at the beginning of a line of the source.
    pub(crate) text_begins_line: bool,
    /// The tag stands at the beginning of a line of which something is shown.
    pub(crate) tag_begins_line: bool,
}

/// Text that is copied to the output.
#[derive(Debug)]
pub(crate) struct Text {
    /// Short text has blanks behind it, up to a block: a copy of a length that is known when this
    /// crate is compiled is cheaper than one of any other.
    pub(crate) padded: Box<str>,
    /// Without the blanks.
    pub(crate) n_bytes: usize,
}

/// How much text is short.
pub(crate) const BLOCK_BYTES: usize = 32;

/// What is done behind the text. Jumps are indices of instructions.
#[derive(Debug)]
pub(crate) enum Op {
    /// Goes on.
    Nothing,
    /// Shows the current item, escaped.
    Item,
    /// Shows what a name stands for, escaped.
    Name(Box<str>),
    /// Shows a value in an other way.
    Show(Box<Show>),
    /// Enters a section, once or for each item, or jumps behind it.
    Section(Box<Section>),
    /// Goes to the next item of the section that begins at `begin`, or on.
    EndSection { begin: usize },
    /// Jumps behind an inverted section if there is something.
    Inverted(Box<Inverted>),
    /// Calls an other template.
    Include(Box<Include>),
    /// Calls what replaces this block, or goes on with its default.
    Block(Box<Block>),
    /// Goes back to where this was called from.
    End,
}

/// How a value is found.
#[derive(Debug)]
pub(crate) enum Path {
    /// The current item.
    Item,
    /// A name, searched from the innermost context outwards.
    Name(Box<str>),
    /// A name that is searched, and the names below it, which are not. At least two.
    Dotted(Box<[Box<str>]>),
}

#[derive(Debug)]
pub(crate) struct Show {
    pub(crate) path: Path,
    pub(crate) escaping: Escaping,
}

/// How a tag shows its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escaping {
    Escaped,
    Raw,
}

#[derive(Debug)]
pub(crate) struct Inverted {
    pub(crate) path: Path,
    /// The instruction behind the section's end.
    pub(crate) end: usize,
}

#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) path: Path,
    /// The instruction behind the section's end.
    pub(crate) end: usize,
    /// What is inside might look at a value that is only `true`.
    pub(crate) shows_item: bool,
    /// If what is inside has tags that show items and names or leave them out, and no others: its
    /// last text and its first, as they stand between two items.
    pub(crate) between: Option<Text>,
    /// What is inside, for a lambda, as a range of the source.
    pub(crate) raw: Range<usize>,
    /// Where the tag stands in the source.
    pub(crate) place: Range<usize>,
    pub(crate) delimiters: Option<Delimiters>,
}

#[derive(Debug)]
pub(crate) struct Include {
    pub(crate) target: Target,
    /// For a tag that is alone on its line: the white space before it.
    pub(crate) indent: Option<Box<str>>,
    /// What replaces the blocks of a parent, in the order of the names.
    pub(crate) arguments: Vec<Argument>,
    /// The instruction behind the arguments.
    pub(crate) end: usize,
    /// Where the tag stands in the source.
    pub(crate) place: Range<usize>,
}

/// Which template is called.
#[derive(Debug)]
pub(crate) enum Target {
    /// A name that has not been looked up.
    Named(Box<str>),
    /// The number of a template in its set.
    Linked(usize),
    /// There is none, and nothing is shown.
    Nothing,
    /// The value holds the name.
    Dynamic(Path),
}

#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: Box<str>,
    pub(crate) begin: usize,
    pub(crate) is_empty: bool,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) name: Box<str>,
    /// What replaces the default is indented by this.
    pub(crate) indent: Box<str>,
    /// The tag is alone on its line, so the indentation of the first line is not in the text.
    pub(crate) is_standalone: bool,
    /// The instruction behind the default.
    pub(crate) end: usize,
    /// Where the tag stands in the source.
    pub(crate) place: Range<usize>,
}

impl Path {
    /// Takes the name of a tag.
    pub(super) fn parse(name: &str) -> Self {
        if name == "." {
            Self::Item
        } else if name.contains('.') {
            Self::Dotted(name.split('.').map(Box::from).collect())
        } else {
            Self::Name(name.into())
        }
    }
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let mut padded = text.to_owned();
        while padded.len() < BLOCK_BYTES {
            padded.push(' ');
        }
        Self {
            padded: padded.into(),
            n_bytes: text.len(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.padded[..self.n_bytes]
    }
}

impl Include {
    /// Returns the argument of a name; of several, the first.
    pub(crate) fn argument(&self, name: &str) -> Option<&Argument> {
        let at = self.arguments.partition_point(|known| *known.name < *name);
        self.arguments.get(at).filter(|found| *found.name == *name)
    }
}

impl Program {
    /// Makes an error of a place in the source.
    pub(crate) fn error(&self, kind: crate::ErrorKind, place: Range<usize>) -> Error {
        Error::at(kind, &self.name, &self.source, place)
    }
}
