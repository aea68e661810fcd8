//! The contexts that a name is searched in, and the lists that are gone through.

use crate::context::{Arena, Context, Items, Kind, Shape, Value};

/// The sections around the current place, the innermost apart from the rest.
pub(super) struct Scopes<'d> {
    root: Value<'d>,
    top: Scope<'d>,
    /// Those between the root and the top. A template with sections side by side needs none.
    outer: Vec<Scope<'d>>,
    depth: usize,
}

/// A section that has been entered.
#[derive(Clone, Copy)]
struct Scope<'d> {
    item: Item<'d>,
    rest: Rest<'d>,
    section: SectionId,
}

/// What a section shows.
///
/// What has fields lies apart: a value that is copied as a whole is read in other pieces than it
/// was written in, and the processor would wait, at each item, until it has left for the cache.
#[derive(Clone, Copy)]
pub(super) struct Item<'d> {
    fields: Option<&'d dyn Context>,
    /// What it is if it has no fields.
    other: Value<'d>,
}

/// What is left of a list.
#[derive(Clone, Copy)]
enum Rest<'d> {
    Nothing,
    Items {
        items: &'d dyn Items,
        next: usize,
        len: usize,
    },
    Nodes {
        arena: &'d dyn Arena,
        at: u32,
        n_left: u32,
    },
}

/// Which section: the instruction that begins it, and the number of calls around it, since a
/// template may call itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct SectionId {
    pub(super) begin: usize,
    pub(super) n_calls: usize,
}

/// What a value is to a section.
pub(super) enum Meaning<'d> {
    /// The section is left out.
    Nothing,
    /// The section is rendered with the value as its context.
    Context,
    /// The section is rendered, and there is nothing inside the value.
    Flag,
    /// The section is rendered for each item, of which there is one.
    List(List<'d>),
    /// The section is handed over.
    Lambda(&'d dyn crate::Lambda),
}

/// What a section goes through.
#[derive(Clone, Copy)]
pub(super) enum List<'d> {
    Items(&'d dyn Items),
    /// The children of a node.
    Nodes {
        arena: &'d dyn Arena,
        at: u32,
        n_items: u32,
    },
}

impl<'d> Item<'d> {
    #[inline(always)]
    fn new(value: Value<'d>) -> Self {
        let mut item = Self {
            fields: None,
            other: Value::MISSING,
        };
        item.set(value);
        item
    }

    #[inline(always)]
    fn set(&mut self, value: Value<'d>) {
        match value.0 {
            Kind::Fields(fields) => self.fields = Some(fields),
            _ => {
                self.fields = None;
                self.other = value;
            }
        }
    }

    pub(super) fn value(&self) -> Value<'d> {
        self.fields.map_or(self.other, Value::fields)
    }

    /// Looks a name up, in this item alone.
    #[inline(always)]
    pub(super) fn field(&self, name: &str) -> Value<'d> {
        match self.fields {
            Some(fields) => fields.field(name),
            None => self.other.field(name),
        }
    }
}

impl<'d> List<'d> {
    pub(super) fn len(self) -> usize {
        match self {
            Self::Items(items) => items.len(),
            Self::Nodes { n_items, .. } => n_items as usize,
        }
    }

    /// Begins before the first item.
    pub(super) fn cursor(self) -> Cursor<'d> {
        let node = match self {
            Self::Items(_) => 0,
            Self::Nodes { at, .. } => at + 1,
        };
        Cursor {
            list: self,
            index: 0,
            node,
        }
    }
}

/// A place in a list.
pub(super) struct Cursor<'d> {
    list: List<'d>,
    index: usize,
    node: u32,
}

impl<'d> Cursor<'d> {
    /// Returns the next item, of which there must be one.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Value<'d> {
        match self.list {
            List::Items(items) => {
                self.index += 1;
                items.item(self.index - 1)
            }
            List::Nodes { arena, .. } => {
                let at = self.node;
                self.node = arena.next(at);
                arena.value(at)
            }
        }
    }
}

impl<'d> Meaning<'d> {
    pub(super) fn of(value: Value<'d>) -> Self {
        match value.0 {
            Kind::Missing | Kind::Null | Kind::Bool(false) => Self::Nothing,
            Kind::Items(items) => match items.is_empty() {
                true => Self::Nothing,
                false => Self::List(List::Items(items)),
            },
            Kind::Node(arena, at) => match arena.shape(at) {
                Shape::Items(0) => Self::Nothing,
                Shape::Items(n_items) => Self::List(List::Nodes { arena, at, n_items }),
                Shape::Fields => Self::Context,
            },
            Kind::Lambda(lambda) => Self::Lambda(lambda),
            Kind::Bool(true) => Self::Flag,
            Kind::Unsigned(_)
            | Kind::Signed(_)
            | Kind::Float(_)
            | Kind::Char(_)
            | Kind::Text(_)
            | Kind::Display(_)
            | Kind::Fields(_) => Self::Context,
        }
    }
}

impl<'d> Scopes<'d> {
    #[inline(always)]
    pub(super) fn new(root: Value<'d>) -> Self {
        Self {
            root,
            top: Scope {
                item: Item::new(root),
                rest: Rest::Nothing,
                section: SectionId {
                    begin: usize::MAX,
                    n_calls: 0,
                },
            },
            outer: Vec::new(),
            depth: 0,
        }
    }

    /// Returns the current item.
    #[inline]
    pub(super) fn item(&self) -> &Item<'d> {
        &self.top.item
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Searches a name from the innermost context outwards.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Value<'d> {
        let found = self.top.item.field(name);
        if found.is_missing() {
            self.find_outside(name)
        } else {
            found
        }
    }

    /// Searches a name outside of the innermost context.
    #[inline(never)]
    pub(super) fn find_outside(&self, name: &str) -> Value<'d> {
        for scope in self.outer.iter().rev() {
            let found = scope.item.field(name);
            if !found.is_missing() {
                return found;
            }
        }
        self.root.field(name)
    }

    /// Enters a section with a value as its context.
    pub(super) fn enter(&mut self, value: Value<'d>, section: SectionId) {
        self.push(section);
        self.top.item.set(value);
        self.top.rest = Rest::Nothing;
    }

    /// Enters a section with an item of a list, which has it.
    pub(super) fn enter_list(&mut self, list: List<'d>, index: usize, section: SectionId) {
        self.push(section);
        match list {
            List::Items(items) => {
                self.top.rest = Rest::Items {
                    items,
                    next: index + 1,
                    len: items.len(),
                };
                self.top.item.set(items.item(index));
            }
            List::Nodes { arena, at, n_items } => {
                let at = (0..index).fold(at + 1, |at, _| arena.next(at));
                self.top.rest = Rest::Nodes {
                    arena,
                    at,
                    n_left: n_items.saturating_sub(index as u32 + 1),
                };
                self.top.item.set(arena.value(at));
            }
        }
    }

    /// Makes room for a section's value and rest.
    fn push(&mut self, section: SectionId) {
        if self.depth > 0 {
            self.outer.push(self.top);
        }
        self.depth += 1;
        self.top.section = section;
    }

    /// Tells whether a section is the innermost; one that was entered without a scope is not.
    #[inline]
    pub(super) fn is_in(&self, section: SectionId) -> bool {
        self.top.section == section
    }

    /// Takes the next item of the innermost section; behind the last one leaves it and answers
    /// false.
    #[inline(always)]
    pub(super) fn advance(&mut self) -> bool {
        if let Rest::Items { items, next, len } = &mut self.top.rest {
            if *next < *len {
                self.top.item.set(items.item(*next));
                *next += 1;
                return true;
            }
        }
        self.advance_node()
    }

    #[inline(never)]
    fn advance_node(&mut self) -> bool {
        match &mut self.top.rest {
            Rest::Nodes { arena, at, n_left } if *n_left > 0 => {
                *at = arena.next(*at);
                *n_left -= 1;
                self.top.item.set(arena.value(*at));
                true
            }
            Rest::Nothing | Rest::Items { .. } | Rest::Nodes { .. } => {
                self.leave();
                false
            }
        }
    }

    fn leave(&mut self) {
        let below = self.outer.pop();
        self.top = below.unwrap_or_else(|| Self::new(self.root).top);
        self.depth -= 1;
    }
}
