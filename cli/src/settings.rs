//! What is served: the layers of options laid over each other, and whether they go together.

use std::path::PathBuf;

use crate::failure::Failure;
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
        settings.refuse_idle_flags()?;
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
        for (option, need) in idle::options(&self.options) {
            tracing::warn!("{option} does nothing: it needs {need}");
        }
    }

    /// A variable is one of many servers' and a key one of a file's for several uses; a flag is
    /// given to this run.
    fn refuse_idle_flags(&self) -> Result<(), Failure> {
        match idle::options(&self.options).find(|(option, _)| self.is_flag(option)) {
            Some((option, need)) => Err(Failure::Usage(format!("{option} needs {need}"))),
            None => Ok(()),
        }
    }

    fn is_flag(&self, option: &str) -> bool {
        self.flags.iter().any(|flag| flag == option)
    }

    fn judge(&self) -> Result<(), Failure> {
        let options = &self.options;
        if options.demo == Some(true) {
            if options.www.is_some() {
                let failure = "--demo has a page of its own: leave the folder out";
                return Err(self.blame(|o| (o.demo, o.www.clone()), Failure::Usage(failure.into())));
            }
            return Ok(());
        }
        if options.live.is_none() {
            let above = self.above.first_for_hub();
            if let Some(option) = above.or_else(|| options.first_for_hub()) {
                let unset = above.filter(|option| !self.is_flag(option));
                let unset = unset.map(|option| variables::name_of(option.trim_start_matches('-')));
                let unset = unset.map(|variable| format!(", or unset {variable}"));
                let unset = unset.unwrap_or_default();
                let failure =
                    format!("{option} needs a hub: give --live PATH, as --live /live{unset}");
                return Err(self.blame(Options::first_for_hub, Failure::Usage(failure)));
            }
            if options.www.is_none() && options.templates.is_none() {
                return Err(Failure::Usage(
                    "nothing to serve: name a folder, as in `astatine ./public`, or see \
                     `astatine --help`"
                        .into(),
                ));
            }
        }
        Ok(())
    }
}
