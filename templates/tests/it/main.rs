//! Tests against the public interface.

mod data;
mod errors;
mod folder;
mod limits;
mod output;
mod spec;

use astatine_templates::{Config, MissingPartial, Templates};
use serde_json::Value;

/// Renders the template `page` of several with JSON data, as the specification has it.
#[track_caller]
fn render(sources: &[(&str, &str)], data: &Value) -> String {
    let mut config = Config::default();
    config.missing_partial = MissingPartial::Empty;
    let templates = Templates::compile(sources.iter().copied(), config).expect("well-formed");
    let page = templates.get("page").expect("there is a page");
    page.render(data).expect("the data fits")
}

/// Asserts what a template shows.
#[track_caller]
fn check(template: &str, data: &Value, expected: &str) {
    assert_eq!(render(&[("page", template)], data), expected, "{template}");
}

/// Asserts what a template shows that calls others.
#[track_caller]
fn check_with(template: &str, others: &[(&str, &str)], data: &Value, expected: &str) {
    let mut sources = vec![("page", template)];
    sources.extend(others);
    assert_eq!(render(&sources, data), expected, "{template}");
}
