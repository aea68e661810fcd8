//! Cases by section of WHATWG HTML §9.2.

mod encode;
mod parse;
mod source;
