//! From a request to a response: which file, which status, which page.

use std::io;
use std::sync::Arc;

use http::header::{ACCEPT, ALLOW, CONTENT_RANGE, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use rustix::io::Errno;

use super::body::FileBody;
use super::files::{Files, Found};
use super::listing;
use super::reach::Reach;
use super::resource::Resource;
use super::respond::{self, Answered};
use crate::plan::{FilePath, names_html};

/// The parts of a request that decide its answer.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
}

impl<'a> Asked<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
        }
    }

    pub(crate) fn of_parts(parts: &'a Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
        }
    }
}

impl Files {
    /// Answers any request.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, when memory does not do; nothing when the disk may be reached.
    pub(crate) fn answer<A: Answered>(&self, asked: &Asked<'_>, reach: Reach) -> io::Result<A> {
        let answer = if is_read(asked.method) {
            self.read(asked, reach)
        } else {
            self.refuse_method(asked, reach).map(A::other)
        };
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) if is_for_disk(&error, reach) => Err(error),
            Err(error) => self.status(status_of(&error), asked, reach).map(A::other),
        }
    }

    /// Answers a GET or HEAD if its path leads to something; `None` leaves it to others.
    ///
    /// # Errors
    ///
    /// As [`Files::answer`].
    pub(crate) fn answer_if_found(
        &self,
        asked: &Asked<'_>,
        reach: Reach,
    ) -> io::Result<Option<Response<FileBody>>> {
        let answer = self
            .find(asked.uri.path(), reach)
            .and_then(|found| self.answer_found(found, asked, reach));
        match answer {
            Err(error) if is_for_disk(&error, reach) => Err(error),
            Err(error) => self.status(status_of(&error), asked, reach).map(Some),
            answer => answer,
        }
    }

    fn read<A: Answered>(&self, asked: &Asked<'_>, reach: Reach) -> io::Result<A> {
        match self.find(asked.uri.path(), reach)? {
            Found::File(resource) => self.answer_file(resource, asked, reach),
            found => self.read_without_file(found, asked, reach).map(A::other),
        }
    }

    fn read_without_file(
        &self,
        found: Found,
        asked: &Asked<'_>,
        reach: Reach,
    ) -> io::Result<Response<FileBody>> {
        let status = match found {
            Found::Refused => StatusCode::BAD_REQUEST,
            _ => StatusCode::NOT_FOUND,
        };
        if let Some(response) = self.answer_found(found, asked, reach)? {
            return Ok(response);
        }
        let Some((page, path)) = self.fallback(asked) else {
            return self.status(status, asked, reach);
        };
        let page = if !path.has_extension() || names_html(asked.headers) {
            self.find_exactly(page, reach)?
        } else {
            None
        };
        let mut response: Response<FileBody> = match page {
            Some(page) => self.answer_file(page, asked, reach)?,
            None => self.status(status, asked, reach)?,
        };
        if path.has_extension() {
            // Who names HTML gets the fallback, anybody else a 404.
            response
                .headers_mut()
                .append(VARY, HeaderValue::from(ACCEPT));
        }
        Ok(response)
    }

    /// Returns the name of the fallback page, and the path that it may stand for.
    fn fallback(&self, asked: &Asked<'_>) -> Option<(&[u8], FilePath)> {
        let page = self.config().spa_fallback.as_ref()?;
        let path = FilePath::decode(asked.uri.path()).ok()?;
        let name = page.trim_start_matches('/').as_bytes();
        (!self.is_hidden(&path)).then_some((name, path))
    }

    fn answer_found(
        &self,
        found: Found,
        asked: &Asked<'_>,
        reach: Reach,
    ) -> io::Result<Option<Response<FileBody>>> {
        match found {
            Found::File(resource) => self.answer_file(resource, asked, reach).map(Some),
            Found::Folder => Ok(Some(respond::to_folder(asked.uri, self.max_age().clone()))),
            Found::Listing => listing::answer(self, asked, reach),
            Found::Nothing | Found::Refused => Ok(None),
        }
    }

    fn answer_file<A: Answered>(
        &self,
        resource: Arc<Resource>,
        asked: &Asked<'_>,
        reach: Reach,
    ) -> io::Result<A> {
        let (resource, encoding) = self.negotiate(resource, asked, reach)?;
        let max_ranges = self.config().max_ranges;
        let answer: A = respond::with_variant(
            resource.variant(encoding),
            asked.method,
            asked.headers,
            max_ranges,
        );
        let refusal = answer.response();
        if !refusal.status().is_client_error() {
            return Ok(answer);
        }
        let mut page = self.status(refusal.status(), asked, reach)?;
        // RFC 9110 §15.5.17: how long the file is.
        if let Some(range) = refusal.headers().get(CONTENT_RANGE) {
            page.headers_mut().insert(CONTENT_RANGE, range.clone());
        }
        Ok(A::other(page))
    }

    /// Answers a method that does not read.
    fn refuse_method(&self, asked: &Asked<'_>, reach: Reach) -> io::Result<Response<FileBody>> {
        let is_options = asked.method == Method::OPTIONS;
        let is_for_server = is_options && asked.uri.path() == "*";
        if !is_for_server {
            match self.find(asked.uri.path(), reach)? {
                Found::File(_) | Found::Folder | Found::Listing => {}
                Found::Nothing => return self.status(StatusCode::NOT_FOUND, asked, reach),
                Found::Refused => return self.status(StatusCode::BAD_REQUEST, asked, reach),
            }
        }
        let mut response = if is_options {
            respond::empty(StatusCode::NO_CONTENT)
        } else {
            self.status(StatusCode::METHOD_NOT_ALLOWED, asked, reach)?
        };
        let allowed = HeaderValue::from_static("GET, HEAD, OPTIONS");
        response.headers_mut().insert(ALLOW, allowed);
        Ok(response)
    }

    /// Answers with a status, and with the page `CODE.html` at the root if there is one.
    pub(crate) fn status(
        &self,
        status: StatusCode,
        asked: &Asked<'_>,
        reach: Reach,
    ) -> io::Result<Response<FileBody>> {
        match self.status_page(status, asked, reach) {
            Err(error) if is_for_disk(&error, reach) => Err(error),
            Ok(Some(response)) => Ok(response),
            // The page is an ornament: what is wrong with it is not worth an other status.
            Ok(None) | Err(_) => Ok(respond::plain(status, asked.method)),
        }
    }

    fn status_page(
        &self,
        status: StatusCode,
        asked: &Asked<'_>,
        reach: Reach,
    ) -> io::Result<Option<Response<FileBody>>> {
        let name = [status.as_str().as_bytes(), b".html"].concat();
        let Some(resource) = self.find_exactly(&name, reach)? else {
            return Ok(None);
        };
        let (resource, encoding) = self.negotiate(resource, asked, reach)?;
        Ok(Some(respond::page(
            resource.variant(encoding),
            asked.method,
            status,
        )))
    }
}

/// Tells whether a method is one that files are read by.
pub(crate) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn is_for_disk(error: &io::Error, reach: Reach) -> bool {
    reach == Reach::Memory && error.kind() == io::ErrorKind::WouldBlock
}

fn status_of(error: &io::Error) -> StatusCode {
    match Errno::from_io_error(error) {
        Some(Errno::ACCESS | Errno::PERM) => StatusCode::FORBIDDEN,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
