//! The two forms in which an app takes its requests, and the two in which it answers.

use astatine_reactor::{FieldLines, FileRegion};
use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, Request, Response};
use http_body::Body;

use crate::body::Incoming;
use crate::proto::RequestHead;
use crate::proto::zero_copy::Head;

/// What an app is called with: `http::Request<Incoming>`, or `(Head, Incoming)`, in which the head
/// is as it came. [`Http1::with_heads`](crate::Http1::with_heads) chooses the latter.
/// An app may have a type of its own around either.
pub trait AppRequest: Sized {
    /// The form of the head.
    type Head: RequestHead;

    /// Makes one with nothing in it. A form that has a map may take the empty one that is lent, for
    /// its room.
    fn empty(lent: Option<&mut HeaderMap>) -> Self;

    /// Returns the head, to be filled in.
    fn head_mut(&mut self) -> &mut Self::Head;

    /// Takes the body.
    fn set_body(&mut self, body: Incoming);
}

impl AppRequest for Request<Incoming> {
    type Head = Self;

    fn empty(lent: Option<&mut HeaderMap>) -> Self {
        let mut request = Self::new(Incoming::default());
        if let Some(lent) = lent {
            std::mem::swap(request.headers_mut(), lent);
        }
        request
    }

    fn head_mut(&mut self) -> &mut Self {
        self
    }

    #[inline(always)]
    fn set_body(&mut self, body: Incoming) {
        *self.body_mut() = body;
    }
}

impl AppRequest for (Head, Incoming) {
    type Head = Head;

    fn empty(_lent: Option<&mut HeaderMap>) -> Self {
        Self::default()
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.0
    }

    fn set_body(&mut self, body: Incoming) {
        self.1 = body;
    }
}

/// What an app answers with: `http::Response<B>`, or `(http::Response<B>, FieldLines,
/// Option<FileRegion>)`, which hands over what a map and extensions would cost more for: lines, sent
/// behind the fields of the response as they are, and the region whose bytes the body gives.
/// An app may have a type of its own around either.
pub trait AppResponse {
    /// The body.
    type Body: Body<Data = Bytes>;

    /// Takes the response apart. A region that is not beside it may be in its extensions.
    fn into_parts(self) -> (Parts, Option<FieldLines>, Option<FileRegion>, Self::Body);
}

impl<B: Body<Data = Bytes>> AppResponse for Response<B> {
    type Body = B;

    #[inline(always)]
    fn into_parts(self) -> (Parts, Option<FieldLines>, Option<FileRegion>, B) {
        let (head, body) = self.into_parts();
        (head, None, None, body)
    }
}

impl<B: Body<Data = Bytes>> AppResponse for (Response<B>, FieldLines, Option<FileRegion>) {
    type Body = B;

    #[inline(always)]
    fn into_parts(self) -> (Parts, Option<FieldLines>, Option<FileRegion>, B) {
        let (response, lines, region) = self;
        let (head, body) = response.into_parts();
        (head, Some(lines), region, body)
    }
}
