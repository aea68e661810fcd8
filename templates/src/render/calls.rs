//! The templates, blocks and lambdas that called each other, and what each call changed.

/// An instruction of a program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) program: usize,
    pub(super) at: usize,
}

/// What is put back when a call ends.
struct Call {
    back: Position,
    indent: Indent,
    parents: Parents,
    end: CallEnd,
}

/// What is to be done at the end of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum CallEnd {
    /// Nothing more.
    Return,
    /// The program was made for this call.
    Discard,
    /// The same, and what it wrote from this byte on is to be escaped.
    DiscardAndEscape(usize),
}

/// Which part of the white space is written where lines begin.
#[derive(Clone, Copy, Debug, Default)]
struct Indent {
    begin: usize,
    end: usize,
}

/// Whose arguments are in force.
#[derive(Clone, Copy, Debug, Default)]
struct Parents {
    innermost: Option<usize>,
    len: usize,
}

/// A parent tag that has been entered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parent {
    /// The instruction with the arguments.
    pub(super) include: Position,
    /// The one around it, whose arguments go before its own.
    pub(super) outer: Option<usize>,
}

#[derive(Default)]
pub(super) struct Calls {
    stack: Vec<Call>,
    parents: Vec<Parent>,
    innermost: Option<usize>,
    indents: String,
    indent: Indent,
}

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.stack.len()
    }

    /// Begins a call that ends behind `back`.
    pub(super) fn push(&mut self, back: Position, end: CallEnd) {
        self.stack.push(Call {
            back,
            indent: self.indent,
            parents: Parents {
                innermost: self.innermost,
                len: self.parents.len(),
            },
            end,
        });
    }

    /// Returns where the innermost call came from, if there is nothing to be done at its end, and
    /// no line is indented behind it.
    #[inline(always)]
    pub(super) fn plain_back(&self) -> Option<Position> {
        let call = self.stack.last()?;
        let is_plain = matches!(call.end, CallEnd::Return) && call.indent.end == call.indent.begin;
        is_plain.then_some(call.back)
    }

    /// Ends the innermost call, if there is one.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<(Position, CallEnd)> {
        let call = self.stack.pop()?;
        self.indent = call.indent;
        self.indents.truncate(call.indent.end);
        self.innermost = call.parents.innermost;
        self.parents.truncate(call.parents.len);
        Some((call.back, call.end))
    }

    /// Returns the white space that lines begin with.
    #[inline]
    pub(super) fn indent(&self) -> &str {
        &self.indents[self.indent.begin..self.indent.end]
    }

    #[inline]
    pub(super) fn is_indented(&self) -> bool {
        self.indent.end > self.indent.begin
    }

    /// Adds white space for the call that has begun.
    pub(super) fn indent_by(&mut self, indent: &str) {
        self.indents.push_str(indent);
        self.indent.end = self.indents.len();
    }

    /// Takes all white space from the call that has begun: its tag is not alone on its line.
    pub(super) fn unindent(&mut self) {
        self.indent.begin = self.indent.end;
    }

    /// Puts a parent's arguments in force for the call that has begun.
    pub(super) fn enter_parent(&mut self, include: Position) {
        self.parents.push(Parent {
            include,
            outer: self.innermost,
        });
        self.innermost = Some(self.parents.len() - 1);
    }

    /// Returns the parents in force, the innermost first.
    pub(super) fn parents(&self) -> impl Iterator<Item = Parent> {
        let parent = |at: Option<usize>| at.map(|at| self.parents[at]);
        std::iter::successors(parent(self.innermost), move |inner| parent(inner.outer))
    }

    /// Leaves in force, for the call that has begun, what is around a parent: its argument is
    /// text of the template that it stands in.
    pub(super) fn see_from(&mut self, parent: Parent) {
        self.innermost = parent.outer;
    }
}
