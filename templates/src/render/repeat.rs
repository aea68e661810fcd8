//! Goes through lists.

use super::calls::Position;
use super::machine::{Machine, Next, Step, push_found};
use super::scopes::List;
use super::show::{push_text, push_value};
use crate::Value;
use crate::compile::{Instruction, Op, Path, Program, Section};
use crate::context::{Items, Kind};

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
        self.repeat_items(program, section, items, n_items, here)
    }

    #[inline(never)]
    fn repeat_items(
        &mut self,
        program: &Program,
        section: &Section,
        items: &'d dyn Items,
        n_items: usize,
        here: Position,
    ) -> Step<Next> {
        let list = List::Items(items);
        let item = |index| items.item(index);
        self.repeat(program, section, (list, n_items), item, here)
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
        let item = |_| cursor.next();
        self.repeat(program, section, (list, list.len()), item, here)
    }

    /// Goes through a list whose section shows items and names only, as many do, or leaves them
    /// out. No scope is entered there; elsewhere the first item's is.
    #[inline(always)]
    fn repeat(
        &mut self,
        program: &Program,
        section: &Section,
        (list, n_items): (List<'d>, usize),
        mut next: impl FnMut(usize) -> Value<'d>,
        here: Position,
    ) -> Step<Next> {
        let id = self.section(here.at);
        let inside = &program.code[here.at + 1..section.end];
        let is_indented = self.calls.is_indented();
        let (Some(between), [begin, others @ .., end], false) =
            (&section.between, inside, is_indented)
        else {
            self.scopes.enter_list(list, 0, id);
            return Ok(Next::Goes(here.at + 1));
        };
        let mut text = std::mem::take(&mut self.output.text);
        push_text(&begin.text, &mut text);
        for index in 0..n_items {
            let n_bytes = text.len();
            if !self.show_item(&next(index), &begin.op, others, here.at + 2, &mut text) {
                // This item begins again with a scope.
                text.truncate(n_bytes - begin.text.n_bytes);
                self.output.text = text;
                self.scopes.enter_list(list, index, id);
                return Ok(Next::Goes(here.at + 1));
            }
            if text.len() > self.output.mark {
                self.output.text = text;
                self.drain_if_full(program)?;
                text = std::mem::take(&mut self.output.text);
            }
            if index + 1 < n_items {
                push_text(between, &mut text);
            }
        }
        push_text(&end.text, &mut text);
        self.output.text = text;
        Ok(Next::Goes(section.end))
    }

    /// Shows an item, by a tag and the instructions behind it, of which the first has the number
    /// `offset`. It answers false for what needs a scope or a call.
    #[inline(always)]
    fn show_item<'p>(
        &self,
        item: &Value<'d>,
        mut op: &'p Op,
        others: &'p [Instruction],
        offset: usize,
        text: &mut String,
    ) -> bool {
        let escape = self.output.escape;
        let mut rest = others.iter();
        loop {
            let done = match op {
                Op::Item => push_value(item, escape, text),
                Op::Name(name) => {
                    let outside = || self.scopes.find(name);
                    push_found(&item.field(name), outside, escape, text)
                }
                Op::Section(section) => match entered(section, item) {
                    Some(true) => Some(()),
                    Some(false) => {
                        rest = others[section.end - offset..].iter();
                        Some(())
                    }
                    None => None,
                },
                _ => Some(()),
            };
            if done.is_none() {
                return false;
            }
            let Some(instruction) = rest.next() else {
                return true;
            };
            push_text(&instruction.text, text);
            op = &instruction.op;
        }
    }
}

/// Tells whether a section is rendered that has no value of its own.
#[inline(always)]
fn entered(section: &Section, item: &Value<'_>) -> Option<bool> {
    let Path::Name(name) = &section.path else {
        return None;
    };
    match item.field(name).0 {
        Kind::Bool(flag) => Some(flag),
        Kind::Null => Some(false),
        _ => None,
    }
}
