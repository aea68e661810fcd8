//! What a tag finds in the data.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::{Arena, Context, Items, Lambda};

/// Stands for a piece of data while a template looks at it.
///
/// It borrows what it shows and is made anew for each look: `Value::from` takes text, numbers and
/// truth values, and the functions below take the rest.
#[derive(Clone, Copy)]
pub struct Value<'a>(pub(crate) Kind<'a>);

/// The kinds that a renderer distinguishes.
#[derive(Clone, Copy)]
pub(crate) enum Kind<'a> {
    Missing,
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Char(char),
    Text(&'a str),
    Display(&'a dyn fmt::Display),
    Fields(&'a dyn Context),
    Items(&'a dyn Items),
    Lambda(&'a dyn Lambda),
    #[cfg_attr(
        not(feature = "serde"),
        expect(dead_code, reason = "only serialised data lies in an arena")
    )]
    Node(&'a dyn Arena, u32),
}

impl<'a> Value<'a> {
    /// Stands for a name that there is not: the search goes on in the enclosing context.
    pub const MISSING: Self = Self(Kind::Missing);

    /// Stands for nothing under a name that there is: the search ends, and nothing is shown.
    pub const NULL: Self = Self(Kind::Null);

    /// Shows something that writes itself; what it writes is escaped on the way.
    pub fn display(value: &'a dyn fmt::Display) -> Self {
        Self(Kind::Display(value))
    }

    /// Shows something with named fields.
    pub fn fields(value: &'a dyn Context) -> Self {
        Self(Kind::Fields(value))
    }

    /// Shows a list.
    pub fn items(value: &'a dyn Items) -> Self {
        Self(Kind::Items(value))
    }

    /// Calls a function where it is met.
    pub fn lambda(value: &'a dyn Lambda) -> Self {
        Self(Kind::Lambda(value))
    }

    /// Looks a name up, in this value alone.
    #[inline(always)]
    pub(crate) fn field(&self, name: &str) -> Self {
        match self.0 {
            Kind::Fields(context) => context.field(name),
            _ => self.field_of_rest(name),
        }
    }

    #[inline(never)]
    fn field_of_rest(&self, name: &str) -> Self {
        match self.0 {
            Kind::Node(arena, at) => arena.field(at, name),
            Kind::Missing
            | Kind::Null
            | Kind::Bool(_)
            | Kind::Unsigned(_)
            | Kind::Signed(_)
            | Kind::Float(_)
            | Kind::Char(_)
            | Kind::Text(_)
            | Kind::Display(_)
            | Kind::Fields(_)
            | Kind::Items(_)
            | Kind::Lambda(_) => Self::MISSING,
        }
    }

    /// Returns what it says as a name.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self.0 {
            Kind::Text(text) => Some(text.into()),
            Kind::Bool(value) => Some(value.to_string().into()),
            Kind::Unsigned(value) => Some(value.to_string().into()),
            Kind::Signed(value) => Some(value.to_string().into()),
            Kind::Float(value) => Some(value.to_string().into()),
            Kind::Char(value) => Some(value.to_string().into()),
            Kind::Display(value) => {
                let mut text = String::new();
                write!(text, "{value}").ok()?;
                Some(text.into())
            }
            Kind::Missing
            | Kind::Null
            | Kind::Fields(_)
            | Kind::Items(_)
            | Kind::Lambda(_)
            | Kind::Node(..) => None,
        }
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self.0, Kind::Missing)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Missing => f.write_str("Missing"),
            Kind::Null => f.write_str("Null"),
            Kind::Bool(value) => value.fmt(f),
            Kind::Unsigned(value) => value.fmt(f),
            Kind::Signed(value) => value.fmt(f),
            Kind::Float(value) => value.fmt(f),
            Kind::Char(value) => value.fmt(f),
            Kind::Text(value) => value.fmt(f),
            Kind::Display(value) => value.fmt(f),
            Kind::Fields(_) => f.write_str("Fields"),
            Kind::Items(items) => write!(f, "Items({})", items.len()),
            Kind::Lambda(_) => f.write_str("Lambda"),
            Kind::Node(_, at) => write!(f, "Node({at})"),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self(Kind::Text(value))
    }
}

/// Implements `From` for what is copied into a value.
macro_rules! from_copy {
    ($($kind:ident($wide:ty): $($narrow:ty),+;)+) => {$($(
        impl From<$narrow> for Value<'_> {
            fn from(value: $narrow) -> Self {
                Self(Kind::$kind(value as $wide))
            }
        }
    )+)+};
}

from_copy! {
    Bool(bool): bool;
    Char(char): char;
    Unsigned(u64): u8, u16, u32, u64, usize;
    Signed(i64): i8, i16, i32, i64, isize;
    Float(f64): f64;
}
