//! Goes through lists.

use super::calls::Position;
use super::machine::{Machine, Next, Step, push_found};
use super::scopes::List;
use super::show::{push_text, push_value};
use crate::Value;
use crate::compile::{Op, Path, Program, Section};
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
        self.repeat_items(program, section, items, here)
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

    /// Goes through a list whose section shows items and names only, as many do, or leaves them
    /// out. No scope is entered there; elsewhere the first item's is.
    #[inline(always)]
    fn repeat(
        &mut self,
        program: &Program,
        section: &Section,
        list: List<'d>,
        mut next: impl FnMut(usize) -> Value<'d>,
        here: Position,
    ) -> Step<Next> {
        let id = self.section(here.at);
        let between = section.between.as_ref();
        let Some(between) = between.filter(|_| !self.calls.is_indented()) else {
            self.scopes.enter_list(list, 0, id);
            return Ok(Next::Goes(here.at + 1));
        };
        let body = &program.code[..section.end - 1];
        let (begin, end) = (&body[here.at + 1], &program.code[section.end - 1]);
        let escape = self.output.escape;
        let mut text = std::mem::take(&mut self.output.text);
        push_text(&begin.text, &mut text);
        let n_items = list.len();
        for index in 0..n_items {
            let item = next(index);
            let n_bytes = text.len();
            let mut op = &begin.op;
            let mut rest = body[here.at + 2..].iter();
            loop {
                let done = match op {
                    Op::Item => push_value(&item, escape, &mut text),
                    Op::Name(name) => {
                        let outside = || self.scopes.find(name);
                        push_found(&item.field(name), outside, escape, &mut text)
                    }
                    Op::Section(section) => match entered(section, &item) {
                        Some(true) => Some(()),
                        Some(false) => {
                            rest = body[section.end..].iter();
                            Some(())
                        }
                        None => None,
                    },
                    _ => Some(()),
                };
                if done.is_none() {
                    // It needs a scope or a call, so this item begins again with one.
                    text.truncate(n_bytes - begin.text.n_bytes);
                    self.output.text = text;
                    self.scopes.enter_list(list, index, id);
                    return Ok(Next::Goes(here.at + 1));
                }
                let Some(instruction) = rest.next() else {
                    break;
                };
                push_text(&instruction.text, &mut text);
                op = &instruction.op;
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
