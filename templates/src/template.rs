//! One template, ready to be rendered.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::render::{self, Sink};
use crate::set::Set;
use crate::{Config, Context, Error, ErrorKind, Value};

/// A compiled template with the ones that it calls.
///
/// It is cheap to clone and can be rendered by any number of threads at once.
#[derive(Clone)]
pub struct Template {
    set: Arc<Set>,
    index: usize,
}

impl Template {
    /// Compiles a template that calls no other one.
    ///
    /// # Errors
    ///
    /// It is not well-formed.
    pub fn compile(source: &str) -> Result<Self, Error> {
        let set = Set::new([("template", source)], Config::default())?;
        Ok(Self::new(Arc::new(set), 0))
    }

    pub(crate) fn new(set: Arc<Set>, index: usize) -> Self {
        Self { set, index }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.set.programs[self.index].name
    }

    /// Renders to a string. Its capacity is what earlier renders have needed.
    ///
    /// # Errors
    ///
    /// A limit of the [`Config`] is reached, a lambda answers what is no template, or a value
    /// refuses to write itself.
    pub fn render(&self, data: &(impl Context + ?Sized)) -> Result<String, Error> {
        let text = self.run(self.capacity(), data.value(), Sink::Text)?;
        self.learn(text.len());
        Ok(text)
    }

    /// Renders to bytes, which are UTF-8.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render).
    pub fn render_bytes(&self, data: &(impl Context + ?Sized)) -> Result<Vec<u8>, Error> {
        self.render(data).map(String::into_bytes)
    }

    /// Renders to a writer of bytes, in pieces of some kilobytes.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render), or the writer fails; it may then have taken a part.
    pub fn write_to(
        &self,
        writer: &mut dyn io::Write,
        data: &(impl Context + ?Sized),
    ) -> Result<(), Error> {
        self.stream(data.value(), &mut |piece| {
            writer
                .write_all(piece.as_bytes())
                .map_err(|error| ErrorKind::Write(Arc::new(error)))
        })
    }

    /// Renders to a writer of text, in pieces of some kilobytes.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render), or the writer fails; it may then have taken a part.
    pub fn format_to(
        &self,
        writer: &mut dyn fmt::Write,
        data: &(impl Context + ?Sized),
    ) -> Result<(), Error> {
        self.stream(data.value(), &mut |piece| {
            writer
                .write_str(piece)
                .map_err(|error| ErrorKind::Write(Arc::new(io::Error::other(error))))
        })
    }

    fn stream(
        &self,
        data: Value<'_>,
        write: &mut dyn FnMut(&str) -> Result<(), ErrorKind>,
    ) -> Result<(), Error> {
        let capacity = self.capacity().min(render::PIECE_BYTES);
        self.run(capacity, data, Sink::Pieces(write)).map(drop)
    }

    fn run<'r>(
        &'r self,
        capacity: usize,
        data: Value<'_>,
        sink: Sink<'r>,
    ) -> Result<String, Error> {
        render::render(&self.set, self.index, data, capacity, sink)
    }

    fn capacity(&self) -> usize {
        self.set.hints[self.index].load(Ordering::Relaxed)
    }

    /// Notes what a render has needed, with room for a little more.
    fn learn(&self, n_bytes: usize) {
        let hint = &self.set.hints[self.index];
        let known = hint.load(Ordering::Relaxed);
        let wanted = n_bytes + n_bytes / 8;
        // A page that was once large must not cost its memory for ever.
        if n_bytes > known || wanted < known / 2 {
            hint.store(wanted, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
