//! Serialised data: all values of one thing, one behind the other.

mod serialize;

use std::fmt;

use serde::Serialize;

use crate::context::{Arena, Kind, Shape};
use crate::{Context, Error, Value};

/// Makes data of whatever is `Serialize`, by one pass and with few allocations.
///
/// Texts are copied, since serde lends them for the moment only; a [`Context`] does without.
///
/// ```
/// use astatine_templates::{Template, Tree};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Page {
///     title: String,
///     tags: Vec<&'static str>,
/// }
///
/// let page = Page { title: "Elements".to_owned(), tags: vec!["I", "At"] };
/// let template = Template::compile("{{title}}:{{#tags}} {{.}}{{/tags}}")?;
/// assert_eq!(template.render(&Tree::new(&page)?)?, "Elements: I At");
/// # Ok::<(), astatine_templates::Error>(())
/// ```
pub struct Tree {
    nodes: Vec<Node>,
    /// The texts, one behind the other.
    text: String,
    /// For each thing with many fields, its nodes in the order of their names.
    sorted: Vec<u32>,
}

/// A value. What is in it stands behind it.
struct Node {
    key: Key,
    data: Data,
    /// The node behind all that is in it.
    next: u32,
}

/// The name that a field has.
#[derive(Clone, Copy)]
enum Key {
    /// It is an item of a list.
    None,
    Static(&'static str),
    Text(Span),
}

#[derive(Clone, Copy)]
enum Data {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Char(char),
    Text(Span),
    /// So many items.
    Items(u32),
    /// Fields, in the order in which they came.
    Fields,
    /// Fields, also listed by name in this range of `sorted`.
    SortedFields(Span),
}

/// A range in 32 bits.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Tree {
    /// Serialises a value.
    ///
    /// # Errors
    ///
    /// The value refuses, has keys that are neither text nor number, or has more than 4 GiB.
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        serialize::serialize(value)
    }

    fn text(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    fn key(&self, at: u32) -> &str {
        match self.node(at).key {
            Key::None => "",
            Key::Static(name) => name,
            Key::Text(span) => self.text(span),
        }
    }

    fn children(&self, at: u32) -> impl Iterator<Item = u32> {
        let end = self.node(at).next;
        let inside = move |child: u32| (child < end).then_some(child);
        std::iter::successors(inside(at + 1), move |&child| inside(self.node(child).next))
    }
}

impl Context for Tree {
    fn value(&self) -> Value<'_> {
        Arena::value(self, 0)
    }

    fn field(&self, name: &str) -> Value<'_> {
        Arena::field(self, 0, name)
    }
}

impl Arena for Tree {
    fn value(&self, at: u32) -> Value<'_> {
        match self.node(at).data {
            Data::Null => Value::NULL,
            Data::Bool(value) => Value::from(value),
            Data::Unsigned(value) => Value::from(value),
            Data::Signed(value) => Value::from(value),
            Data::Float(value) => Value::from(value),
            Data::Char(value) => Value::from(value),
            Data::Text(span) => Value::from(self.text(span)),
            Data::Items(_) | Data::Fields | Data::SortedFields(_) => Value(Kind::Node(self, at)),
        }
    }

    fn field(&self, at: u32, name: &str) -> Value<'_> {
        let found = match self.node(at).data {
            Data::Fields => self.children(at).find(|&child| self.key(child) == name),
            Data::SortedFields(span) => {
                let sorted = &self.sorted[span.start as usize..span.end as usize];
                let place = sorted.partition_point(|&child| self.key(child) < name);
                let found = sorted.get(place).copied();
                found.filter(|&child| self.key(child) == name)
            }
            Data::Null
            | Data::Bool(_)
            | Data::Unsigned(_)
            | Data::Signed(_)
            | Data::Float(_)
            | Data::Char(_)
            | Data::Text(_)
            | Data::Items(_) => None,
        };
        found.map_or(Value::MISSING, |child| Arena::value(self, child))
    }

    fn shape(&self, at: u32) -> Shape {
        match self.node(at).data {
            Data::Items(n_items) => Shape::Items(n_items),
            _ => Shape::Fields,
        }
    }

    fn next(&self, at: u32) -> u32 {
        self.node(at).next
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree")
            .field("n_nodes", &self.nodes.len())
            .finish_non_exhaustive()
    }
}
