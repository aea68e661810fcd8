//! A request's head as it came: one block of bytes, and where things lie in it.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use http::{Method, Request, Version};

use super::field_line::{self, FieldLine};
use super::framing::FramingFields;
use super::head::Form;
use super::names::{self, Role};
use super::request_line::RequestLine;
use super::value::Value;
use super::{octet, target};
use crate::error::Violation;

/// A request's head that was read and judged, and not taken apart: the lower door for services
/// that look at little of it.
///
/// It is one block of memory; nothing of it is copied, and no map is made. What it gives out are
/// octets that keep the rules of a method, a target, a name and a value.
///
/// Of a target in absolute-form, the authority stands above Host (RFC 9112 §3.2.2): here
/// `field("host")` is still what the client wrote, and only [`Head::into_request`] puts the target's
/// authority in its place. Who chooses by host from the octets must look at the target first.
///
/// # Spec
///
/// RFC 9112 §3, §5.
#[derive(Clone, Default)]
pub struct Head {
    /// The head, with the empty line that ends it.
    block: Bytes,
    method_len: usize,
    target_start: usize,
    target_end: usize,
    fields_start: usize,
    n_fields: usize,
    version: Version,
}

impl Head {
    /// Returns the method, as it was spelled: methods are case-sensitive.
    pub fn method(&self) -> &[u8] {
        &self.block[..self.method_len]
    }

    /// Returns the request-target, in whichever form it came.
    pub fn target(&self) -> &[u8] {
        &self.block[self.target_range()]
    }

    /// Returns the version, 1.0 or 1.1.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns how many field lines there are.
    pub fn n_fields(&self) -> usize {
        self.n_fields
    }

    /// Returns the fields in their order: each line's name, as it was spelled, and its value.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let lines = self.field_lines();
        lines.map(|line| (line.name, line.value.octets()))
    }

    /// Returns the value of the first field line of a name, in whichever case it was spelled.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields()
            .find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Takes the head apart, as the other door would have. Its fields go on sharing the block.
    ///
    /// # Errors
    ///
    /// The types of `http` are not able to hold it.
    pub fn into_request<B>(self, body: B) -> Result<Request<B>, Violation> {
        let mut request = Request::new(body);
        let line = RequestLine {
            method_len: self.method_len,
            target: self.target_range(),
            version: self.version,
            len: self.fields_start,
        };
        request.set_line(&self.block, &line)?;
        // A map grows by itself, and says where it cannot; asked for too much at once it panics.
        request.reserve(self.n_fields.min(MAX_RESERVED));
        let mut framing = FramingFields::default();
        for line in self.field_lines() {
            request.append(&self.block, line.name, line.value, &mut framing)?;
        }
        request.finish(&self.block, self.block.len(), self.n_fields)?;
        Ok(request)
    }

    fn target_range(&self) -> Range<usize> {
        self.target_start..self.target_end
    }

    fn field_lines(&self) -> impl Iterator<Item = FieldLine<'_>> {
        let mut rest = &self.block[self.fields_start..];
        std::iter::from_fn(move || {
            let line = field_line::read(rest).ok().flatten()?;
            rest = line.behind;
            (!line.is_empty()).then_some(line)
        })
    }
}

/// The fields that room is made for at once.
const MAX_RESERVED: usize = 256;

impl Form for Head {
    fn clear(&mut self) {
        *self = Self::default();
    }

    #[inline(always)]
    fn set_line(&mut self, block: &Bytes, line: &RequestLine) -> Result<(), Violation> {
        target::check(&block[..line.method_len], block, line.target.clone())?;
        self.method_len = line.method_len;
        (self.target_start, self.target_end) = (line.target.start, line.target.end);
        self.version = line.version;
        self.fields_start = line.len;
        Ok(())
    }

    fn reserve(&mut self, _n_fields: usize) {}

    fn n_fields(&self) -> usize {
        self.n_fields
    }

    #[inline]
    fn append(
        &mut self,
        _block: &Bytes,
        name: &[u8],
        value: Value<'_>,
        framing: &mut FramingFields,
    ) -> Result<(), Violation> {
        match names::find(name) {
            Some(known) if known.role != Role::Other => framing.see(known.role, value.octets())?,
            Some(_) => {}
            None if octet::is_token(name) => {}
            None => return Err(field_line::blame(name)),
        }
        Ok(())
    }

    fn finish(&mut self, block: &Bytes, len: usize, n_fields: usize) -> Result<(), Violation> {
        self.n_fields = n_fields;
        self.block = block.slice(..len);
        Ok(())
    }

    fn is_method(&self, method: &Method) -> bool {
        *self.method() == *method.as_str().as_bytes()
    }

    fn version(&self) -> Version {
        self.version
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("method", &format_args!("{}", self.method().escape_ascii()))
            .field("target", &format_args!("{}", self.target().escape_ascii()))
            .field("version", &self.version)
            .field("n_fields", &self.n_fields)
            .finish_non_exhaustive()
    }
}
