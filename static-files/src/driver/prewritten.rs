//! The service for a server that stands directly around it: whole files come with field lines.

use std::convert::Infallible;
use std::task::{Context, Poll};

use astatine_reactor::{FieldLines, FileRegion};
use http::header::ACCEPT_ENCODING;
use http::{Request, Response};
use tower_service::Service;

use super::body::FileBody;
use super::service::{FileFuture, StaticFiles};
use crate::plan::is_condition_or_range;

/// A response, the fields that its map lacks, and the region whose bytes its body gives.
pub type PrewrittenResponse = (Response<FileBody>, FieldLines, Option<FileRegion>);

/// Answers as [`StaticFiles`] does, but the answer to a GET for a whole file has its fields in lines
/// beside the response, and an empty map: all but Content-Length, which its body tells. So it has its
/// region, if it is large.
///
/// Lines are written when the file is read, so no request pays for them. A layer would not see
/// them; by its type it can only be put around [`StaticFiles`].
#[derive(Clone, Debug)]
pub struct Prewritten(pub(super) StaticFiles);

impl Prewritten {
    /// Answers a GET from its octets, without a request, where memory has the file's bytes and the
    /// fields ask for all of them; `None` leaves it to the service, which would answer the same.
    ///
    /// `target` is the request-target, in whichever form; `fields` are the request's, each a name
    /// and a value.
    ///
    /// # Spec
    ///
    /// RFC 9112 §3.2.1: a target in origin-form is a path, and a query, which files have none of.
    pub fn whole<'a>(
        &self,
        target: &[u8],
        fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Option<FileFuture<PrewrittenResponse>> {
        let mut accept_encoding = None;
        for (name, value) in fields {
            if is_condition_or_range(name) {
                return None;
            }
            if name.eq_ignore_ascii_case(ACCEPT_ENCODING.as_str().as_bytes())
                && accept_encoding.replace(value).is_some()
            {
                return None;
            }
        }
        let path = target.split(|&octet| octet == b'?').next()?;
        // Without its slash it may be the name of a file that no path leads to.
        if path.first() != Some(&b'/') {
            return None;
        }
        let files = self.0.files();
        let answer = files.whole_in_memory(path, accept_encoding)?;
        Some(FileFuture::ready(answer))
    }
}

/// As [`StaticFiles`].
impl<B> Service<Request<B>> for Prewritten {
    type Response = PrewrittenResponse;
    type Error = Infallible;
    type Future = FileFuture<Self::Response>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.answer(request)
    }
}
