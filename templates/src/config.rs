//! How templates are compiled and what one render may cost.

use crate::Escape;

/// The limits and the choices that hold for a set of templates.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What `{{name}}` does to text. `{{{name}}}` and `{{&name}}` leave it as it is. Default
    /// [`Escape::Html`].
    pub escape: Escape,
    /// What a partial or parent is that no template has the name of. Default
    /// [`MissingPartial::Refused`].
    pub missing_partial: MissingPartial,
    /// Longest template in bytes. Default 4 MiB; never more than 4 GiB.
    pub max_template_bytes: usize,
    /// Most sections, partials, parents, blocks and lambdas that are inside each other while a
    /// template is rendered, about 200 bytes of memory each. Default 256.
    pub max_depth: usize,
    /// Most bytes that one render writes; the last value may go beyond it. Default 64 MiB.
    pub max_output_bytes: usize,
    /// Most sections entered, items gone through, and partials, blocks and lambdas rendered in
    /// one render. It ends a template that goes round without writing. Default 10 million.
    pub max_steps: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            escape: Escape::Html,
            missing_partial: MissingPartial::Refused,
            max_template_bytes: 4 << 20,
            max_depth: 256,
            max_output_bytes: 64 << 20,
            max_steps: 10_000_000,
        }
    }
}

/// What becomes of a partial that is not there.
///
/// A dynamic name is known only while rendering; one that leads nowhere always shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingPartial {
    /// The templates are refused.
    Refused,
    /// Nothing is shown, as the specification has it.
    Empty,
}
