//! Compiled templates that know each other.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;

use crate::compile::{Delimiters, Op, Program, Target, compile};
use crate::{Config, Error, ErrorKind, MissingPartial};

/// Templates that call each other by number.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) config: Config,
    pub(crate) programs: Vec<Program>,
    /// For each program, the capacity that its output is likely to need.
    pub(crate) hints: Vec<AtomicUsize>,
    by_name: HashMap<Box<str>, usize>,
}

impl Set {
    /// Returns a set without templates.
    pub(crate) fn empty(config: Config) -> Self {
        Self {
            config,
            programs: Vec::new(),
            hints: Vec::new(),
            by_name: HashMap::new(),
        }
    }

    /// Compiles templates and resolves the partials among them.
    ///
    /// # Errors
    ///
    /// One of them is not well-formed, too long, or calls one that there is not.
    pub(crate) fn new<N: AsRef<str>, S: AsRef<str>>(
        sources: impl IntoIterator<Item = (N, S)>,
        config: Config,
    ) -> Result<Self, Error> {
        let mut set = Self::empty(config);
        for (name, source) in sources {
            let (name, source) = (name.as_ref(), source.as_ref());
            // Places are kept in 32 bits where there are many.
            let limit = set.config.max_template_bytes.min(u32::MAX as usize);
            if source.len() > limit {
                return Err(Error::of(ErrorKind::TemplateTooLong, name));
            }
            let program = compile(name, source, &Delimiters::default())?;
            set.hints.push(AtomicUsize::new(source.len()));
            set.by_name.insert(name.into(), set.programs.len());
            set.programs.push(program);
        }
        let mut programs = std::mem::take(&mut set.programs);
        for program in &mut programs {
            set.link(program)?;
        }
        set.programs = programs;
        Ok(set)
    }

    /// Resolves the partials of a program.
    ///
    /// # Errors
    ///
    /// There is none of that name, and the configuration refuses that.
    pub(crate) fn link(&self, program: &mut Program) -> Result<(), Error> {
        let mut missing = None;
        for instruction in &mut program.code {
            let Op::Include(include) = &mut instruction.op else {
                continue;
            };
            if let Target::Named(name) = &include.target {
                let found = self.resolve(name, &program.name);
                if found.is_none() && missing.is_none() {
                    missing = Some((name.clone(), include.place.clone()));
                }
                include.target = found.map_or(Target::Nothing, Target::Linked);
            }
        }
        match missing {
            Some((name, place)) if self.config.missing_partial == MissingPartial::Refused => {
                Err(program.error(ErrorKind::MissingPartial(name), place))
            }
            _ => Ok(()),
        }
    }

    /// Returns the number of a template.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Searches a partial: in the folder of the template that calls it, then up to the root.
    pub(crate) fn resolve(&self, name: &str, caller: &str) -> Option<usize> {
        let name = name.strip_suffix(".mustache").unwrap_or(name);
        if let Some(absolute) = name.strip_prefix('/') {
            return self.find(absolute);
        }
        let mut folder = caller;
        while let Some((above, _)) = folder.rsplit_once('/') {
            folder = above;
            if let Some(found) = self.find(&format!("{folder}/{name}")) {
                return Some(found);
            }
        }
        self.find(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.programs.iter().map(|program| &*program.name)
    }
}
