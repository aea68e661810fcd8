//! From the text of a template to a flat list of instructions.
//!
//! | file | step |
//! |---|---|
//! | `token` | what a template is made of |
//! | `scan` | the text is cut into tags and lines of text |
//! | `standalone` | lines that hold nothing but tags lose their white space |
//! | `emit` | instructions, with jumps in place of nesting |
//! | `program` | what comes out |

mod emit;
mod program;
mod scan;
mod standalone;
mod token;

pub(crate) use program::{
    BLOCK_BYTES, Block, Escaping, Include, Instruction, Op, Path, Program, Section, Target, Text,
};
pub(crate) use token::Delimiters;

use crate::Error;

/// Compiles a template, which begins with these delimiters.
///
/// # Errors
///
/// It is not well-formed.
pub(crate) fn compile(name: &str, source: &str, begin: &Delimiters) -> Result<Program, Error> {
    let mut tokens = scan::scan(name, source, begin)?;
    standalone::mark(&mut tokens);
    let code = emit::emit(name, source, &tokens)?;
    Ok(Program {
        name: name.into(),
        source: source.into(),
        code,
    })
}
