//! Goes through lists.

use super::buffer::{write_text, write_value};
use super::calls::Position;
use super::machine::{Machine, Next, Step, write_name};
use super::scopes::List;
use crate::Value;
use crate::compile::{Op, Program, Section};
use crate::context::Items;

impl<'d> Machine<'_, 'd> {
    /// Begins a section of a list, or goes through all of it.
    #[inline(never)]
    pub(super) fn go_through(
        &mut self,
        program: &Program,
        section: &Section,
        items: &'d dyn Items,
        here: Position,
    ) -> Step<Next> {
        if items.is_empty() {
            return Ok(Next::Goes(section.end));
        }
        self.check_depth(program, &section.place)?;
        if section.is_flat && !self.calls.is_indented() {
            return self.repeat_items(program, section, items, here);
        }
        let id = self.section(here.at);
        self.scopes.enter_list(List::Items(items), 0, id);
        Ok(Next::Enters(here.at + 1))
    }

    #[inline(never)]
    fn repeat_items(
        &mut self,
        program: &Program,
        section: &Section,
        items: &'d dyn Items,
        here: Position,
    ) -> Step<Next> {
        let item = |index| items.item(index);
        self.repeat(program, section, List::Items(items), item, here)
    }

    /// Goes through a list whose section shows items and names only, as many do. It has no jumps,
    /// and no scope is entered.
    #[inline(always)]
    pub(super) fn repeat(
        &mut self,
        program: &Program,
        section: &Section,
        list: List<'d>,
        mut next: impl FnMut(usize) -> Value<'d>,
        here: Position,
    ) -> Step<Next> {
        let Some((last, body)) = program.code[here.at + 1..section.end].split_last() else {
            return Ok(Next::Goes(section.end));
        };
        let escape = self.output.escape;
        let mut end = self.output.buffer.end;
        for index in 0..list.len() {
            let item = next(index);
            let bytes = &mut self.output.buffer.bytes;
            for (i, instruction) in body.iter().enumerate() {
                end = write_text(&instruction.text, bytes, end);
                let written = match &instruction.op {
                    Op::Item => write_value(&item, escape, bytes, end),
                    Op::Name(name) => {
                        let outside = || self.scopes.find(name);
                        write_name(name, &item, outside, escape, bytes, end)
                    }
                    _ => Some(end),
                };
                let Some(written) = written else {
                    // It is called, and may look at what is around.
                    self.output.buffer.end = end;
                    self.scopes.enter_list(list, index, self.section(here.at));
                    let at = here.at + 1 + i;
                    return match self.rarely(program, &instruction.op, Position { at, ..here })? {
                        Next::Goes(to) => Ok(Next::Enters(to)),
                        next => Ok(next),
                    };
                };
                end = written;
            }
            end = write_text(&last.text, bytes, end);
            self.charge(body.len() + 1, program)?;
            if end > self.output.mark {
                self.output.buffer.end = end;
                self.drain_if_full(program)?;
                end = self.output.buffer.end;
            }
        }
        self.output.buffer.end = end;
        Ok(Next::Goes(section.end))
    }
}
