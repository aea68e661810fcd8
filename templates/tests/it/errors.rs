//! Each kind of error, in its exact words.

use std::fmt;

use astatine_templates::{Config, Context, Error, ErrorKind, Lambda, Template, Templates, Value};

/// Compiles a template named `page` and returns what is wrong.
#[track_caller]
fn refused(source: &str) -> Error {
    match Templates::compile([("page", source)], Config::default()) {
        Ok(_) => panic!("{source:?} is well-formed"),
        Err(error) => error,
    }
}

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(refused(source).to_string(), expected.join("\n"));
}

/// Renders with a configuration and returns what went wrong.
#[track_caller]
fn failed(sources: &[(&str, &str)], config: Config, data: &dyn Context) -> Error {
    let templates = Templates::compile(sources.iter().copied(), config).expect("well-formed");
    let page = templates.get("page").expect("there is a page");
    page.render(data).expect_err("it does not render")
}

#[test]
fn a_tag_that_is_never_closed() {
    check(
        "a\n  {{b\nc",
        &[
            "page:2:3: tag is never closed",
            "  |",
            "2 |   {{b",
            "  |   ^^^",
        ],
    );
}

#[test]
fn a_section_that_is_never_closed() {
    check(
        "<ul>{{#items}}\n<li>",
        &[
            "page:1:5: section `items` is never closed",
            "  |",
            "1 | <ul>{{#items}}",
            "  |     ^^^^^^^^^^",
        ],
    );
    check(
        "{{<p}}{{$b}}",
        &[
            "page:1:7: section `b` is never closed",
            "  |",
            "1 | {{<p}}{{$b}}",
            "  |       ^^^^^^",
        ],
    );
}

#[test]
fn a_section_that_is_closed_but_was_never_opened() {
    check(
        "a{{/b}}",
        &[
            "page:1:2: `b` is closed, but never opened",
            "  |",
            "1 | a{{/b}}",
            "  |  ^^^^^^",
        ],
    );
}

#[test]
fn a_closing_tag_of_an_other_section() {
    check(
        "{{#a}}\n\u{e4}\t{{/b}} c",
        &[
            "page:2:3: `b` is closed, but `a`, opened on line 1, is still open",
            "  |",
            "2 | \u{e4}\t{{/b}} c",
            "  |  \t^^^^^^",
        ],
    );
}

#[test]
fn delimiters_that_are_none() {
    for tag in ["{{=a=}}", "{{=a b c=}}", "{{=a= b=}}", "{{==}}"] {
        let error = refused(tag);
        let expected = format!(
            "page:1:1: delimiters must be two words without `=`, like `{{{{=<% %>=}}}}`\n  |\n\
             1 | {tag}\n  | {}",
            "^".repeat(tag.len())
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_tag_without_a_name() {
    check(
        "{{ }}",
        &["page:1:1: tag has no name", "  |", "1 | {{ }}", "  | ^^^^^"],
    );
}

#[test]
fn a_name_with_white_space() {
    check(
        "{{#if x}}",
        &[
            "page:1:1: `if x` is no name",
            "  |",
            "1 | {{#if x}}",
            "  | ^^^^^^^^^",
        ],
    );
}

#[test]
fn a_partial_that_is_missing() {
    check(
        "a {{>head}} b",
        &[
            "page:1:3: there is no template `head`",
            "  |",
            "1 | a {{>head}} b",
            "  |   ^^^^^^^^^",
        ],
    );
}

#[test]
fn a_template_that_is_too_long() {
    let mut config = Config::default();
    config.max_template_bytes = 3;
    let error = Templates::compile([("page", "abcd")], config).expect_err("it is too long");
    assert_eq!(error.to_string(), "page: template is too long");
}

#[test]
fn a_partial_that_calls_itself_without_end() {
    let error = failed(&[("page", "a\n {{>page}}")], Config::default(), &());
    assert_eq!(
        error.to_string(),
        "page:2:2: sections and partials are nested too deep\n  |\n2 |  {{>page}}\n  |  ^^^^^^^^^"
    );
}

#[test]
fn an_output_that_is_too_long() {
    let mut config = Config::default();
    config.max_output_bytes = 9;
    let sources = [("page", "{{#.}}0123456789{{/.}}")];
    let error = failed(&sources, config, &vec![1]);
    assert_eq!(error.to_string(), "page: output is too long");
}

#[test]
fn too_many_steps() {
    let mut config = Config::default();
    config.max_steps = 100;
    let sources = [("page", "{{#.}}{{#.}}{{/.}}{{/.}}")];
    let error = failed(&sources, config, &vec![1; 100]);
    assert_eq!(error.to_string(), "page: rendering takes too many steps");
}

/// The data of a lambda.
struct Calls(Box<dyn Lambda>);

impl Context for Calls {
    fn value(&self) -> Value<'_> {
        Value::fields(self)
    }

    fn field(&self, _name: &str) -> Value<'_> {
        self.0.value()
    }
}

#[test]
fn a_lambda_that_answers_no_template() {
    let data = Calls(Box::new(|_: &str| "{{#b}}".to_owned()));
    let error = failed(&[("page", "a{{#f}}x{{/f}}")], Config::default(), &data);
    assert_eq!(
        error.to_string(),
        "page:1:2: lambda answered what is no template\n  |\n1 | a{{#f}}x{{/f}}\n  |  ^^^^^^"
    );
    let source = std::error::Error::source(&error).expect("it says why");
    assert_eq!(
        source.to_string(),
        "page:1:1: section `b` is never closed\n  |\n1 | {{#b}}\n  | ^^^^^^"
    );
    let error = failed(&[("page", "a{{f}}")], Config::default(), &data);
    assert_eq!(
        error.to_string(),
        "page: lambda answered what is no template"
    );
}

#[test]
fn a_lambda_that_answers_itself_without_end() {
    let data = Calls(Box::new(|_: &str| "{{f}}".to_owned()));
    let error = failed(&[("page", "{{f}}")], Config::default(), &data);
    assert_eq!(
        error.to_string(),
        "page: sections and partials are nested too deep"
    );
}

#[test]
fn a_value_that_refuses_to_write_itself() {
    struct Refuses;
    impl fmt::Display for Refuses {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    impl Context for Refuses {
        fn value(&self) -> Value<'_> {
            Value::display(self)
        }
    }
    let error = failed(&[("page", "{{.}}")], Config::default(), &Refuses);
    assert_eq!(error.to_string(), "page: a value cannot be shown");
}

#[test]
fn data_that_cannot_be_serialised() {
    let data = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = astatine_templates::Tree::new(&data).expect_err("a pair is no key");
    assert_eq!(
        error.to_string(),
        "data cannot be serialised: a key is neither text nor number"
    );
}

#[test]
fn an_output_that_cannot_be_written() {
    let template = Template::compile("abc").expect("well-formed");
    let mut full: &mut [u8] = &mut [0; 2];
    let error = template.write_to(&mut full, &()).expect_err("it is full");
    assert_eq!(error.to_string(), "template: output cannot be written");
    assert!(matches!(error.kind(), ErrorKind::Write(_)));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_folder_that_is_not_there() {
    let error = Templates::open("/no/such/folder", Config::default()).expect_err("it is not");
    assert_eq!(error.to_string(), "/no/such/folder: cannot be read");
    assert!(matches!(error.kind(), ErrorKind::Read(_)));
}

#[test]
fn the_place_is_told_in_numbers_too() {
    let error = refused("a\nb {{/c}}");
    assert_eq!(error.template(), Some("page"));
    assert_eq!((error.line(), error.column()), (Some(2), Some(3)));
    assert!(matches!(error.kind(), ErrorKind::UnopenedSection(name) if &**name == "c"));
}

#[test]
fn of_a_line_that_no_screen_holds_a_part_is_shown() {
    let source = format!("{}{{{{/b}}}}{}", "a".repeat(1000), "c".repeat(1000));
    let shown = refused(&source).to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "page:1:1001: `b` is closed, but never opened");
    assert!(lines.iter().all(|line| line.len() < 140), "{shown}");
    let mark = lines[3].find('^').expect("there is a mark");
    assert_eq!(lines[2].find("{{/b}}"), Some(mark));
}

#[test]
fn an_error_is_as_small_as_a_pointer() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}
