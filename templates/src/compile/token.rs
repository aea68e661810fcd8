//! What a template is made of.

/// A tag, or text up to the end of its line.
#[derive(Clone, Debug)]
pub(crate) struct Token<'s> {
    pub(super) kind: TokenKind,
    /// Where it stands in the source, the delimiters included.
    pub(super) start: usize,
    pub(super) end: usize,
    /// What the tag names; for text, the text.
    pub(super) text: &'s str,
    /// The name is that of a field, which holds the name that is meant.
    pub(super) is_dynamic: bool,
    /// White space before a tag that is the first of its line; else `None`.
    pub(super) indent: Option<&'s str>,
    /// For a tag: nothing is shown of its line. For text: it is not shown.
    pub(super) is_hidden: bool,
    /// For sections: the delimiters that hold from here on, if not the default ones.
    pub(super) delimiters: Option<Delimiters>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Text,
    Variable,
    Raw,
    Section,
    Inverted,
    Close,
    Partial,
    Parent,
    Block,
    Comment,
    Delimiter,
}

impl Token<'_> {
    /// Tells whether it needs a closing tag.
    pub(super) fn opens(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::Section | TokenKind::Inverted | TokenKind::Parent | TokenKind::Block
        )
    }

    /// Tells whether it is the closing tag of this one.
    pub(super) fn closes(&self, open: &Token<'_>) -> bool {
        if self.is_dynamic == open.is_dynamic {
            self.text == open.text
        } else {
            // Only partials and parents have dynamic names; elsewhere the asterisk is a letter.
            self.is_dynamic && open.text.strip_prefix('*') == Some(self.text)
        }
    }

    pub(super) fn is_text(&self) -> bool {
        self.kind == TokenKind::Text
    }

    /// Tells whether its line ends behind it.
    pub(super) fn ends_line(&self) -> bool {
        self.is_text() && self.text.ends_with('\n')
    }
}

/// What begins and ends a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delimiters {
    pub(super) open: Box<str>,
    pub(super) close: Box<str>,
}

impl Delimiters {
    /// Takes two words from the content of a set-delimiter tag.
    ///
    /// # Spec
    ///
    /// Mustache, delimiters: they must not contain white space nor the equals sign.
    pub(super) fn parse(words: &str) -> Option<Self> {
        let mut parts = words.split_whitespace();
        let (open, close) = (parts.next()?, parts.next()?);
        let is_good = parts.next().is_none() && !words.contains('=');
        is_good.then(|| Self {
            open: open.into(),
            close: close.into(),
        })
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Delimiters {
    fn default() -> Self {
        Self {
            open: "{{".into(),
            close: "}}".into(),
        }
    }
}
