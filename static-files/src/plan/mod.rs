//! The pure plan of an answer: which file a path means, whether preconditions hold, which bytes
//! and which encoding are sent.
//!
//! Nothing here touches a file, a clock or a socket. Header values and facts about a file come
//! in, a decision comes out.

#![deny(clippy::wildcard_enum_match_arm)]

mod accept;
mod answer;
mod condition;
mod encoding;
mod entity_tag;
mod multipart;
mod path;
mod range;
#[cfg(test)]
mod tests;
mod weight;

pub use accept::{ListingFormat, names_html};
pub use answer::{Answer, Representation, is_condition_or_range};
pub use condition::Precondition;
pub use encoding::{AcceptEncoding, Encoding};
pub use multipart::Multipart;
pub use path::{FilePath, Refusal};
pub use range::Ranges;
