//! Templates by name.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use crate::set::Set;
use crate::{Config, Error, Template, folder};

/// Holds templates that call each other by name.
///
/// A name may have folders: `blog/post`. A partial is searched in the folder of the template that
/// calls it, then in each folder above. With a slash at its beginning it is searched from the top
/// only, and an ending `.mustache` is left out of account.
///
/// ```
/// use astatine_templates::{Config, Templates};
///
/// let sources = [("page", "<h1>{{.}}</h1>{{>foot}}"), ("foot", "<hr>")];
/// let templates = Templates::compile(sources, Config::default())?;
/// let page = templates.get("page").expect("it has just been compiled");
/// assert_eq!(page.render("At")?, "<h1>At</h1><hr>");
/// # Ok::<(), astatine_templates::Error>(())
/// ```
#[derive(Debug)]
pub struct Templates {
    /// Replaced as a whole, so that nobody ever sees templates of two loads together.
    set: RwLock<Arc<Set>>,
    folder: Option<PathBuf>,
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
        Ok(Self {
            set: RwLock::new(Arc::new(Set::new(sources, config)?)),
            folder: None,
        })
    }

    /// Compiles every file of a folder that ends with `.mustache`, those in its folders too, but
    /// none whose name begins with a dot. A template is named by its path without the ending.
    ///
    /// # Errors
    ///
    /// A file cannot be read, is too long or not UTF-8, or as [`compile`](Self::compile).
    pub fn open(folder: impl Into<PathBuf>, config: Config) -> Result<Self, Error> {
        let templates = Self::unread(folder, config);
        templates.reload()?;
        Ok(templates)
    }

    /// Names a folder as [`open`](Self::open) does, but has no templates before the first
    /// [`reload`](Self::reload): for who goes on where the folder is not in order.
    pub fn unread(folder: impl Into<PathBuf>, config: Config) -> Self {
        Self {
            set: RwLock::new(Arc::new(Set::empty(config))),
            folder: Some(folder.into()),
        }
    }

    /// Reads the folder again. Templates that were handed out before stay as they were; without a
    /// folder all do.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); then all templates stay.
    pub fn reload(&self) -> Result<(), Error> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let config = self.set().config.clone();
        let set = Set::new(folder::read(folder, &config)?, config)?;
        let mut current = self.set.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(set);
        Ok(())
    }

    /// Returns a template by its name.
    pub fn get(&self, name: &str) -> Option<Template> {
        let set = self.set();
        let index = set.find(name)?;
        Some(Template::new(set, index))
    }

    /// Returns the names, sorted if they come from a folder.
    pub fn names(&self) -> Vec<String> {
        self.set().names().map(str::to_owned).collect()
    }

    /// Returns the folder that the templates come from.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    fn set(&self) -> Arc<Set> {
        // Nothing can panic while it is replaced.
        let current = self.set.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }
}
