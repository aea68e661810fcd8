//! Any bytes as templates, and any JSON as data.
//!
//! Nothing panics, every render ends, and what is written is bounded; JSON and the same data
//! serialised show the same, and so do a string and a writer.
#![no_main]
#![forbid(unsafe_code)]

use astatine_templates::{Config, MissingPartial, Templates, Tree};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const MAX_OUTPUT_BYTES: usize = 1 << 16;

fuzz_target!(|data: &[u8]| {
    // A byte that is in no text parts the page, two templates that it may call, and the data.
    let mut parts = data.split(|&byte| byte == 0xff);
    let mut next = || String::from_utf8_lossy(parts.next().unwrap_or_default());
    let (page, a, b, data) = (next(), next(), next(), next());
    let mut config = Config::default();
    config.missing_partial = MissingPartial::Empty;
    config.max_output_bytes = MAX_OUTPUT_BYTES;
    config.max_depth = 64;
    config.max_steps = 10_000;
    let templates = match Templates::compile([("page", page), ("a", a), ("b", b)], config) {
        Ok(templates) => templates,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let template = templates.get("page").expect("it was compiled");
    let json: Value = serde_json::from_str(&data).unwrap_or_default();
    let shown = template.render(&json);
    let tree = Tree::new(&json).expect("JSON can be serialised");
    let by_tree = template.render(&tree);
    let mut written = Vec::new();
    let by_writer = template.write_to(&mut written, &json);
    match shown {
        Ok(text) => {
            assert!(text.len() <= MAX_OUTPUT_BYTES);
            assert_eq!(text, by_tree.expect("the same data"));
            by_writer.expect("the same data");
            assert_eq!(text.as_bytes(), written);
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(by_tree.is_err() && by_writer.is_err());
            assert!(written.len() <= MAX_OUTPUT_BYTES);
        }
    }
});
