//! Goes through the instructions.

use std::ops::Range;
use std::rc::Rc;

use super::calls::{CallEnd, Calls, Position};
use super::output::Output;
use super::scopes::{List, Meaning, Scopes, SectionId};
use super::show::{push_text, push_value};
use crate::compile::{Delimiters, Escaping, Include, Instruction, Op, Path, Program, Section};
use crate::context::{Items, Kind};
use crate::set::Set;
use crate::{Error, ErrorKind, Escape, Value};

pub(super) struct Machine<'r, 'd> {
    pub(super) set: &'r Set,
    pub(super) scopes: Scopes<'d>,
    pub(super) calls: Calls,
    pub(super) output: Output<'r>,
    /// Templates that lambdas answered; they end in the reverse order.
    pub(super) answered: Vec<Rc<Program>>,
    pub(super) steps_left: u64,
}

/// What came of a step.
pub(super) type Step<T> = Result<T, Error>;

impl<'r, 'd> Machine<'r, 'd> {
    #[inline(always)]
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
    #[inline(always)]
    pub(super) fn run(mut self, index: usize) -> Step<String> {
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
            next = if self.calls.is_indented() {
                self.run_program::<true>(program, position)?
            } else {
                self.run_program::<false>(program, position)?
            };
        }
        let name = &self.set.programs[index].name;
        self.output.finish().map_err(|kind| Error::of(kind, name))
    }

    /// Runs a program until it calls an other one, or ends; returns where to go on.
    ///
    /// What happens often stands here, and the rest in functions that get the text back.
    fn run_program<'p, const IS_INDENTED: bool>(
        &mut self,
        mut program: &'p Program,
        mut from: Position,
    ) -> Step<Option<Position>>
    where
        'r: 'p,
    {
        let mut code = &*program.code;
        let mut at = from.at;
        let mut text = std::mem::take(&mut self.output.text);
        loop {
            let instruction = &code[at];
            if IS_INDENTED {
                text = push_indented(instruction, self.calls.indent(), text);
            } else {
                push_text(&instruction.text, &mut text);
            }
            let often = self.often(&instruction.op, &mut at, &mut text);
            if let Often::Done = often {
                at += 1;
            }
            if text.len() <= self.output.mark {
                let to = match often {
                    Often::Done => continue,
                    Often::Calls(include) if !IS_INDENTED => self.call_partial(include, from),
                    Often::Ended if !IS_INDENTED => self.end_partial(),
                    _ => None,
                };
                if let Some(to) = to {
                    program = &self.set.programs[to.program];
                    code = &program.code;
                    (from, at) = (to, to.at);
                    continue;
                }
            }
            self.output.text = text;
            let here = Position { at, ..from };
            let next = match often {
                Often::Done => Next::Goes(at),
                Often::Found(section, items) => self.go_through(program, section, items, here)?,
                Often::Ended => Next::Leaves(self.end_call()),
                Often::Calls(_) | Often::Not => self.rarely(program, &instruction.op, here)?,
            };
            match next {
                Next::Goes(to) => at = to,
                Next::Leaves(Some(to)) if self.stays::<IS_INDENTED>(to) => {
                    program = &self.set.programs[to.program];
                    code = &program.code;
                    (from, at) = (to, to.at);
                }
                Next::Leaves(position) => return Ok(position),
            }
            self.drain_if_full(program)?;
            text = std::mem::take(&mut self.output.text);
        }
    }

    /// Does what is done often, and in most instructions.
    #[inline(always)]
    fn often<'p>(&mut self, op: &'p Op, at: &mut usize, text: &mut String) -> Often<'p, 'd> {
        let item = self.scopes.item();
        let done = match op {
            Op::Nothing => Some(()),
            Op::Item => push_value(&item.value(), self.output.escape, text),
            Op::Name(name) => {
                let outside = || self.scopes.find_outside(name);
                push_found(&item.field(name), outside, self.output.escape, text)
            }
            Op::EndSection { begin } => {
                if self.scopes.is_in(self.section(*begin)) && self.scopes.advance() {
                    *at = *begin;
                }
                Some(())
            }
            Op::Section(section) => match &section.path {
                Path::Name(name) => match item.field(name).0 {
                    Kind::Bool(false) | Kind::Null => {
                        *at = section.end - 1;
                        Some(())
                    }
                    Kind::Bool(true) if !section.shows_item => Some(()),
                    Kind::Items(items) => return Often::Found(section, items),
                    _ => None,
                },
                Path::Item | Path::Dotted(_) => None,
            },
            Op::End => return Often::Ended,
            Op::Include(include) => return Often::Calls(include),
            Op::Show(_) | Op::Inverted(_) | Op::Block(_) => None,
        };
        done.map_or(Often::Not, |()| Often::Done)
    }

    /// Tells whether a call, or its end, is an other place of the same loop.
    #[inline]
    fn stays<const IS_INDENTED: bool>(&self, to: Position) -> bool {
        to.program < self.set.programs.len() && self.calls.is_indented() == IS_INDENTED
    }

    pub(super) fn drain_if_full(&mut self, program: &Program) -> Step<()> {
        if self.output.text.len() <= self.output.mark {
            return Ok(());
        }
        let drained = self.output.drain();
        drained.map_err(|kind| Error::of(kind, &program.name))
    }

    #[inline(never)]
    pub(super) fn rarely(&mut self, program: &Program, op: &Op, here: Position) -> Step<Next> {
        let behind = Position {
            at: here.at + 1,
            ..here
        };
        Ok(match op {
            Op::Item => self.show(
                program,
                self.scopes.item().value(),
                Escaping::Escaped,
                behind,
            )?,
            Op::Name(name) => {
                let value = self.scopes.find(name);
                self.show(program, value, Escaping::Escaped, behind)?
            }
            Op::Show(show) => {
                let value = self.value(&show.path);
                self.show(program, value, show.escaping, behind)?
            }
            Op::Section(section) => self.enter(program, section, here)?,
            Op::Inverted(inverted) => match Meaning::of(self.value(&inverted.path)) {
                Meaning::Nothing => Next::Goes(behind.at),
                _ => Next::Goes(inverted.end),
            },
            Op::Include(include) => self.include(program, include, here)?,
            Op::Block(block) => self.replace(program, block, here)?,
            Op::End => Next::Leaves(self.end_call()),
            Op::Nothing | Op::EndSection { .. } => Next::Goes(behind.at),
        })
    }

    /// Shows a value; begins a call if it is a lambda.
    fn show(
        &mut self,
        program: &Program,
        value: Value<'d>,
        escaping: Escaping,
        back: Position,
    ) -> Step<Next> {
        let escape = match escaping {
            Escaping::Escaped => self.output.escape,
            Escaping::Raw => Escape::None,
        };
        if push_value(&value, escape, &mut self.output.text).is_some() {
            return Ok(Next::Goes(back.at));
        }
        let Kind::Lambda(lambda) = value.0 else {
            let text = value.text();
            let text = text.ok_or_else(|| Error::of(ErrorKind::Display, &program.name))?;
            self.output.text.push_str(&escape.escaped(&text));
            return Ok(Next::Goes(back.at));
        };
        let end = match escaping {
            Escaping::Raw => CallEnd::Discard,
            Escaping::Escaped => CallEnd::DiscardAndEscape(self.output.begin_capture()),
        };
        let text = lambda.call("");
        let delimiters = Delimiters::default();
        self.call_text(program, &text, &delimiters, None, back, end)
    }

    #[inline]
    pub(super) fn value(&self, path: &Path) -> Value<'d> {
        match path {
            Path::Name(name) => self.scopes.find(name),
            Path::Item => self.scopes.item().value(),
            Path::Dotted(names) => self.dotted(names),
        }
    }

    /// Searches the first name; the others must be found below it.
    #[inline(never)]
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

    pub(super) fn section(&self, begin: usize) -> SectionId {
        SectionId {
            begin,
            n_calls: self.calls.len(),
        }
    }

    fn enter(&mut self, program: &Program, section: &Section, here: Position) -> Step<Next> {
        let value = self.value(&section.path);
        let meaning = Meaning::of(value);
        match meaning {
            Meaning::Nothing => return Ok(Next::Goes(section.end)),
            Meaning::Flag if !section.shows_item => return Ok(Next::Goes(here.at + 1)),
            Meaning::Flag | Meaning::Context | Meaning::List(_) | Meaning::Lambda(_) => {}
        }
        if let Meaning::List(List::Items(items)) = meaning {
            return self.go_through(program, section, items, here);
        }
        self.check_depth(program, &section.place)?;
        let id = self.section(here.at);
        match meaning {
            Meaning::List(list) => {
                self.charge_items(program, section, list.len(), here)?;
                return self.repeat_list(program, section, list, here);
            }
            Meaning::Lambda(lambda) => return self.call_section(program, section, lambda, here),
            Meaning::Nothing | Meaning::Flag | Meaning::Context => self.scopes.enter(value, id),
        }
        Ok(Next::Goes(here.at + 1))
    }

    /// Pays for instructions that are run again, or in an other program.
    #[inline]
    pub(super) fn charge(&mut self, n_steps: usize, program: &Program) -> Step<()> {
        match self.steps_left.checked_sub(n_steps as u64) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => Err(Error::of(ErrorKind::TooManySteps, &program.name)),
        }
    }

    /// Pays for all items of a list, before the first.
    pub(super) fn charge_items(
        &mut self,
        program: &Program,
        section: &Section,
        n_items: usize,
        here: Position,
    ) -> Step<()> {
        self.charge(n_items.saturating_mul(section.end - here.at), program)
    }

    pub(super) fn check_depth(&self, program: &Program, place: &Range<usize>) -> Step<()> {
        if self.is_shallow() {
            Ok(())
        } else {
            Err(program.error(ErrorKind::TooDeep, place.clone()))
        }
    }

    pub(super) fn is_shallow(&self) -> bool {
        self.scopes.depth() + self.calls.len() < self.set.config.max_depth
    }
}

/// Writes what a name stands for inside the item, or else outside.
#[inline(always)]
pub(super) fn push_found<'d>(
    inside: &Value<'d>,
    outside: impl FnOnce() -> Value<'d>,
    escape: Escape,
    text: &mut String,
) -> Option<()> {
    if inside.is_missing() {
        push_value(&outside(), escape, text)
    } else {
        push_value(inside, escape, text)
    }
}

/// Writes an instruction's text with its lines indented.
#[cold]
#[inline(never)]
fn push_indented(instruction: &Instruction, indent: &str, mut text: String) -> String {
    let mut begins_line = instruction.text_begins_line;
    for line in instruction.text.as_str().split_inclusive('\n') {
        // An empty line stays empty.
        if begins_line && !matches!(line, "\n" | "\r\n") {
            text.push_str(indent);
        }
        text.push_str(line);
        begins_line = true;
    }
    if instruction.tag_begins_line {
        text.push_str(indent);
    }
    text
}

/// What came of an instruction that is met often.
enum Often<'p, 'd> {
    /// It goes on with the next.
    Done,
    /// A section has a list.
    Found(&'p Section, &'d dyn Items),
    /// A partial or a parent is called.
    Calls(&'p Include),
    /// A program has ended.
    Ended,
    /// It is not.
    Not,
}

/// Where it goes on.
pub(super) enum Next {
    /// At an other instruction.
    Goes(usize),
    /// In an other program, or nowhere.
    Leaves(Option<Position>),
}
