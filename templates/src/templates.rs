//! Templates by name.

use std::sync::Arc;

use crate::set::Set;
use crate::{Config, Error, Template};

/// Holds templates that call each other by name.
///
/// A name may have folders: `blog/post`. A partial is searched in the folder of the template that
/// calls it, then in each folder above. With a slash at its beginning it is searched from the top
/// only, and an ending `.mustache` is left out of account.
#[derive(Clone, Debug)]
pub struct Templates {
    set: Arc<Set>,
}

impl Templates {
    /// Compiles templates from pairs of name and source.
    ///
    /// # Errors
    ///
    /// One of them is not well-formed or too long, or calls one that there is not.
    pub fn compile<N: AsRef<str>, S: AsRef<str>>(
        sources: impl IntoIterator<Item = (N, S)>,
        config: Config,
    ) -> Result<Self, Error> {
        let set = Arc::new(Set::new(sources, config)?);
        Ok(Self { set })
    }

    /// Returns a template by its name.
    pub fn get(&self, name: &str) -> Option<Template> {
        let index = self.set.find(name)?;
        Some(Template::new(Arc::clone(&self.set), index))
    }

    /// Lists the names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.set.names()
    }
}
