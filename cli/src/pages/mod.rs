//! Pages that are rendered from templates, before the files are asked.
//!
//! GET /NAME shows the template NAME of the folder with the data of NAME.json beside it, `/` and
//! names that end with a slash show `index`. What begins with `_` is for other templates only.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use astatine_templates::{Context, Error, ErrorKind, Template, Templates, Value, Watch};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::Value as Json;

use crate::failure::Failure;
use crate::form;
use crate::site::refuse_method;

mod browsers;
mod fault;
mod reload;
mod service;

pub(crate) use browsers::Browsers;
pub(crate) use reload::ReloadLayer;
pub(crate) use service::PagesLayer;

use fault::Fault;

/// A folder of templates, and the data beside them.
#[derive(Debug)]
pub(crate) struct Pages {
    templates: Arc<Templates>,
    data: RwLock<Data>,
    /// Who is shown what is wrong with the templates.
    browsers: Option<Browsers>,
    /// What was wrong when they were last loaded.
    fault: RwLock<Option<Arc<Fault>>>,
    /// Names of the header fields that a template may show, in lower case.
    headers: Vec<String>,
}

/// The data of each page that has some.
type Data = Arc<HashMap<String, Json>>;

impl Pages {
    /// Reads a folder; if there are browsers, they are shown what is wrong with what is in it.
    ///
    /// # Errors
    ///
    /// The folder cannot be read. Without browsers also: a template or its data cannot be used.
    pub(crate) fn open(
        folder: &Path,
        headers: &[String],
        browsers: Option<Browsers>,
    ) -> Result<Self, Failure> {
        let templates = Templates::unread(folder, astatine_templates::Config::default());
        let load = templates.reload();
        let pages = Self {
            templates: Arc::new(templates),
            data: RwLock::default(),
            browsers,
            fault: RwLock::new(None),
            headers: headers.iter().map(|name| name.to_lowercase()).collect(),
        };
        if pages.browsers.is_some() && folder.read_dir().is_ok() {
            pages.take(load);
        } else {
            load.map_err(|error| bad_template(folder, &error))?;
            pages.read_data()?;
        }
        Ok(pages)
    }

    /// Has the folder read again when a file in it changes, until the watch is dropped.
    pub(crate) fn watch(self: &Arc<Self>) -> Option<Watch> {
        let pages = Arc::downgrade(self);
        let watch = self.templates.watch(move |load| {
            if let Some(pages) = pages.upgrade() {
                pages.take(load);
            }
        });
        watch
            .inspect_err(|error| tracing::warn!("templates are not watched: {error}"))
            .ok()
    }

    /// Follows a load of the templates with one of the data; what cannot be used changes nothing.
    fn take(&self, load: Result<(), Error>) {
        let fault = match load {
            Ok(()) => self.take_data(),
            Err(error) => {
                tracing::error!("templates stay as they were: {error}");
                Some(Fault::new(self.folder(), &error))
            }
        };
        if let Some(browsers) = &self.browsers {
            *self.fault.write().unwrap_or_else(PoisonError::into_inner) = fault.map(Arc::new);
            browsers.reload();
        }
    }

    fn take_data(&self) -> Option<Fault> {
        match self.read_data() {
            Ok(()) => {
                tracing::info!("templates are loaded");
                None
            }
            Err(failure) => {
                tracing::error!("the data of pages stays as it was: {failure}");
                Some(Fault::of_data(&failure))
            }
        }
    }

    fn read_data(&self) -> Result<(), Failure> {
        let data = read_data(self.folder(), &self.templates)?;
        *self.data.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(data);
        Ok(())
    }

    fn folder(&self) -> &Path {
        self.templates.folder().unwrap_or_else(|| Path::new(""))
    }

    /// Answers for the page that a request asks for, if there is one.
    fn answer(&self, request: &Parts) -> Option<Response<Bytes>> {
        let path = request.uri.path().strip_prefix('/')?;
        let index = if path.is_empty() || path.ends_with('/') {
            "index"
        } else {
            ""
        };
        let name = format!("{path}{index}");
        if name.split('/').any(|part| part.starts_with('_')) {
            return None;
        }
        let template = self.templates.get(&name);
        let fault = current(&self.fault);
        // Where something is wrong, a template that is there may never have been loaded.
        if template.is_none() && (fault.is_none() || !self.has_file(&name)) {
            return None;
        }
        if request.method != Method::GET && request.method != Method::HEAD {
            return Some(refuse_method(&request.method));
        }
        match fault {
            Some(fault) => Some(broken(&fault)),
            None => Some(self.render(&name, &template?, request)),
        }
    }

    fn has_file(&self, name: &str) -> bool {
        let path = PathBuf::from(format!("{name}.mustache"));
        let is_inside = |part| matches!(part, Component::Normal(_));
        path.components().all(is_inside) && self.folder().join(path).is_file()
    }

    fn render(&self, name: &str, template: &Template, request: &Parts) -> Response<Bytes> {
        let data = current(&self.data);
        let page = Page {
            data: data.get(name),
            request: Asked::new(request, &self.headers),
        };
        match template.render_bytes(&page) {
            Ok(text) => response(StatusCode::OK, HTML, text.into()),
            Err(error) => {
                tracing::error!("{name} cannot be rendered: {error}");
                if self.browsers.is_some() {
                    return broken(&Fault::new(self.folder(), &error));
                }
                let text = Bytes::from_static(b"The page cannot be rendered.\n");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                response(status, "text/plain; charset=utf-8", text)
            }
        }
    }
}

/// Returns what there is; a page is not rendered under a lock, which would hold up the next load.
fn current<T: Clone>(lock: &RwLock<T>) -> T {
    lock.read().unwrap_or_else(PoisonError::into_inner).clone()
}

const HTML: &str = "text/html; charset=utf-8";

fn broken(fault: &Fault) -> Response<Bytes> {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    response(status, HTML, fault.page())
}

fn response(status: StatusCode, media_type: &'static str, text: Bytes) -> Response<Bytes> {
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_LENGTH, length);
    // It may be an other one for each request.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// What a template is shown: the page's data, and `request`.
struct Page<'a> {
    data: Option<&'a Json>,
    request: Asked<'a>,
}

impl Context for Page<'_> {
    fn value(&self) -> Value<'_> {
        Value::fields(self)
    }

    fn field(&self, name: &str) -> Value<'_> {
        match (name, self.data) {
            ("request", _) => self.request.value(),
            (_, Some(data)) => data.field(name),
            (_, None) => Value::MISSING,
        }
    }
}

/// What a template may know of a request.
struct Asked<'a> {
    path: &'a str,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
}

astatine_templates::context! { Asked<'a> { path, query, headers } }

impl<'a> Asked<'a> {
    fn new(request: &'a Parts, wanted: &[String]) -> Self {
        let query = request.uri.query().unwrap_or_default();
        let mut pairs = HashMap::new();
        for (name, value) in form::pairs(query) {
            pairs.entry(name).or_insert(value);
        }
        let header = |name: &String| {
            let value = request.headers.get(name)?;
            let text = String::from_utf8_lossy(value.as_bytes());
            Some((name.clone(), text.into_owned()))
        };
        Self {
            path: request.uri.path(),
            query: pairs,
            headers: wanted.iter().filter_map(header).collect(),
        }
    }
}

/// Reads the data beside each template.
fn read_data(folder: &Path, templates: &Templates) -> Result<HashMap<String, Json>, Failure> {
    let mut data = HashMap::new();
    for name in templates.names() {
        let path = folder.join(format!("{name}.json"));
        match fs::read(&path) {
            Ok(text) => {
                let json = serde_json::from_slice(&text);
                data.insert(name, json.map_err(|error| bad_data(path, &error))?);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::file("cannot read", path, error)),
        }
    }
    Ok(data)
}

fn bad_template(folder: &Path, error: &Error) -> Failure {
    if let ErrorKind::Read(cause) = error.kind() {
        let path = error.template().unwrap_or_default();
        let cause = io::Error::new(cause.kind(), Arc::clone(cause));
        return Failure::file("cannot read", path, cause);
    }
    Failure::Configuration {
        path: folder.to_owned(),
        line: None,
        reason: error.to_string(),
    }
}

fn bad_data(path: PathBuf, error: &serde_json::Error) -> Failure {
    Failure::Configuration {
        path,
        line: Some(error.line()),
        reason: error.to_string(),
    }
}
