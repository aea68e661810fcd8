//! Begins and ends the calls of partials, parents, blocks and lambdas.

use std::ops::Range;
use std::rc::Rc;

use super::calls::{CallEnd, Parent, Position};
use super::machine::{Machine, Next, Step};
use crate::compile::{Block, Delimiters, Include, Op, Program, Section, Target, compile};
use crate::{Error, ErrorKind, Lambda};

impl<'d> Machine<'_, 'd> {
    /// Begins a call of what a lambda makes of a section.
    pub(super) fn call_section(
        &mut self,
        program: &Program,
        section: &Section,
        lambda: &dyn Lambda,
        here: Position,
    ) -> Step<Next> {
        let text = lambda.call(&program.source[section.raw.clone()]);
        let delimiters = section.delimiters.clone().unwrap_or_default();
        let place = Some(&section.place);
        let back = Position {
            at: section.end,
            ..here
        };
        self.call_text(program, &text, &delimiters, place, back, CallEnd::Discard)
    }

    /// Begins a call of what a lambda answered.
    pub(super) fn call_text(
        &mut self,
        caller: &Program,
        text: &str,
        delimiters: &Delimiters,
        place: Option<&Range<usize>>,
        back: Position,
        end: CallEnd,
    ) -> Step<Next> {
        let fail = |kind| match place {
            Some(place) => caller.error(kind, place.clone()),
            None => Error::of(kind, &caller.name),
        };
        let refuse = |error| fail(ErrorKind::Lambda(error));
        let mut program = compile(&caller.name, text, delimiters).map_err(refuse)?;
        self.set.link(&mut program).map_err(refuse)?;
        self.charge(program.code.len(), caller)?;
        if !self.is_shallow() {
            return Err(fail(ErrorKind::TooDeep));
        }
        self.answered.push(Rc::new(program));
        self.calls.push(back, end);
        Ok(Next::Leaves(Some(Position {
            program: self.set.programs.len() + self.answered.len() - 1,
            at: 0,
        })))
    }

    /// Begins a call of a partial among text that is not indented; returns where it begins.
    ///
    /// For all else, and for what ends in an error, there is [`include`](Self::include).
    #[inline(always)]
    pub(super) fn call_partial(&mut self, include: &Include, here: Position) -> Option<Position> {
        let (Target::Linked(program), None) = (&include.target, &include.indent) else {
            return None;
        };
        if !include.arguments.is_empty() || !self.is_shallow() {
            return None;
        }
        let program = *program;
        let n_steps = self.set.programs[program].code.len() as u64;
        self.steps_left = self.steps_left.checked_sub(n_steps)?;
        let at = include.end;
        self.calls.push(Position { at, ..here }, CallEnd::Return);
        Some(Position { program, at: 0 })
    }

    /// Ends such a call; for all others there is [`end_call`](Self::end_call).
    #[inline(always)]
    pub(super) fn end_partial(&mut self) -> Option<Position> {
        let back = self.calls.plain_back()?;
        if back.program >= self.set.programs.len() {
            return None;
        }
        self.calls.pop();
        Some(back)
    }

    pub(super) fn include(
        &mut self,
        program: &Program,
        include: &Include,
        here: Position,
    ) -> Step<Next> {
        let Some(index) = self.target(program, &include.target) else {
            return Ok(Next::Goes(include.end));
        };
        self.charge(self.set.programs[index].code.len(), program)?;
        self.check_depth(program, &include.place)?;
        let back = Position {
            at: include.end,
            ..here
        };
        self.calls.push(back, CallEnd::Return);
        match &include.indent {
            Some(indent) => self.calls.indent_by(indent),
            None => self.calls.unindent(),
        }
        if !include.arguments.is_empty() {
            self.calls.enter_parent(here);
        }
        Ok(Next::Leaves(Some(Position {
            program: index,
            at: 0,
        })))
    }

    fn target(&self, program: &Program, target: &Target) -> Option<usize> {
        match target {
            Target::Linked(index) => Some(*index),
            Target::Nothing => None,
            Target::Named(name) => self.set.resolve(name, &program.name),
            Target::Dynamic(path) => {
                let name = self.value(path).text()?;
                self.set.resolve(&name, &program.name)
            }
        }
    }

    /// Begins a call of what replaces a block, if something does.
    pub(super) fn replace(
        &mut self,
        program: &Program,
        block: &Block,
        here: Position,
    ) -> Step<Next> {
        // The outermost goes first: it is the last that was written for this page.
        let found = self
            .calls
            .parents()
            .filter_map(|parent| Some((parent, self.argument(parent, &block.name)?)))
            .last();
        let Some((parent, (begin, is_empty, n_steps))) = found else {
            return Ok(Next::Goes(here.at + 1));
        };
        self.charge(n_steps, program)?;
        self.check_depth(program, &block.place)?;
        let back = Position {
            at: block.end,
            ..here
        };
        self.calls.push(back, CallEnd::Return);
        self.calls.see_from(parent);
        self.calls.indent_by(&block.indent);
        if block.is_standalone && !is_empty {
            self.output.text.push_str(self.calls.indent());
        }
        Ok(Next::Leaves(Some(begin)))
    }

    /// Returns where a parent's argument begins, and how it is.
    fn argument(&self, parent: Parent, name: &str) -> Option<(Position, bool, usize)> {
        let Position { program, at } = parent.include;
        let program_ref = match program.checked_sub(self.set.programs.len()) {
            None => &self.set.programs[program],
            Some(index) => &*self.answered[index],
        };
        let Op::Include(include) = &program_ref.code[at].op else {
            return None;
        };
        let argument = include.argument(name)?;
        let position = Position {
            program,
            at: argument.begin,
        };
        Some((position, argument.is_empty, include.end - argument.begin))
    }

    pub(super) fn end_call(&mut self) -> Option<Position> {
        let (back, end) = self.calls.pop()?;
        match end {
            CallEnd::Return => {}
            CallEnd::Discard => {
                self.answered.pop();
            }
            CallEnd::DiscardAndEscape(begin) => {
                self.answered.pop();
                self.output.end_capture(begin);
            }
        }
        Some(back)
    }
}
