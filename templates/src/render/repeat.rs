//! Goes through lists.

use super::calls::Position;
use super::machine::{Machine, Next, Step, push_found};
use super::scopes::List;
use super::show::{push_text, push_value};
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
        let n_items = items.len();
        if n_items == 0 {
            return Ok(Next::Goes(section.end));
        }
        self.check_depth(program, &section.place)?;
        self.charge_items(program, section, n_items, here)?;
        if section.is_flat && !self.calls.is_indented() {
            return self.repeat_items(program, section, items, here);
        }
        let id = self.section(here.at);
        self.scopes.enter_list(List::Items(items), 0, id);
        Ok(Next::Goes(here.at + 1))
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

    /// The same for a list of any kind.
    #[inline(never)]
    pub(super) fn repeat_list(
        &mut self,
        program: &Program,
        section: &Section,
        list: List<'d>,
        here: Position,
    ) -> Step<Next> {
        let mut cursor = list.cursor();
        self.repeat(program, section, list, |_| cursor.next(), here)
    }

    /// Goes through a list whose section shows items and names only, as many do. It has no jumps,
    /// and no scope is entered.
    #[inline(always)]
    fn repeat(
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
        let mut text = std::mem::take(&mut self.output.text);
        for index in 0..list.len() {
            let item = next(index);
            for (i, instruction) in body.iter().enumerate() {
                push_text(&instruction.text, &mut text);
                let written = match &instruction.op {
                    Op::Item => push_value(&item, escape, &mut text),
                    Op::Name(name) => {
                        let outside = || self.scopes.find(name);
                        push_found(&item.field(name), outside, escape, &mut text)
                    }
                    _ => Some(()),
                };
                if written.is_none() {
                    // It is called, and may look at what is around.
                    self.output.text = text;
                    self.scopes.enter_list(list, index, self.section(here.at));
                    let at = here.at + 1 + i;
                    return self.rarely(program, &instruction.op, Position { at, ..here });
                }
            }
            push_text(&last.text, &mut text);
            if text.len() > self.output.mark {
                self.output.text = text;
                self.drain_if_full(program)?;
                text = std::mem::take(&mut self.output.text);
            }
        }
        self.output.text = text;
        Ok(Next::Goes(section.end))
    }
}
