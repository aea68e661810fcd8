//! What is served: the layers of options laid over each other, and whether they go together.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::idle::Dependent;
use crate::options::Options;
use crate::{demo, file, idle, variables};

/// What to serve, and how.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The layers, laid over each other.
    pub(crate) options: Options,
    /// What flags and the environment have set of them.
    above: Options,
    /// The options that flags have set, as --max-body.
    flags: Vec<String>,
    /// The configuration file, which has set the rest.
    file: Option<PathBuf>,
}

impl Settings {
    /// Lays the options over those of a configuration file.
    ///
    /// # Errors
    ///
    /// The file cannot be used, or what is asked for cannot be done.
    pub(crate) fn over_file(
        options: Options,
        flags: Vec<String>,
        path: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let below = path.as_deref().map(file::read).transpose()?;
        let mut settings = Self {
            options: options.clone().or(below.unwrap_or_default()),
            above: options,
            flags,
            file: path,
        };
        settings.judge()?;
        if settings.options.demo == Some(true) {
            demo::open(&mut settings.options);
        }
        Ok(settings)
    }

    /// Makes a failure about some options that of the configuration file, if all that is set of
    /// them is the file's.
    pub(crate) fn blame<T: Default + PartialEq>(
        &self,
        about: impl Fn(&Options) -> T,
        failure: Failure,
    ) -> Failure {
        let is_set_by = |options: &Options| about(options) != T::default();
        match &self.file {
            Some(path) if is_set_by(&self.options) && !is_set_by(&self.above) => {
                failure.of_file(path)
            }
            _ => failure,
        }
    }

    /// Warns of the options that do nothing.
    pub(crate) fn warn_of_idle(&self) {
        for option in idle::options(&self.options) {
            let (name, need) = (option.name(), option.need.text);
            let set = match self.setter(option) {
                Setter::Flag => name,
                Setter::Variable => variables::set_for(&name),
                Setter::File(path) => {
                    format!("{} of {}", name.trim_start_matches('-'), path.display())
                }
            };
            tracing::warn!("{set} does nothing: it needs {need}");
        }
    }

    /// A variable is one of many servers' and a key one of a file's for several uses; a flag is
    /// given to this run.
    fn refuse_idle(&self) -> Result<(), Failure> {
        let idle = idle::options(&self.options).map(|option| (self.setter(option), option));
        let refused =
            idle.filter(|(setter, option)| *setter == Setter::Flag || option.need.is_vital);
        let Some((setter, option)) = refused.min_by_key(|(setter, _)| *setter) else {
            return Ok(());
        };
        let name = option.name();
        let reason = format!("{name} needs {}", option.need.text);
        Err(match setter {
            Setter::Flag => Failure::Usage(reason),
            Setter::Variable => {
                let variable = variables::set_for(&name);
                Failure::Usage(format!("{reason}, or unset {variable}"))
            }
            Setter::File(path) => Failure::Usage(reason).of_file(path),
        })
    }

    fn setter(&self, option: &Dependent) -> Setter<'_> {
        let is_flag = self.flags.contains(&option.name());
        match &self.file {
            _ if is_flag => Setter::Flag,
            Some(path) if !option.is_set(&self.above) => Setter::File(path),
            _ => Setter::Variable,
        }
    }

    fn judge(&self) -> Result<(), Failure> {
        let options = &self.options;
        let is_demo = options.demo == Some(true);
        if is_demo && options.www.is_some() {
            let failure = "--demo has a page of its own: leave the folder out";
            return Err(self.blame(|o| (o.demo, o.www.clone()), Failure::Usage(failure.into())));
        }
        self.refuse_idle()?;
        let is_empty = options.www.is_none() && options.templates.is_none();
        if is_empty && options.live.is_none() && !is_demo {
            return Err(Failure::Usage(
                "nothing to serve: name a folder, as in `astatine ./public` or by ASTATINE_WWW, or \
                 see `astatine --help`"
                    .into(),
            ));
        }
        Ok(())
    }
}

/// Who has set an option, from the nearest to the farthest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Setter<'a> {
    Flag,
    Variable,
    File(&'a Path),
}
