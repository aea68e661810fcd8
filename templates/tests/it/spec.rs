//! The rules of the Mustache specification, module by module, in cases of our own.

use serde_json::{Value, json};

use crate::{check, check_with};

mod interpolation {
    use super::*;

    #[test]
    fn text_without_tags_is_shown_as_it_is() {
        for text in ["", "a", "{a}\n", "a } } b", "ä\r\n€"] {
            check(text, &json!({}), text);
        }
    }

    #[test]
    fn a_value_is_escaped_unless_its_tag_says_otherwise() {
        let data = json!({ "x": "a & \"b\" <'c'>" });
        let escaped = "a &amp; &quot;b&quot; &lt;&#39;c&#39;&gt;";
        check("{{x}}", &data, escaped);
        check("{{{x}}} {{&x}}", &data, "a & \"b\" <'c'> a & \"b\" <'c'>");
        check("{{=| |=}}|{x}|", &data, "a & \"b\" <'c'>");
    }

    #[test]
    fn what_is_shown_is_not_read_as_a_template() {
        check("{{x}}", &json!({ "x": "{{y}}", "y": 1 }), "{{y}}");
    }

    #[test]
    fn numbers_and_truth_values_are_shown_and_nothing_is_not() {
        let data =
            json!({ "a": 0, "b": -7, "c": 1.25, "d": true, "e": null, "f": 12345, "g": 100 });
        check(
            "{{a}} {{b}} {{c}} {{d}} {{e}} {{f}} {{g}} {{h}}.",
            &data,
            "0 -7 1.25 true  12345 100 .",
        );
    }

    #[test]
    fn a_dotted_name_is_searched_by_its_first_part_only() {
        let data = json!({ "a": { "b": { "c": 1 } }, "b": { "c": 2 }, "a.b": 3 });
        check("{{a.b.c}}", &data, "1");
        check("{{a.x.c}}{{x.b}}", &data, "");
        check("{{#a}}{{b.c}}{{/a}}", &data, "1");
        check("{{#a}}{{#b}}{{b.x}}{{/b}}{{/a}}", &data, "");
    }

    #[test]
    fn a_dot_is_the_current_item() {
        check("{{.}} {{{.}}}", &json!("<"), "&lt; <");
        check(
            "{{#a}}{{.}},{{/a}}",
            &json!({ "a": [1, "b", 2.5] }),
            "1,b,2.5,",
        );
    }

    #[test]
    fn a_line_that_shows_a_value_keeps_its_white_space() {
        check("  {{x}}\n", &json!({ "x": 1 }), "  1\n");
        check(
            "|{{ x }}|{{{ x }}}|{{& x }}|",
            &json!({ "x": 1 }),
            "|1|1|1|",
        );
    }
}

mod sections {
    use super::*;

    #[test]
    fn what_is_false_null_missing_or_an_empty_list_is_left_out() {
        for value in [json!(false), Value::Null, json!([])] {
            check(
                "[{{#x}}a{{/x}}{{^x}}b{{/x}}]",
                &json!({ "x": value }),
                "[b]",
            );
        }
        check("[{{#x}}a{{/x}}{{^x}}b{{/x}}]", &json!({}), "[b]");
    }

    #[test]
    fn anything_else_is_rendered_once_with_the_value_as_context() {
        for value in [json!(true), json!(0), json!(""), json!("a"), json!({})] {
            check(
                "[{{#x}}a{{/x}}{{^x}}b{{/x}}]",
                &json!({ "x": value }),
                "[a]",
            );
        }
        check("{{#x}}{{.}}{{/x}}", &json!({ "x": true }), "true");
        check("{{#x}}{{.}} {{x}}{{/x}}", &json!({ "x": "a" }), "a a");
    }

    #[test]
    fn a_list_is_gone_through_and_its_items_are_contexts() {
        let data = json!({ "x": [{ "a": 1 }, { "a": 2 }, {}], "a": 3, "b": 4 });
        check("{{#x}}{{a}}{{b}} {{/x}}", &data, "14 24 34 ");
        check("{{#x}}{{#a}}<{{.}}>{{/a}}{{/x}}", &data, "<1><2><3>");
    }

    #[test]
    fn lists_inside_each_other_are_gone_through() {
        let data = json!([[1, 2], [], [3]]);
        check("{{#.}}({{#.}}{{.}}{{/.}}){{/.}}", &data, "(12)()(3)");
    }

    #[test]
    fn a_name_is_searched_from_the_inside_to_the_outside() {
        let data = json!({ "a": { "b": { "c": { "one": 3 }, "one": 2 }, "two": 2 }, "one": 1 });
        check(
            "{{one}}{{#a}}{{one}}{{#b}}{{one}}{{two}}{{#c}}{{one}}{{two}}{{/c}}{{/b}}{{/a}}",
            &data,
            "112232",
        );
    }

    #[test]
    fn a_section_inside_itself_ends_where_it_began() {
        check(
            "{{#x}}a{{#x}}b{{/x}}c{{/x}}d",
            &json!({ "x": [1, 2] }),
            "abbcabbcd",
        );
        check(
            "{{#x}}a{{#x}}b{{/x}}c{{/x}}d",
            &json!({ "x": true }),
            "abcd",
        );
    }

    #[test]
    fn a_line_with_one_tag_alone_leaves_no_trace() {
        let data = json!({ "x": true });
        check("a\n  {{#x}}  \nb\n\t{{/x}}\nc", &data, "a\nb\nc");
        check("a\r\n{{#x}}\r\nb\r\n{{/x}}\r\nc", &data, "a\r\nb\r\nc");
        check("  {{#x}}\n#{{/x}}\n/", &data, "#\n/");
        check("#{{#x}}\n/\n  {{/x}}", &data, "#\n/\n");
        check("a\n{{^y}}\nb\n{{/y}}\nc", &data, "a\nb\nc");
    }

    #[test]
    fn a_line_with_more_keeps_its_white_space() {
        let data = json!({ "x": true });
        check(" {{#x}}a{{/x}}\n {{#x}}b{{/x}}\n", &data, " a\n b\n");
        check(" {{#x}} {{! c }}\n {{/x}} | \n", &data, "  \n  | \n");
        check("{{#x}}{{/x}}\n", &data, "\n");
    }
}

mod delimiters {
    use super::*;

    #[test]
    fn new_delimiters_hold_from_their_tag_on() {
        let data = json!({ "x": 1 });
        check(
            "{{x}}{{=<% %>=}}<%x%>{{x}}<%={{ }}=%>{{x}}",
            &data,
            "11{{x}}1",
        );
        check("{{= | | =}}|#x|-|/x|", &data, "-");
        check("{{=ä ö=}}äxö", &data, "1");
    }

    #[test]
    fn they_do_not_reach_into_a_partial_nor_out_of_it() {
        let others = [("p", ".{{x}}.{{=| |=}}|x|")];
        check_with(
            "{{=@ @=}}@>p@|x|@x@",
            &others,
            &json!({ "x": 1 }),
            ".1.1|x|1",
        );
    }

    #[test]
    fn their_tag_alone_on_a_line_leaves_no_trace() {
        check("a\n {{=@ @=}} \nb", &json!({}), "a\nb");
        check("a {{=@ @=}} \nb", &json!({}), "a  \nb");
    }
}

mod comments {
    use super::*;

    #[test]
    fn a_comment_is_not_shown_and_may_have_lines() {
        check("a{{! b }}c", &json!({ "! b": 1 }), "ac");
        check("a\n  {{!\n b {{ c\n}}  \nd", &json!({}), "a\nd");
        check("a {{! b }}\n", &json!({}), "a \n");
    }
}

mod partials {
    use super::*;

    #[test]
    fn a_partial_is_rendered_in_the_context_around() {
        let others = [("p", "<{{x}}>"), ("q", "{{>p}}{{>p}}")];
        check_with(
            "{{#a}}{{>q}}{{/a}}",
            &others,
            &json!({ "a": { "x": 1 } }),
            "<1><1>",
        );
    }

    #[test]
    fn a_partial_that_is_missing_shows_nothing() {
        check("[{{>p}}]", &json!({}), "[]");
    }

    #[test]
    fn a_partial_may_call_itself() {
        let others = [("p", "{{x}}({{#n}}{{>p}}{{/n}})")];
        let data =
            json!({ "x": 1, "n": [{ "x": 2, "n": [] }, { "x": 3, "n": [{ "x": 4, "n": [] }] }] });
        check_with("{{>p}}", &others, &data, "1(2()3(4()))");
    }

    #[test]
    fn the_white_space_before_a_partial_alone_indents_its_lines() {
        let others = [("p", "a\n{{{x}}}\n\n{{#y}}\nb{{/y}}\n")];
        let data = json!({ "x": "1\n2", "y": true });
        check_with("[\n  {{>p}}\n]", &others, &data, "[\n  a\n  1\n2\n\n  b\n]");
        check_with("[\n \t{{>p}}", &[("p", "a\nb")], &data, "[\n \ta\n \tb");
    }

    #[test]
    fn indentations_add_up_through_partials() {
        let others = [("p", "a\n  {{>q}}\nb {{>q}}\n"), ("q", "c\nd\n")];
        check_with(
            " {{>p}}\n",
            &others,
            &json!({}),
            " a\n   c\n   d\n b c\nd\n\n",
        );
    }

    #[test]
    fn a_partial_beside_something_is_not_indented() {
        check_with("  |{{>p}}\n", &[("p", "a\nb")], &json!({}), "  |a\nb\n");
    }
}

mod dynamic_names {
    use super::*;

    #[test]
    fn the_value_of_a_field_names_the_partial() {
        let others = [("a", "A"), ("b", "B")];
        let data = json!({ "x": ["a", "b", "none"], "y": { "z": "b" } });
        check_with("{{#x}}{{>*.}}{{/x}}{{> * y.z }}", &others, &data, "ABB");
    }

    #[test]
    fn a_name_that_leads_nowhere_shows_nothing() {
        let others = [("x", "X")];
        check_with(
            "[{{>*x}}{{>*y}}{{>**x}}]",
            &others,
            &json!({ "x": "z" }),
            "[]",
        );
    }

    #[test]
    fn a_parent_may_be_dynamic_too() {
        let others = [("a", "<{{$b}}1{{/b}}>")];
        check_with(
            "{{<*x}}{{$b}}2{{/b}}{{/*x}}",
            &others,
            &json!({ "x": "a" }),
            "<2>",
        );
    }
}

mod inheritance {
    use super::*;

    #[test]
    fn a_block_shows_its_default_or_what_replaces_it() {
        let others = [("p", "<{{$a}}1{{/a}}{{$b}}2{{/b}}>")];
        check_with("{{$a}}{{x}}{{/a}}", &others, &json!({ "x": 0 }), "0");
        check_with("{{<p}}{{/p}}", &others, &json!({}), "<12>");
        check_with(
            "{{<p}}no{{$b}}{{x}}{{/b}}no{{/p}}",
            &others,
            &json!({ "x": 3 }),
            "<13>",
        );
    }

    #[test]
    fn of_several_arguments_with_one_name_the_last_replaces() {
        let others = [("p", "<{{$a}}1{{/a}}{{$b}}2{{/b}}>")];
        for (template, expected) in [
            ("{{<p}}{{$a}}x{{/a}}{{$a}}y{{/a}}{{/p}}", "<y2>"),
            ("{{<p}}{{$a}}x{{/a}}{{$b}}y{{/b}}{{$a}}{{/a}}{{/p}}", "<y>"),
            ("{{<p}}{{$a}}{{/a}}{{$b}}y{{/b}}{{$a}}z{{/a}}{{/p}}", "<zy>"),
        ] {
            check_with(template, &others, &json!({}), expected);
        }
    }

    #[test]
    fn of_several_parents_the_outermost_replaces() {
        let others = [
            ("p", "{{<q}}{{$a}}p{{/a}}{{$b}}p{{/b}}{{/q}}"),
            ("q", "{{$a}}q{{/a}}{{$b}}q{{/b}}{{$c}}q{{/c}}"),
        ];
        check_with("{{<p}}{{$a}}t{{/a}}{{/p}}", &others, &json!({}), "tpq");
    }

    #[test]
    fn a_block_in_an_argument_is_not_replaced_by_its_own_parent() {
        let others = [("p", "<{{$a}}1{{/a}}>")];
        check_with(
            "{{<p}}{{$a}}[{{$a}}2{{/a}}]{{/a}}{{/p}}",
            &others,
            &json!({}),
            "<[2]>",
        );
    }

    #[test]
    fn an_argument_is_rendered_in_the_context_of_its_block() {
        let others = [("p", "{{#x}}{{$a}}{{/a}}{{/x}}")];
        let data = json!({ "x": [{ "y": 1 }, { "y": 2 }] });
        check_with("{{<p}}{{$a}}{{y}}{{/a}}{{/p}}", &others, &data, "12");
    }

    #[test]
    fn an_argument_loses_its_indentation_and_takes_that_of_the_block() {
        let others = [("p", "a\n  {{$x}}\n  b\n  {{/x}}\nc\n")];
        let template = "{{<p}}\n    {{$x}}\n    1\n      2\n    {{/x}}\n{{/p}}\n";
        check_with(template, &others, &json!({}), "a\n  1\n    2\nc\n");
        check_with("{{<p}}{{/p}}", &others, &json!({}), "a\n  b\nc\n");
    }

    #[test]
    fn a_parent_alone_on_its_line_is_indented_like_a_partial() {
        let others = [("p", "a\n{{$x}}b{{/x}}\n")];
        check_with(
            "[\n {{<p}}{{$x}}c{{/x}}{{/p}}\n]",
            &others,
            &json!({}),
            "[\n a\n c\n]",
        );
    }
}

mod lambdas {
    use astatine_templates::{Context, Lambda, Template, Value, context};

    /// The data of these tests: a lambda and a text.
    struct Data {
        f: Box<dyn Lambda>,
        x: &'static str,
    }

    context! { Data { f, x } }

    #[track_caller]
    fn check(template: &str, f: impl Fn(&str) -> String + 'static, expected: &str) {
        let data = Data {
            f: Box::new(f),
            x: "a&b",
        };
        let template = Template::compile(template).expect("well-formed");
        assert_eq!(template.render(&data).expect("it renders"), expected);
    }

    #[test]
    fn a_section_hands_over_its_raw_text_and_shows_the_answer_rendered() {
        check(
            "{{#f}}<{{x}}>{{/f}}",
            |text| format!("{text}{text}"),
            "<a&amp;b><a&amp;b>",
        );
        check("{{#f}}{{y}}{{/f}}", |text| text.len().to_string(), "5");
    }

    #[test]
    fn the_answer_to_a_section_is_read_with_its_delimiters() {
        check(
            "{{=| |=}}|#f|.|/f|",
            |text| format!("{text}|x|{{{{x}}}}"),
            ".a&amp;b{{x}}",
        );
    }

    #[test]
    fn the_answer_to_a_variable_is_read_with_the_default_ones_and_escaped() {
        check(
            "{{=| |=}}|f|,|&f|",
            |_| "<|x|{{&x}}".to_owned(),
            "&lt;|x|a&amp;b,<|x|a&b",
        );
    }

    #[test]
    fn a_lambda_counts_as_true_and_is_called_each_time() {
        check(
            "{{^f}}no{{/f}}{{#f}}1{{/f}}{{#f}}2{{/f}}",
            str::to_owned,
            "12",
        );
    }

    #[test]
    fn a_lambda_is_called_for_each_item_of_a_list() {
        struct List(Vec<Data>);
        impl Context for List {
            fn value(&self) -> Value<'_> {
                Value::items(&self.0)
            }
        }
        let data = |x| Data {
            f: Box::new(|_: &str| "{{x}}!".to_owned()),
            x,
        };
        let list = List(vec![data("1"), data("2"), data("3")]);
        let template = Template::compile("{{#.}}{{x}}{{f}} {{/.}}").expect("well-formed");
        assert_eq!(template.render(&list).expect("it renders"), "11! 22! 33! ");
    }
}
