//! Mustache: templates compiled once, rendered from any data.
//!
//! This crate renders text. It is no router and knows nothing of HTTP, and a template has no logic
//! but that of the specification.
//!
//! Start from [`Template`], which is one of them; [`Templates`], which are a folder of them that
//! call each other; and [`Context`], which data has. The macro [`context!`] writes it for a struct,
//! `Tree` makes it of whatever is `serde::Serialize`, and JSON values have it.
//!
//! ```
//! use astatine_templates::{Template, context};
//!
//! struct Page {
//!     title: String,
//!     elements: Vec<&'static str>,
//! }
//!
//! context! { Page { title, elements } }
//!
//! let template = Template::compile("<h1>{{title}}</h1>{{#elements}}<p>{{.}}</p>{{/elements}}")?;
//! let page = Page { title: "F & At".to_owned(), elements: vec!["fluorine", "astatine"] };
//! assert_eq!(template.render(&page)?, "<h1>F &amp; At</h1><p>fluorine</p><p>astatine</p>");
//! # Ok::<(), astatine_templates::Error>(())
//! ```
//!
//! # What is false
//!
//! `false`, nothing (`None`, `null`, a name that there is not) and an empty list leave a section
//! out. An empty text and the number 0 do not: an `Option` says that there is no text.
//!
//! # How it works
//!
//! A template becomes a flat list of instructions, each a piece of text and a tag, with jumps in
//! place of nesting. Rendering goes through it with an explicit stack, so neither a template nor
//! data can use up the thread's. Partials are found when templates are compiled; one that is
//! indented is not compiled again, its lines are indented when they are written.
//!
//! # Limits
//!
//! | limit of [`Config`] | unit | default | beyond it |
//! |---|---|---|---|
//! | `max_template_bytes` | bytes of one template | 4 MiB | an error when it is compiled |
//! | `max_depth` | sections and calls inside each other | 256 | an error of the render |
//! | `max_output_bytes` | bytes that one render writes | 64 MiB | an error of the render |
//! | `max_steps` | instructions run again or by a call | 10 million | an error of the render |
//!
//! Beside its source a compiled template takes about 100 bytes for each variable, and 350 for each
//! section.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `serde` | `Tree`: data from `serde::Serialize`, without a JSON value in between |
//! | `json` | `Context` for `serde_json::Value` |
//! | `watch` | `Templates::watch`, which loads a folder again when a file changes |
//!
//! # Specifications
//!
//! Mustache 1.4: comments, delimiters, interpolation, inverted sections, partials, sections, and the
//! optional dynamic names, inheritance and lambdas. `{{x}}` escapes `'` too, which the
//! specification leaves open. Names with white space in them are refused, since what is meant by
//! `{{#if x}}` in other languages would silently show nothing.
//!
//! [`context!`]: crate::context!

#![forbid(unsafe_code)]

mod compile;
mod config;
mod context;
mod error;
mod escape;
mod folder;
#[cfg(feature = "json")]
mod json;
mod render;
mod set;
mod template;
mod templates;
#[cfg(feature = "serde")]
mod tree;
#[cfg(feature = "watch")]
mod watch;

pub use config::{Config, MissingPartial};
pub use context::{Context, Items, Lambda, Value};
pub use error::{Error, ErrorKind};
pub use escape::Escape;
pub use template::Template;
pub use templates::Templates;
#[cfg(feature = "serde")]
pub use tree::Tree;
#[cfg(feature = "watch")]
pub use watch::Watch;
