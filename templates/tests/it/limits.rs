//! What hostile templates and data can cost.

use astatine_templates::{Config, ErrorKind, Template, Templates};
use serde_json::json;

#[track_caller]
fn compile(source: &str, change: impl FnOnce(&mut Config)) -> Template {
    let mut config = Config::default();
    change(&mut config);
    let templates = Templates::compile([("page", source)], config).expect("well-formed");
    templates.get("page").expect("there is a page")
}

#[test]
fn sections_inside_each_other_that_write_nothing_end() {
    let depth = 20;
    let source = format!("{}{}", "{{#a}}".repeat(depth), "{{/a}}".repeat(depth));
    let template = compile(&source, |_| {});
    let error = template
        .render(&json!({ "a": vec![1; 10] }))
        .expect_err("it ends");
    assert!(matches!(error.kind(), ErrorKind::TooManySteps), "{error}");
}

#[test]
fn a_depth_that_is_allowed_is_reached_and_one_more_is_refused() {
    let nested = |depth| format!("{}x{}", "{{#a}}".repeat(depth), "{{/a}}".repeat(depth));
    let shallow = |config: &mut Config| config.max_depth = 10;
    let data = json!({ "a": { "b": 1 } });
    let text = compile(&nested(10), shallow).render(&data);
    assert_eq!(text.expect("it is shallow enough"), "x");
    let error = compile(&nested(11), shallow)
        .render(&data)
        .expect_err("it is too deep");
    assert!(matches!(error.kind(), ErrorKind::TooDeep), "{error}");
}

#[test]
fn an_output_of_the_longest_length_is_allowed() {
    let template = compile("{{a}}{{b}}", |config| config.max_output_bytes = 4);
    let text = template.render(&json!({ "a": "12", "b": "34" }));
    assert_eq!(text.expect("it is short enough"), "1234");
    let error = template
        .render(&json!({ "a": "12", "b": "345" }))
        .expect_err("it is too long");
    assert!(matches!(error.kind(), ErrorKind::OutputTooLong), "{error}");
}

#[test]
fn the_limit_of_the_output_holds_for_writers_too() {
    let template = compile("{{#.}}0123456789{{/.}}", |config| {
        config.max_output_bytes = 50_000
    });
    let mut written = Vec::new();
    let error = template.write_to(&mut written, &vec![1; 6_000]);
    let error = error.expect_err("it is too long");
    assert!(matches!(error.kind(), ErrorKind::OutputTooLong), "{error}");
    assert!(written.len() <= 50_000);
    template
        .write_to(&mut written, &vec![1; 5_000])
        .expect("it is short enough");
}

#[test]
fn deep_templates_need_no_stack() {
    let depth = 5_000;
    let source = format!("{}{}", "{{#a}}".repeat(depth), "{{/a}}".repeat(depth));
    let template = compile(&source, |config| config.max_depth = usize::MAX);
    let text = template.render(&json!({ "a": { "b": 1 } }));
    assert_eq!(text.expect("it renders"), "");
}

#[test]
fn long_lines_of_parents_are_compiled_in_no_time() {
    let n_parents = 100_000;
    let source = format!(
        "{}{}",
        "{{<page}}".repeat(n_parents),
        "{{/page}}".repeat(n_parents)
    );
    let error = compile(&source, |_| {})
        .render(&())
        .expect_err("it calls itself");
    assert!(
        matches!(error.kind(), ErrorKind::TooManySteps),
        "{}",
        error.kind()
    );
}
