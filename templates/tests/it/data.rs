//! The same data by a trait, by serde, and as JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use astatine_templates::{Context, Template, Tree, context};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    owner: Option<Person>,
    nobody: Option<Person>,
    tags: Vec<Cow<'a, str>>,
    numbers: [i32; 3],
    ratio: f32,
    exact: f64,
    letter: char,
    big: u128,
    is_open: bool,
    rows: VecDeque<Vec<u8>>,
    unit: (),
}

#[derive(Clone, Serialize)]
struct Person {
    name: String,
    age: u64,
}

context! {
    Page<'a> {
        title, owner, nobody, tags, numbers, ratio, exact, letter, big, is_open, rows, unit,
    }
    Person { name, age }
}

impl Page<'_> {
    fn new() -> Self {
        Self {
            title: "a < b",
            owner: Some(Person {
                name: "Ä".to_owned(),
                age: 1 << 60,
            }),
            nobody: None,
            tags: vec!["x".into(), "y".to_owned().into()],
            numbers: [-1, 0, 100],
            ratio: 0.1,
            exact: 0.1,
            letter: '\'',
            big: 1 << 100,
            is_open: true,
            rows: VecDeque::from([vec![1, 2], vec![], vec![255]]),
            unit: (),
        }
    }
}

const TEMPLATE: &str = "{{title}}|{{#owner}}{{name}} {{age}} {{title}}{{/owner}}|\
    {{#nobody}}no{{/nobody}}{{^nobody}}yes{{/nobody}}|{{owner.name}}|{{#tags}}{{.}},{{/tags}}|\
    {{#numbers}}{{.}} {{/numbers}}|{{ratio}} {{exact}} {{letter}} {{{letter}}} {{is_open}}|\
    {{#rows}}({{#.}}{{.}} {{title}};{{/.}}){{/rows}}|{{unit}}{{^unit}}!{{/unit}}|{{missing.x}}";

const SHOWN: &str = "a &lt; b|Ä 1152921504606846976 a &lt; b|yes|Ä|x,y,|-1 0 100 |\
    0.1 0.1 &#39; ' true|(1 a &lt; b;2 a &lt; b;)()(255 a &lt; b;)|!|";

#[track_caller]
fn rendered(template: &str, data: &dyn Context) -> String {
    let template = Template::compile(template).expect("well-formed");
    template.render(data).expect("it renders")
}

#[test]
fn a_struct_shows_its_fields() {
    assert_eq!(rendered(TEMPLATE, &Page::new()), SHOWN);
}

#[test]
fn serialised_data_shows_the_same() {
    let tree = Tree::new(&Page::new()).expect("it can be serialised");
    assert_eq!(rendered(TEMPLATE, &tree), SHOWN);
    let big = |data: &dyn Context| rendered("{{big}}", data);
    assert_eq!(big(&tree), big(&Page::new()));
}

#[test]
fn json_shows_the_same() {
    let mut json = json!({
        "title": "a < b",
        "owner": { "name": "Ä", "age": 1_u64 << 60 },
        "nobody": null,
        "tags": ["x", "y"],
        "numbers": [-1, 0, 100],
        "ratio": 0.1,
        "exact": 0.1,
        "letter": "'",
        "is_open": true,
        "rows": [[1, 2], [], [255]],
        "unit": null,
    });
    assert_eq!(rendered(TEMPLATE, &json), SHOWN);
    let tree = Tree::new(&json).expect("it can be serialised");
    assert_eq!(rendered(TEMPLATE, &tree), SHOWN);
    let fields = json.as_object_mut().expect("an object");
    assert_eq!(rendered(TEMPLATE, fields), SHOWN);
}

#[test]
fn maps_boxes_and_references_show_what_is_in_them() {
    let map = HashMap::from([("a".to_owned(), Some(Box::new("x")))]);
    assert_eq!(rendered("{{a}}", &map), "x");
    let map = BTreeMap::from([("a", Rc::new(map))]);
    assert_eq!(rendered("{{a.a}}{{#a}}{{a}}{{/a}}", &&map), "xx");
    let map = HashMap::from([("a", 1_usize)]);
    assert_eq!(rendered("{{a}}", &map), "1");
    assert_eq!(rendered("{{.}}", &Arc::new("y")), "y");
    let slice: &[&str] = &["a", "b"];
    assert_eq!(rendered("{{#.}}{{.}}{{/.}}", &slice), "ab");
}

#[test]
fn enums_are_serialised_as_in_json() {
    #[derive(Serialize)]
    enum Shape {
        Point,
        Circle(u8),
        Line(u8, u8),
        Square { side: u8 },
    }
    let shapes = vec![
        Shape::Point,
        Shape::Circle(1),
        Shape::Line(2, 3),
        Shape::Square { side: 4 },
    ];
    let template = "{{#.}}[{{.}}{{Circle}}{{#Line}}{{.}};{{/Line}}{{Square.side}}]{{/.}}";
    let tree = Tree::new(&shapes).expect("it can be serialised");
    assert_eq!(rendered(template, &tree), "[Point][1][2;3;][4]");
}

#[test]
fn keys_that_are_numbers_become_text() {
    let tree = Tree::new(&BTreeMap::from([(-7, 'a'), (8, 'b')])).expect("it can be serialised");
    assert_eq!(rendered("{{-7}}{{8}}{{9}}", &tree), "ab");
}

#[test]
fn among_many_fields_each_is_found() {
    let fields: BTreeMap<String, u32> = (0..100).map(|n| (format!("f{n}"), n)).collect();
    let tree = Tree::new(&json!({ "a": fields, "b": 1 })).expect("it can be serialised");
    for n in 0..100 {
        let template = format!("{{{{a.f{n}}}}} {{{{#a}}}}{{{{f{n}}}}}{{{{b}}}}{{{{/a}}}}");
        assert_eq!(rendered(&template, &tree), format!("{n} {n}1"));
    }
    assert_eq!(rendered("{{a.f}}{{a.f100}}{{a.g}}", &tree), "");
}

#[test]
fn a_field_can_have_an_other_name() {
    struct Renamed {
        kind: u8,
    }
    context! { Renamed { kind as "type" } }
    assert_eq!(rendered("{{type}}{{kind}}", &Renamed { kind: 1 }), "1");
}

#[test]
fn an_item_whose_flag_is_a_list_is_shown_among_those_whose_flag_is_one() {
    let template = Template::compile(
        "[{{#rows}}\n  <{{n}}{{#x}}, yes{{#deep}} deep{{/deep}}: {{y}}{{/x}}>{{/rows}}]",
    )
    .expect("it is well-formed");
    let kinds = [
        (json!(true), ", yes: outside"),
        (json!(false), ""),
        (json!(null), ""),
        (json!([]), ""),
        (json!([{"y": 1}, {"y": 2}]), ", yes: 1, yes: 2"),
        (json!({"y": "in", "deep": true}), ", yes deep: in"),
    ];
    // More than a piece, so that what was written has left where an item begins again.
    for n_before in [0, 1, 2, 1000] {
        for (odd, odd_shown) in &kinds {
            let row = |index: usize| match index {
                index if index == n_before => (odd, *odd_shown),
                index => (&kinds[index % 3].0, kinds[index % 3].1),
            };
            let rows: Vec<_> = (0..n_before + 3)
                .map(|n| json!({"n": n, "x": row(n).0}))
                .collect();
            let shown: String = (0..n_before + 3)
                .map(|n| format!("\n  <{n}{}>", row(n).1))
                .collect();
            let data = json!({"rows": rows, "y": "outside"});
            let expected = format!("[{shown}]");
            assert_eq!(template.render(&data).expect("it renders"), expected);
            let tree = Tree::new(&data).expect("JSON can be serialised");
            let mut pieces = String::new();
            template.format_to(&mut pieces, &tree).expect("it renders");
            assert_eq!(pieces, expected);
        }
    }
}
