//! The contexts that a name is searched in, and the lists that are gone through.

use crate::context::{Arena, Items, Kind, Shape, Value};

/// The sections around the current place, the innermost apart from the rest.
pub(super) struct Scopes<'d> {
    root: Value<'d>,
    top: Scope<'d>,
    /// Those between the root and the top. A template with sections side by side needs none.
    outer: Vec<Scope<'d>>,
    depth: usize,
}

/// A section that has been entered.
struct Scope<'d> {
    value: Value<'d>,
    rest: Rest<'d>,
    section: SectionId,
}

/// What is left of a list.
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
    /// The section is rendered, and there is nothing inside the value.
    Flag,
    /// The section is rendered with the value as its context.
    Context,
    /// The section is rendered for each item.
    List,
    /// The section is handed over.
    Lambda(&'d dyn crate::Lambda),
}

impl<'d> Meaning<'d> {
    pub(super) fn of(value: Value<'d>) -> Self {
        match value.0 {
            Kind::Missing | Kind::Null | Kind::Bool(false) => Self::Nothing,
            Kind::Bool(true) => Self::Flag,
            Kind::Items(items) => match items.is_empty() {
                true => Self::Nothing,
                false => Self::List,
            },
            Kind::Node(arena, at) => match arena.shape(at) {
                Shape::Items(0) => Self::Nothing,
                Shape::Items(_) => Self::List,
                Shape::Fields => Self::Context,
            },
            Kind::Lambda(lambda) => Self::Lambda(lambda),
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
    pub(super) fn new(root: Value<'d>) -> Self {
        Self {
            root,
            top: Scope {
                value: root,
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
    pub(super) fn item(&self) -> Value<'d> {
        self.top.value
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Searches a name from the innermost context outwards.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Value<'d> {
        let found = self.top.value.field(name);
        if !found.is_missing() || self.depth == 0 {
            return found;
        }
        for scope in self.outer.iter().rev() {
            let found = scope.value.field(name);
            if !found.is_missing() {
                return found;
            }
        }
        self.root.field(name)
    }

    /// Enters a section with a value as its context.
    pub(super) fn enter(&mut self, value: Value<'d>, section: SectionId) {
        self.push(Scope {
            value,
            rest: Rest::Nothing,
            section,
        });
    }

    /// Enters a section with the first item of a list, which has one.
    pub(super) fn enter_list(&mut self, list: Value<'d>, section: SectionId) {
        let (value, rest) = match list.0 {
            Kind::Items(items) => (
                items.item(0),
                Rest::Items {
                    items,
                    next: 1,
                    len: items.len(),
                },
            ),
            Kind::Node(arena, at) => {
                let n_items = match arena.shape(at) {
                    Shape::Items(n_items) => n_items,
                    Shape::Fields => 0,
                };
                (
                    arena.value(at + 1),
                    Rest::Nodes {
                        arena,
                        at: at + 1,
                        n_left: n_items.saturating_sub(1),
                    },
                )
            }
            _ => (list, Rest::Nothing),
        };
        self.push(Scope {
            value,
            rest,
            section,
        });
    }

    fn push(&mut self, scope: Scope<'d>) {
        let below = std::mem::replace(&mut self.top, scope);
        if self.depth > 0 {
            self.outer.push(below);
        }
        self.depth += 1;
    }

    /// Takes the next item of a section; after the last one leaves it and answers false, as for a
    /// section that was not entered.
    #[inline]
    pub(super) fn advance(&mut self, section: SectionId) -> bool {
        if self.top.section != section {
            return false;
        }
        match &mut self.top.rest {
            Rest::Items { items, next, len } if *next < *len => {
                self.top.value = items.item(*next);
                *next += 1;
                true
            }
            Rest::Nodes { arena, at, n_left } if *n_left > 0 => {
                *at = arena.next(*at);
                *n_left -= 1;
                self.top.value = arena.value(*at);
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
