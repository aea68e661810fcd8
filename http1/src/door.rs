//! The two forms in which an app takes its requests, and the two in which it answers.

use astatine_reactor::FieldLines;
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

/// What an app answers with: `http::Response<B>`, or `(http::Response<B>, FieldLines)`, whose lines
/// are sent behind the fields of the response as they are.
/// An app may have a type of its own around either.
pub trait AppResponse {
    /// The body.
    type Body: Body<Data = Bytes>;

    /// Takes the response apart.
    fn into_parts(self) -> (Parts, Option<FieldLines>, Self::Body);
}

impl<B: Body<Data = Bytes>> AppResponse for Response<B> {
    type Body = B;

    #[inline(always)]
    fn into_parts(self) -> (Parts, Option<FieldLines>, B) {
        let (head, body) = self.into_parts();
        (head, None, body)
    }
}

impl<B: Body<Data = Bytes>> AppResponse for (Response<B>, FieldLines) {
    type Body = B;

    #[inline(always)]
    fn into_parts(self) -> (Parts, Option<FieldLines>, B) {
        let (head, body) = self.0.into_parts();
        (head, Some(self.1), body)
    }
}
