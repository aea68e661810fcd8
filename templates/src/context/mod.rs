//! The data of a template: what a tag may ask of it.

mod standard;
mod structure;
mod value;

pub(crate) use value::Kind;
pub use value::Value;

/// Answers what the tags of a template ask.
///
/// Text, numbers, `Option`, `Vec`, maps and references have it. For a struct, [`context!`] writes
/// it; by hand it is a `match` on the name:
///
/// ```
/// use astatine_templates::{Context, Template, Value};
///
/// struct Circle {
///     radius: u32,
///     label: String,
/// }
///
/// impl Context for Circle {
///     fn value(&self) -> Value<'_> {
///         Value::fields(self)
///     }
///
///     fn field(&self, name: &str) -> Value<'_> {
///         match name {
///             "label" => self.label.value(),
///             "diameter" => Value::from(2 * self.radius),
///             _ => Value::MISSING,
///         }
///     }
/// }
///
/// let circle = Circle { radius: 3, label: "a < b".to_owned() };
/// let template = Template::compile("{{label}}: {{diameter}}")?;
/// assert_eq!(template.render(&circle)?, "a &lt; b: 6");
/// # Ok::<(), astatine_templates::Error>(())
/// ```
///
/// [`context!`]: crate::context!
pub trait Context {
    /// Says what this is: text, a list, something with fields.
    fn value(&self) -> Value<'_>;

    /// Looks up a name. It is asked only of what calls itself [`Value::fields`].
    fn field(&self, _name: &str) -> Value<'_> {
        Value::MISSING
    }
}

/// A list that a section goes through.
pub trait Items {
    /// Returns the number of items.
    fn len(&self) -> usize;

    /// Returns the item at a place below [`len`](Self::len); beyond it, [`Value::MISSING`].
    fn item(&self, index: usize) -> Value<'_>;

    /// Tells whether there are none: the section is then left out.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A function in the data.
///
/// A section hands it its raw text; for a variable the text is empty. What it answers is a
/// template, rendered in its place: with the delimiters that hold around a section, with the
/// default ones for a variable.
pub trait Lambda {
    /// Answers the template to render in place of the tag.
    fn call(&self, text: &str) -> String;
}

impl<F: Fn(&str) -> String> Lambda for F {
    fn call(&self, text: &str) -> String {
        self(text)
    }
}

/// Values that lie in one place and are known by their number.
pub(crate) trait Arena {
    /// Returns the value of a node.
    fn value(&self, at: u32) -> Value<'_>;

    /// Looks up a name in a node.
    fn field(&self, at: u32, name: &str) -> Value<'_>;

    /// Says what a node is to a section.
    fn shape(&self, at: u32) -> Shape;

    /// Returns the node behind this one and all that is in it.
    fn next(&self, at: u32) -> u32;
}

/// What a node of an arena is to a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "serde"),
    expect(dead_code, reason = "only serialised data lies in an arena")
)]
pub(crate) enum Shape {
    Fields,
    /// So many items; the first is the node behind this one.
    Items(u32),
}
