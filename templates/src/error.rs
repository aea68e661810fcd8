//! What is wrong with a template, or went wrong while it was rendered, and where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Says what is wrong, and shows the place.
///
/// It is shown as `page:3:5: section `items` is never closed`, with the line and a mark
/// below it.
#[derive(Clone, Debug)]
pub struct Error(Box<Report>);

#[derive(Clone, Debug)]
struct Report {
    kind: ErrorKind,
    place: Option<Place>,
}

/// Says what is wrong, without the place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A tag has no end.
    UnclosedTag,
    /// A section, parent or block has no closing tag; carries its name.
    UnclosedSection(Box<str>),
    /// A closing tag closes nothing; carries its name.
    UnopenedSection(Box<str>),
    /// A closing tag names an other section than the one that is open.
    WrongCloser {
        /// The name of the section that is open.
        open: Box<str>,
        /// The line that it was opened on, counted from 1.
        line: usize,
        /// The name that the closing tag has.
        closer: Box<str>,
    },
    /// A set-delimiter tag does not have two delimiters without `=` and white space.
    BadDelimiter,
    /// A tag has no name, or one with white space; carries what stands there.
    BadName(Box<str>),
    /// There is no template with the name of a partial or parent, which it carries.
    MissingPartial(Box<str>),
    /// The template is longer than `Config::max_template_bytes`.
    TemplateTooLong,
    /// The template is not UTF-8.
    NotUtf8,
    /// The template or its folder could not be read.
    Read(Arc<std::io::Error>),
    /// More than `Config::max_depth` sections and partials are inside each other.
    TooDeep,
    /// More than `Config::max_output_bytes` would be written.
    OutputTooLong,
    /// More than `Config::max_steps` would be made.
    TooManySteps,
    /// What a lambda answered is not a template; carries why.
    Lambda(Error),
    /// A value refused to write itself.
    Display,
    /// The data could not be serialised; carries the reason that it gave.
    Data(Box<str>),
    /// The output could not be written.
    Write(Arc<std::io::Error>),
}

/// Where in a template.
#[derive(Clone, Debug)]
struct Place {
    template: Box<str>,
    line: usize,
    column: usize,
    /// The line's text, without its end.
    text: Box<str>,
    /// How many characters are marked.
    width: usize,
}

impl Error {
    /// Makes an error of a range of a template's source.
    pub(crate) fn at(kind: ErrorKind, template: &str, source: &str, range: Range<usize>) -> Self {
        let before = &source[..range.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = source[line_start..].lines().next().unwrap_or_default();
        let end = range.end.min(line_start + line.len());
        let marked = source.get(range.start..end).unwrap_or_default();
        let place = Place {
            template: template.into(),
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: source[line_start..range.start].chars().count() + 1,
            text: line.into(),
            width: marked.chars().count().max(1),
        };
        Self::new(kind, Some(place))
    }

    /// Makes an error of a template as a whole, or of none.
    pub(crate) fn of(kind: ErrorKind, template: &str) -> Self {
        let place = (!template.is_empty()).then(|| Place {
            template: template.into(),
            line: 0,
            column: 0,
            text: "".into(),
            width: 0,
        });
        Self::new(kind, place)
    }

    fn new(kind: ErrorKind, place: Option<Place>) -> Self {
        Self(Box::new(Report { kind, place }))
    }

    /// Returns what is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns the name of the template, if one is concerned.
    pub fn template(&self) -> Option<&str> {
        self.0.place.as_ref().map(|place| &*place.template)
    }

    /// Returns the line, counted from 1, if there is one.
    pub fn line(&self) -> Option<usize> {
        let place = self.0.place.as_ref()?;
        (place.line > 0).then_some(place.line)
    }

    /// Returns the column, in characters counted from 1, if there is one.
    pub fn column(&self) -> Option<usize> {
        let place = self.0.place.as_ref()?;
        (place.line > 0).then_some(place.column)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { kind, place } = &*self.0;
        let Some(place) = place else {
            return kind.fmt(f);
        };
        if place.line == 0 {
            return write!(f, "{}: {kind}", place.template);
        }
        let (line, column) = (place.line, place.column);
        writeln!(f, "{}:{line}:{column}: {kind}", place.template)?;
        let (number, text) = (line.to_string(), Excerpt::new(place));
        let margin = " ".repeat(number.len());
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", text.line)?;
        write!(f, "{margin} | {}{}", text.indent, text.mark)
    }
}

/// A line made fit to be shown, and the mark below it.
struct Excerpt {
    line: String,
    indent: String,
    mark: String,
}

impl Excerpt {
    /// A minified page has lines that no screen holds: so much is shown on each side.
    const MAX_BEFORE: usize = 60;
    const MAX_BEHIND: usize = 60;

    fn new(place: &Place) -> Self {
        let before = place.column - 1;
        let skipped = before.saturating_sub(Self::MAX_BEFORE);
        let n_shown = (before - skipped + place.width).min(Self::MAX_BEFORE + Self::MAX_BEHIND);
        let shown = || place.text.chars().skip(skipped);
        let line: String = shown()
            .take(n_shown.max(Self::MAX_BEFORE + Self::MAX_BEHIND))
            .map(|c| {
                if c.is_control() && c != '\t' {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect();
        // A tab under a tab keeps the mark below its place.
        let indent = shown()
            .take(before - skipped)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let n_marks = n_shown.saturating_sub(before - skipped).max(1);
        Self {
            line,
            indent,
            mark: "^".repeat(n_marks),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnclosedTag => f.write_str("tag is never closed"),
            Self::UnclosedSection(name) => write!(f, "section `{name}` is never closed"),
            Self::UnopenedSection(name) => write!(f, "`{name}` is closed, but never opened"),
            Self::WrongCloser { open, line, closer } => write!(
                f,
                "`{closer}` is closed, but `{open}`, opened on line {line}, is still open"
            ),
            Self::BadDelimiter => {
                f.write_str("delimiters must be two words without `=`, like `{{=<% %>=}}`")
            }
            Self::BadName(name) if name.is_empty() => f.write_str("tag has no name"),
            Self::BadName(name) => write!(f, "`{name}` is no name"),
            Self::MissingPartial(name) => write!(f, "there is no template `{name}`"),
            Self::TemplateTooLong => f.write_str("template is too long"),
            Self::NotUtf8 => f.write_str("template is not UTF-8"),
            Self::Read(_) => f.write_str("cannot be read"),
            Self::TooDeep => f.write_str("sections and partials are nested too deep"),
            Self::OutputTooLong => f.write_str("output is too long"),
            Self::TooManySteps => f.write_str("rendering takes too many steps"),
            Self::Lambda(_) => f.write_str("lambda answered what is no template"),
            Self::Display => f.write_str("a value cannot be shown"),
            Self::Data(reason) => write!(f, "data cannot be serialised: {reason}"),
            Self::Write(_) => f.write_str("output cannot be written"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            ErrorKind::Read(error) | ErrorKind::Write(error) => Some(error),
            ErrorKind::Lambda(error) => Some(error),
            _ => None,
        }
    }
}
