//! From instructions and data to text, without recursion.
//!
//! | file | what |
//! |---|---|
//! | `machine` | goes through the instructions |
//! | `repeat` | goes through lists |
//! | `scopes` | the contexts of the sections around, and the search for names |
//! | `invocation` | begins and ends the calls of partials, blocks and lambdas |
//! | `calls` | the templates, blocks and lambdas that called each other |
//! | `show` | text and values |
//! | `output` | the text, its limit, and the writer behind it |

mod calls;
mod invocation;
mod machine;
mod output;
mod repeat;
mod scopes;
mod show;

pub(crate) use output::{PIECE_BYTES, Sink};
pub(crate) use show::push;

use crate::context::Value;
use crate::set::Set;
use crate::{Config, Error};
use machine::Machine;
use output::Output;

/// Renders a template of a set behind a text; returns what has not left for the sink.
///
/// # Errors
///
/// A limit is reached, a lambda's template is none, a value does not write itself, or the sink
/// fails.
pub(crate) fn render<'r>(
    set: &'r Set,
    index: usize,
    data: Value<'_>,
    capacity: usize,
    sink: Sink<'r>,
) -> Result<String, Error> {
    let Config {
        escape,
        max_output_bytes,
        ..
    } = set.config;
    let output = Output::new(capacity, sink, escape, max_output_bytes);
    Machine::new(set, data, output).run(index)
}
