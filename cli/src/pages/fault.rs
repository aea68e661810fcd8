//! The page that shows what is wrong with a template or its data.

use std::path::Path;

use astatine_templates::{Error, Template, context};
use bytes::Bytes;

use crate::failure::Failure;

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// The file, with line and column where they are known.
    place: String,
    text: String,
}

context! { Fault { place, text } }

const PAGE: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>{{place}}</title>
<h1>{{place}}</h1>
<pre>{{text}}</pre>
</html>
";

impl Fault {
    /// Takes an error of a template of a folder.
    pub(super) fn new(folder: &Path, error: &Error) -> Self {
        let name = error.template().unwrap_or_default();
        let place = match (error.line(), error.column()) {
            (Some(line), Some(column)) => {
                let file = folder.join(format!("{name}.mustache"));
                format!("{}:{line}:{column}", file.display())
            }
            _ => name.to_owned(),
        };
        Self {
            place,
            text: error.to_string(),
        }
    }

    /// Takes what is wrong with the data of a page.
    pub(super) fn of_data(failure: &Failure) -> Self {
        Self {
            place: "The data of a page".to_owned(),
            text: failure.to_string(),
        }
    }

    /// Returns the page.
    pub(super) fn page(&self) -> Bytes {
        let template = Template::compile(PAGE).expect("the template is well-formed");
        let page = template.render_bytes(self);
        page.expect("it has neither lambdas nor lists").into()
    }
}
