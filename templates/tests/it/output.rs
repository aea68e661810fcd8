//! Where the text goes, and how values are escaped on the way.

use astatine_templates::{Config, Escape, Template, Templates};
use serde_json::json;

#[track_caller]
fn escaped(escape: Escape, text: &str) -> String {
    let mut config = Config::default();
    config.escape = escape;
    let templates = Templates::compile([("page", "{{.}}")], config).expect("well-formed");
    let page = templates.get("page").expect("there is a page");
    page.render(text).expect("it renders")
}

#[test]
fn every_length_is_escaped_alike_wherever_the_special_character_stands() {
    for n_bytes in 0..70 {
        let clean: String = ('a'..='z').cycle().take(n_bytes).collect();
        assert_eq!(escaped(Escape::Html, &clean), clean);
        for at in 0..n_bytes {
            for (special, entity) in [
                ("&", "&amp;"),
                ("<", "&lt;"),
                (">", "&gt;"),
                ("\"", "&quot;"),
                ("'", "&#39;"),
            ] {
                let (before, behind) = clean.split_at(at);
                let text = format!("{before}{special}{behind}");
                let expected = format!("{before}{entity}{behind}");
                assert_eq!(escaped(Escape::Html, &text), expected);
            }
        }
    }
}

#[test]
fn every_other_character_is_left_as_it_is() {
    let others: String = ('\u{1}'..'\u{180}')
        .filter(|c| !"&<>\"'".contains(*c))
        .collect();
    assert_eq!(escaped(Escape::Html, &others), others);
    for c in others.chars() {
        for text in [format!("{c}"), format!("abc{c}"), format!("{c}abcdefghi")] {
            assert_eq!(escaped(Escape::Html, &text), text);
        }
    }
}

#[test]
fn text_of_nothing_but_special_characters_grows_as_it_must() {
    let text = "&<>\"'".repeat(100);
    let expected = "&amp;&lt;&gt;&quot;&#39;".repeat(100);
    assert_eq!(escaped(Escape::Html, &text), expected);
}

#[test]
fn text_around_tags_is_shown_whole_whatever_its_length() {
    for n_bytes in 0..70 {
        for last in ["", "é", "€", "😀"] {
            let text = format!("{}{last}", "x".repeat(n_bytes));
            let source = format!("{text}{{{{.}}}}{text}");
            let template = Template::compile(&source).expect("well-formed");
            let shown = template.render("-").expect("it renders");
            assert_eq!(shown, format!("{text}-{text}"));
        }
    }
}

#[test]
fn a_number_is_shown_in_its_digits() {
    let numbers: Vec<u64> = (0..=10_010).chain([99_999, u64::MAX]).collect();
    let template = Template::compile("{{#.}}{{.}} {{/.}}").expect("well-formed");
    let shown = template.render(&numbers).expect("it renders");
    let expected: String = numbers.iter().map(|number| format!("{number} ")).collect();
    assert_eq!(shown, expected);
}

#[test]
fn strict_escaping_leaves_letters_digits_braces_and_the_tilde() {
    assert_eq!(
        escaped(Escape::Strict, "aZ09{}~ <>&\"'=/\n\u{7f}ä€"),
        "aZ09{}~&#32;&lt;&gt;&amp;&quot;&apos;&#61;&#47;&#10;&#127;&#228;&#8364;"
    );
}

#[test]
fn no_escaping_leaves_all() {
    assert_eq!(escaped(Escape::None, "<&>"), "<&>");
}

#[test]
fn a_function_of_the_users_escapes() {
    fn doubled(text: &str, output: &mut String) {
        output.push_str(&text.replace('\'', "''"));
    }
    assert_eq!(escaped(Escape::Custom(doubled), "it's"), "it''s");
}

#[test]
fn what_writes_itself_is_escaped_too() {
    let address: std::net::SocketAddr = "[::1]:80".parse().expect("an address");
    let template = Template::compile("{{a}} {{{b}}} {{c}}").expect("well-formed");
    let data = std::collections::BTreeMap::from([
        ("a".to_owned(), address.to_string()),
        ("b".to_owned(), "<".to_owned()),
    ]);
    assert_eq!(template.render(&data).expect("it renders"), "[::1]:80 < ");
    let template = Template::compile("{{.}}").expect("well-formed");
    assert_eq!(template.render(&address).expect("it renders"), "[::1]:80");
    assert_eq!(template.render(&'<').expect("it renders"), "&lt;");
}

#[test]
fn a_writer_gets_the_same_text_in_pieces() {
    struct Pieces(Vec<usize>, Vec<u8>);
    impl std::io::Write for Pieces {
        fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
            self.0.push(piece.len());
            self.1.extend_from_slice(piece);
            Ok(piece.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let template =
        Template::compile("{{#.}}<td>{{a}}</td>{{#b}}{{c}}{{/b}}\n{{/.}}end").expect("well-formed");
    let row = json!({ "a": "ä&".repeat(50), "b": true, "c": 12345 });
    let data = json!(vec![row; 300]);
    let whole = template.render(&data).expect("it renders");
    assert_eq!(
        template.render_bytes(&data).expect("it renders"),
        whole.as_bytes()
    );
    let mut pieces = Pieces(Vec::new(), Vec::new());
    template.write_to(&mut pieces, &data).expect("it renders");
    assert_eq!(pieces.1, whole.as_bytes());
    assert!(pieces.0.len() > 3, "{:?}", pieces.0);
    assert!(pieces.0.iter().all(|n_bytes| *n_bytes < 10_000));
    let mut text = String::new();
    template.format_to(&mut text, &data).expect("it renders");
    assert_eq!(text, whole);
}

#[test]
fn threads_share_a_template() {
    let template = Template::compile("{{#.}}{{.}},{{/.}}").expect("well-formed");
    std::thread::scope(|scope| {
        for n in 0..4 {
            let template = template.clone();
            scope.spawn(move || {
                let text = template.render(&vec![n; 3]).expect("it renders");
                assert_eq!(text, format!("{n},{n},{n},"));
            });
        }
    });
}
