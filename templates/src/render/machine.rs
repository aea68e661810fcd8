//! Goes through the instructions.

use std::rc::Rc;

use super::calls::{CallEnd, Calls, Parent, Position};
use super::output::{Output, Shown};
use super::scopes::{Meaning, Scopes, SectionId};
use crate::compile::{
    Argument, Block, Delimiters, Include, Instruction, Op, Path, Program, Section, Target, compile,
};
use crate::set::Set;
use crate::{Error, ErrorKind, Lambda, Value};

pub(super) struct Machine<'r, 'd> {
    set: &'r Set,
    scopes: Scopes<'d>,
    calls: Calls,
    output: Output<'r>,
    /// Templates that lambdas answered; they end in the reverse order.
    answered: Vec<Rc<Program>>,
    steps_left: u64,
}

/// What went wrong, and whether there is a place for it.
type Step<T> = Result<T, Error>;

impl<'r, 'd> Machine<'r, 'd> {
    pub(super) fn new(set: &'r Set, data: Value<'d>, output: Output<'r>) -> Self {
        Self {
            set,
            scopes: Scopes::new(data),
            calls: Calls::default(),
            output,
            answered: Vec::new(),
            steps_left: set.config.max_steps,
        }
    }

    /// Runs a program of the set and all that it calls.
    pub(super) fn run(mut self, index: usize) -> Step<()> {
        let mut next = Some(Position {
            program: index,
            at: 0,
        });
        while let Some(position) = next {
            let answered;
            let set = self.set;
            let program = match position.program.checked_sub(set.programs.len()) {
                None => &set.programs[position.program],
                Some(index) => {
                    answered = Rc::clone(&self.answered[index]);
                    &*answered
                }
            };
            next = self.run_program(program, position)?;
        }
        let name = &self.set.programs[index].name;
        self.output.finish().map_err(|kind| Error::of(kind, name))
    }

    /// Runs a program until it calls an other one, or ends; returns where to go on.
    fn run_program(&mut self, program: &Program, from: Position) -> Step<Option<Position>> {
        let whole = |kind| Error::of(kind, &program.name);
        let mut here = from;
        loop {
            let instruction = &program.code[here.at];
            self.write_text(instruction);
            self.output.check().map_err(whole)?;
            match &instruction.op {
                Op::Text => here.at += 1,
                Op::Variable(path) => {
                    let shown = self.output.show(self.value(path)).map_err(whole)?;
                    here.at += 1;
                    if let Shown::Lambda(lambda) = shown {
                        let begin = self.output.begin_capture();
                        let end = CallEnd::DiscardAndEscape(begin);
                        return self.call_variable(program, lambda, here, end).map(Some);
                    }
                }
                Op::Raw(path) => {
                    let shown = self.output.show_raw(self.value(path)).map_err(whole)?;
                    here.at += 1;
                    if let Shown::Lambda(lambda) = shown {
                        let end = CallEnd::Discard;
                        return self.call_variable(program, lambda, here, end).map(Some);
                    }
                }
                Op::Section(section) => match self.enter(program, section, here)? {
                    Entered::Goes(at) => here.at = at,
                    Entered::Calls(position) => return Ok(Some(position)),
                },
                Op::Inverted { path, end } => {
                    here.at = match Meaning::of(self.value(path)) {
                        Meaning::Nothing => here.at + 1,
                        _ => *end,
                    }
                }
                Op::EndSection { begin } => {
                    if self.scopes.advance(self.section(*begin)) {
                        self.charge(here.at - begin).map_err(whole)?;
                        here.at = begin + 1;
                    } else {
                        here.at += 1;
                    }
                }
                Op::Include(include) => match self.include(program, include, here)? {
                    Some(position) => return Ok(Some(position)),
                    None => here.at = include.end,
                },
                Op::Block(block) => match self.replace(program, block, here)? {
                    Some(position) => return Ok(Some(position)),
                    None => here.at += 1,
                },
                Op::End => return Ok(self.end_call()),
            }
        }
    }

    #[inline]
    fn write_text(&mut self, instruction: &Instruction) {
        if self.calls.is_indented() {
            self.write_indented(instruction);
        } else {
            self.output.push(&instruction.text);
        }
    }

    #[cold]
    fn write_indented(&mut self, instruction: &Instruction) {
        let indent = self.calls.indent();
        let mut begins_line = instruction.text_begins_line;
        for line in instruction.text.split_inclusive('\n') {
            // An empty line stays empty.
            if begins_line && !matches!(line, "\n" | "\r\n") {
                self.output.push(indent);
            }
            self.output.push(line);
            begins_line = true;
        }
        if instruction.tag_begins_line {
            self.output.push(indent);
        }
    }

    #[inline]
    fn value(&self, path: &Path) -> Value<'d> {
        match path {
            Path::Item => self.scopes.item(),
            Path::Name(name) => self.scopes.find(name),
            Path::Dotted(names) => self.dotted(names),
        }
    }

    /// Searches the first name; the others must be found below it.
    fn dotted(&self, names: &[Box<str>]) -> Value<'d> {
        let mut names = names.iter();
        let first = names.next().map(|name| self.scopes.find(name));
        let mut value = first.unwrap_or(Value::MISSING);
        for name in names {
            if value.is_missing() {
                break;
            }
            value = value.field(name);
        }
        value
    }

    fn section(&self, begin: usize) -> SectionId {
        SectionId {
            begin,
            n_calls: self.calls.len(),
        }
    }

    fn enter(&mut self, program: &Program, section: &Section, here: Position) -> Step<Entered> {
        let value = self.value(&section.path);
        let meaning = Meaning::of(value);
        let fail = |kind| program.error(kind, section.place.clone());
        if !matches!(meaning, Meaning::Nothing) {
            self.charge(section.end - here.at).map_err(fail)?;
            self.check_depth().map_err(fail)?;
        }
        let id = self.section(here.at);
        match meaning {
            Meaning::Nothing => return Ok(Entered::Goes(section.end)),
            Meaning::Flag if !section.shows_item => {}
            Meaning::Flag | Meaning::Context => self.scopes.enter(value, id),
            Meaning::List => self.scopes.enter_list(value, id),
            Meaning::Lambda(lambda) => {
                let raw = &program.source[section.raw.clone()];
                let text = lambda.call(raw);
                let delimiters = section.delimiters.clone().unwrap_or_default();
                let back = Position {
                    at: section.end,
                    ..here
                };
                let end = CallEnd::Discard;
                let position = self
                    .call_text(&program.name, &text, &delimiters, back, end)
                    .map_err(fail)?;
                return Ok(Entered::Calls(position));
            }
        }
        Ok(Entered::Goes(here.at + 1))
    }

    fn call_variable(
        &mut self,
        program: &Program,
        lambda: &dyn Lambda,
        back: Position,
        end: CallEnd,
    ) -> Step<Position> {
        let text = lambda.call("");
        self.call_text(&program.name, &text, &Delimiters::default(), back, end)
            .map_err(|kind| Error::of(kind, &program.name))
    }

    /// Begins a call of what a lambda answered.
    fn call_text(
        &mut self,
        name: &str,
        text: &str,
        delimiters: &Delimiters,
        back: Position,
        end: CallEnd,
    ) -> Result<Position, ErrorKind> {
        let mut program = compile(name, text, delimiters).map_err(ErrorKind::Lambda)?;
        self.set.link(&mut program).map_err(ErrorKind::Lambda)?;
        self.charge(program.code.len())?;
        self.check_depth()?;
        self.answered.push(Rc::new(program));
        self.calls.push(back, end);
        Ok(Position {
            program: self.set.programs.len() + self.answered.len() - 1,
            at: 0,
        })
    }

    fn include(
        &mut self,
        program: &Program,
        include: &Include,
        here: Position,
    ) -> Step<Option<Position>> {
        let Some(index) = self.target(program, &include.target) else {
            return Ok(None);
        };
        let fail = |kind| program.error(kind, include.place.clone());
        self.charge(self.set.programs[index].code.len())
            .map_err(fail)?;
        self.check_depth().map_err(fail)?;
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
        Ok(Some(Position {
            program: index,
            at: 0,
        }))
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
    fn replace(
        &mut self,
        program: &Program,
        block: &Block,
        here: Position,
    ) -> Step<Option<Position>> {
        // The outermost goes first: it is the last that was written for this page.
        let found = self
            .calls
            .parents()
            .filter_map(|parent| Some((parent, self.argument(parent, &block.name)?)))
            .last();
        let Some((parent, (begin, is_empty, n_steps))) = found else {
            return Ok(None);
        };
        let fail = |kind| program.error(kind, block.place.clone());
        self.charge(n_steps).map_err(fail)?;
        self.check_depth().map_err(fail)?;
        let back = Position {
            at: block.end,
            ..here
        };
        self.calls.push(back, CallEnd::Return);
        self.calls.see_from(parent);
        self.calls.indent_by(&block.indent);
        if block.is_standalone && !is_empty {
            self.output.push(self.calls.indent());
        }
        Ok(Some(begin))
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
        let Argument {
            begin, is_empty, ..
        } = include.argument(name)?;
        let position = Position {
            program,
            at: *begin,
        };
        Some((position, *is_empty, include.end - begin))
    }

    fn end_call(&mut self) -> Option<Position> {
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

    /// Pays for instructions that are about to be run.
    #[inline]
    fn charge(&mut self, n_steps: usize) -> Result<(), ErrorKind> {
        match self.steps_left.checked_sub(n_steps as u64) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => Err(ErrorKind::TooManySteps),
        }
    }

    fn check_depth(&self) -> Result<(), ErrorKind> {
        if self.scopes.depth() + self.calls.len() < self.set.config.max_depth {
            Ok(())
        } else {
            Err(ErrorKind::TooDeep)
        }
    }
}

/// How a section is entered.
enum Entered {
    Goes(usize),
    Calls(Position),
}
