//! Which topics a selector is for: one, all, or those that a URI template expands to.
//!
//! A template is matched and never expanded: an expression stands for whatever its values could be
//! encoded as. All ways to match are followed at once, as sets of places in the topic, so the time
//! is bounded by the product of both lengths; and subscribers by the number of variables.
//!
//! # Spec
//!
//! RFC 6570, all levels but the prefix modifier (`{name:3}`): a template that has it is none, and
//! only its own text matches.

/// What a subscriber asks for, or a token allows.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    text: Box<str>,
    /// Empty where the text is no template.
    parts: Box<[Part]>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(Box<str>),
    Expression(Expression),
}

#[derive(Clone, Debug)]
struct Expression {
    operator: Operator,
    variables: Box<[Variable]>,
}

#[derive(Clone, Debug)]
struct Variable {
    name: Box<str>,
    is_exploded: bool,
}

/// How the values of an expression are written (RFC 6570 appendix A).
#[derive(Clone, Copy, Debug)]
struct Operator {
    /// What stands before the first value.
    first: Option<u8>,
    /// What stands between two.
    separator: u8,
    /// Whether each value has its name before it.
    is_named: bool,
    /// Whether reserved characters stand as they are.
    takes_reserved: bool,
}

/// The places in a topic that a part of a template can end at; one more than there are bytes.
type Places = Vec<bool>;

impl Selector {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            parts: parse(text).unwrap_or_default(),
        }
    }

    pub(super) fn matches(&self, topic: &str) -> bool {
        &*self.text == "*" || *self.text == *topic || self.matches_template(topic.as_bytes())
    }

    /// Returns how many topics it counts as: its variables, each of which costs time.
    pub(super) fn weight(&self) -> usize {
        let n_variables = self.parts.iter().map(|part| match part {
            Part::Literal(_) => 0,
            Part::Expression(expression) => expression.variables.len(),
        });
        n_variables.sum::<usize>().max(1)
    }

    fn matches_template(&self, topic: &[u8]) -> bool {
        if self.parts.is_empty() {
            return false;
        }
        let mut places = vec![false; topic.len() + 1];
        places[0] = true;
        for part in &self.parts {
            if !places.contains(&true) {
                return false;
            }
            places = match part {
                Part::Literal(literal) => behind(&places, topic, literal.as_bytes()),
                Part::Expression(expression) => expression.ends(&places, topic),
            };
        }
        places[topic.len()]
    }
}

impl Expression {
    /// Returns where the expression can end, of which all values may be missing.
    fn ends(&self, places: &Places, topic: &[u8]) -> Places {
        let Operator {
            first,
            separator,
            is_named,
            ..
        } = self.operator;
        let (mut without, mut with) = (places.clone(), vec![false; places.len()]);
        for variable in &self.variables {
            let mut begins = behind(&with, topic, &[separator]);
            let begin: &[u8] = first.as_slice();
            add(&mut begins, &behind(&without, topic, begin));
            let any_name = !is_named || variable.is_exploded;
            let ends = if any_name {
                run(&begins, topic, |byte| self.takes(byte, variable))
            } else {
                let mut named = behind(&begins, topic, variable.name.as_bytes());
                let values = behind(&named, topic, b"=");
                add(
                    &mut named,
                    &run(&values, topic, |byte| self.takes(byte, variable)),
                );
                named
            };
            add(&mut with, &ends);
        }
        add(&mut without, &with);
        without
    }

    /// Tells whether a value can have a byte in it.
    fn takes(&self, byte: u8, variable: &Variable) -> bool {
        // Members of a list or a map stand between commas, or as values of their own.
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~%,".contains(&byte);
        let is_reserved = b":/?#[]@!$&'()*+;=".contains(&byte);
        is_plain
            || (is_reserved && self.operator.takes_reserved)
            || (variable.is_exploded && (byte == b'=' || byte == self.operator.separator))
    }
}

/// Returns the places behind a literal.
fn behind(places: &Places, topic: &[u8], literal: &[u8]) -> Places {
    if literal.is_empty() {
        return places.clone();
    }
    let mut ends = vec![false; places.len()];
    for (at, _) in places.iter().enumerate().filter(|(_, is_in)| **is_in) {
        if topic[at..].starts_with(literal) {
            ends[at + literal.len()] = true;
        }
    }
    ends
}

/// Returns the places behind any number of bytes of a kind.
fn run(places: &Places, topic: &[u8], takes: impl Fn(u8) -> bool) -> Places {
    let mut ends = places.clone();
    for (at, byte) in topic.iter().enumerate() {
        if ends[at] && takes(*byte) {
            ends[at + 1] = true;
        }
    }
    ends
}

fn add(places: &mut Places, more: &Places) {
    for (place, other) in places.iter_mut().zip(more) {
        *place |= other;
    }
}

/// Takes a template apart; `None` where it is none.
fn parse(text: &str) -> Option<Box<[Part]>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((literal, behind)) = rest.split_once('{') {
        let (expression, behind) = behind.split_once('}')?;
        if literal.contains('}') {
            return None;
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        parts.push(Part::Expression(parse_expression(expression)?));
        rest = behind;
    }
    if parts.is_empty() || rest.contains('}') {
        return None;
    }
    parts.push(Part::Literal(rest.into()));
    Some(parts.into())
}

fn parse_expression(text: &str) -> Option<Expression> {
    let (operator, variables) = match text.as_bytes().first()? {
        b'+' => (Operator::new(None, b',', true), &text[1..]),
        b'#' => (Operator::new(Some(b'#'), b',', true), &text[1..]),
        byte @ (b'.' | b'/') => (Operator::new(Some(*byte), *byte, false), &text[1..]),
        b';' => (Operator::new(Some(b';'), b';', false).named(), &text[1..]),
        byte @ (b'?' | b'&') => (Operator::new(Some(*byte), b'&', false).named(), &text[1..]),
        _ => (Operator::new(None, b',', false), text),
    };
    let is_name = |name: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_.%".contains(c);
        !name.is_empty() && name.chars().all(is_part)
    };
    let variable = |text: &str| {
        let name = text.strip_suffix('*');
        let is_exploded = name.is_some();
        let name: Box<str> = name.unwrap_or(text).into();
        is_name(&name).then_some(Variable { name, is_exploded })
    };
    let variables: Option<_> = variables.split(',').map(variable).collect();
    Some(Expression {
        operator,
        variables: variables?,
    })
}

impl Operator {
    fn new(first: Option<u8>, separator: u8, takes_reserved: bool) -> Self {
        Self {
            first,
            separator,
            is_named: false,
            takes_reserved,
        }
    }

    fn named(self) -> Self {
        Self {
            is_named: true,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(selector: &str, matching: &[&str], others: &[&str]) {
        let selector = Selector::new(selector);
        for topic in matching {
            assert!(selector.matches(topic), "{selector:?} {topic}");
        }
        for topic in others {
            assert!(!selector.matches(topic), "{selector:?} {topic}");
        }
    }

    #[test]
    fn a_text_matches_itself_and_a_star_all() {
        check("a", &["a"], &["", "A", "aa", "*"]);
        check("*", &["*", "a", "https://example.com/a"], &[]);
        check("a*", &["a*"], &["a", "ab"]);
        check("ä", &["ä"], &["a"]);
    }

    #[test]
    fn simple_expressions_take_what_is_not_reserved() {
        let book = "https://example.com/books/";
        check(
            "https://example.com/books/{id}",
            &[
                "https://example.com/books/1",
                "https://example.com/books/a-b%20c",
                book,
            ],
            &[
                "https://example.com/books/1/2",
                "https://example.com/books/1?a",
                "https://example.com/book",
                "http://example.com/books/1",
            ],
        );
        check(
            "/{a}/b/{c}.jsonld",
            &["/x/b/y.jsonld", "//b/.jsonld", "/b/b/b.jsonld.jsonld"],
            &["/x/b/y.json", "/x/y/b/z.jsonld"],
        );
        check("{a}{b}", &["", "xy"], &["/"]);
        check("{a,b}", &["x,y"], &["x;y"]);
    }

    #[test]
    fn each_operator_has_its_form() {
        check("/{+path}", &["/a/b?c=d", "/"], &["a", "/ "]);
        check("/{#frag}", &["/#a/b", "/"], &["/a"]);
        check("/x{.ext}", &["/x.json", "/x.a.b", "/x"], &["/xjson"]);
        check("{/a,b}", &["/x", "/x/y", ""], &["x", "/x/y/z"]);
        check("{/a*}", &["/x/y/z"], &["x"]);
        check(
            "/{;a,b}",
            &["/;a=1;b=2", "/;a", "/;b=2", "/"],
            &["/;c=1", "/;b=2;a=1", "/a=1"],
        );
        check(
            "/{?a,b}",
            &["/?a=1&b=2", "/?b=", "/"],
            &["/?c=1", "/?a=1&c=2", "/&a=1", "/?a=1&"],
        );
        check(
            "/?x=1{&a}",
            &["/?x=1&a=2", "/?x=1"],
            &["/?x=1&b=2", "/?x=1?a=2"],
        );
        check("/{?a*}", &["/?k=1&l=2"], &["/k=1"]);
    }

    #[test]
    fn what_is_no_template_is_a_text() {
        for text in [
            "{", "a{b", "a}b{c}", "{}", "{a:3}", "{a b}", "{=a}", "{a,}", "{+}",
        ] {
            check(text, &[text], &["a", "", "abc"]);
        }
    }

    #[test]
    fn a_hostile_template_takes_its_time_and_no_more() {
        let template = "{a}".repeat(340);
        let topic = format!("{}/", "a".repeat(1023));
        assert!(!Selector::new(&template).matches(&topic));
    }
}
