//! Answers the cases of the Mustache specification: a JSON object on each line of the input,
//! `{"suite", "name", "template", "data", "partials"}`, and one on each line of the output,
//! `{"out": TEXT}` or `{"error": TEXT}`:
//! `cargo run --release -p astatine-templates --example spec`.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::io::{self, BufRead};
use std::sync::atomic::{AtomicU32, Ordering};

use astatine_templates::{Config, Context, Lambda, MissingPartial, Templates, Value};
use serde_json::{Value as Json, json};

fn main() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let answer = match answer(&line?) {
            Ok(out) => json!({ "out": out }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        println!("{answer}");
    }
    Ok(())
}

fn answer(line: &str) -> Result<String, Box<dyn std::error::Error>> {
    let case: Json = serde_json::from_str(line)?;
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    let mut sources = vec![("case", text("template"))];
    if let Some(partials) = case["partials"].as_object() {
        let partials = partials.iter();
        sources
            .extend(partials.filter_map(|(name, source)| Some((name.as_str(), source.as_str()?))));
    }
    let mut config = Config::default();
    config.missing_partial = MissingPartial::Empty;
    let templates = Templates::compile(sources, config)?;
    let template = templates.get("case").ok_or("no template")?;
    let json = &case["data"];
    Ok(if text("suite").contains("lambdas") {
        let lambda = lambda(text("name")).ok_or("no such lambda")?;
        template.render(&WithLambda { json, lambda })?
    } else {
        template.render(json)?
    })
}

/// The data of a case, with its lambda in place of the texts that describe it.
struct WithLambda<'a> {
    json: &'a Json,
    lambda: Box<dyn Lambda>,
}

impl Context for WithLambda<'_> {
    fn value(&self) -> Value<'_> {
        Value::fields(self)
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "lambda" => self.lambda.value(),
            _ => self.json.field(name),
        }
    }
}

/// Returns the lambda of a case, which the suite has in other languages.
fn lambda(case: &str) -> Option<Box<dyn Lambda>> {
    let n_calls = AtomicU32::new(0);
    Some(match case {
        "Interpolation" => Box::new(|_: &str| "world".to_owned()),
        "Interpolation - Expansion" => Box::new(|_: &str| "{{planet}}".to_owned()),
        "Interpolation - Alternate Delimiters" => {
            Box::new(|_: &str| "|planet| => {{planet}}".to_owned())
        }
        "Interpolation - Multiple Calls" => {
            Box::new(move |_: &str| (n_calls.fetch_add(1, Ordering::Relaxed) + 1).to_string())
        }
        "Escaping" => Box::new(|_: &str| ">".to_owned()),
        "Section" => Box::new(|text: &str| match text {
            "{{x}}" => "yes".to_owned(),
            _ => "no".to_owned(),
        }),
        "Section - Expansion" => Box::new(|text: &str| format!("{text}{{{{planet}}}}{text}")),
        "Section - Alternate Delimiters" => {
            Box::new(|text: &str| format!("{text}{{{{planet}}}} => |planet|{text}"))
        }
        "Section - Multiple Calls" => Box::new(|text: &str| format!("__{text}__")),
        "Inverted Section" => Box::new(|_: &str| String::new()),
        _ => return None,
    })
}
