//! Sockets that the process was started with, as systemd hands them over.

use std::fmt;
use std::os::fd::RawFd;

/// The listening sockets that a service manager opened for this process, by name.
///
/// # Spec
///
/// The environment variables of sd_listen_fds(3): `LISTEN_PID`, `LISTEN_FDS`, `LISTEN_FDNAMES`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    sockets: Vec<(String, RawFd)>,
}

impl Inherited {
    /// Reads the values of the three variables, given the process id of this process.
    ///
    /// The result is empty when there are no sockets, or when they are meant for an other process.
    /// A socket without a name is called `unknown`, as systemd does.
    ///
    /// # Errors
    ///
    /// A variable is there but malformed, or the names are not as many as the sockets.
    pub fn parse(
        own_pid: u32,
        listen_pid: Option<&str>,
        listen_fds: Option<&str>,
        listen_fdnames: Option<&str>,
    ) -> Result<Self, InheritedError> {
        let (Some(pid), Some(count)) = (listen_pid, listen_fds) else {
            return Ok(Self::default());
        };
        let pid: u32 = pid.parse().map_err(|_| InheritedError::Pid)?;
        if pid != own_pid {
            return Ok(Self::default());
        }
        let count: u16 = count.parse().map_err(|_| InheritedError::Count)?;
        let n_sockets = usize::from(count);
        let names: Vec<&str> = match listen_fdnames {
            Some(names) if n_sockets > 0 => names.split(':').collect(),
            _ => vec![UNNAMED; n_sockets],
        };
        if names.len() != n_sockets {
            return Err(InheritedError::Names {
                n_names: names.len(),
                n_sockets,
            });
        }
        let numbers = FIRST..;
        let sockets = names
            .into_iter()
            .map(|name| if name.is_empty() { UNNAMED } else { name })
            .map(str::to_owned)
            .zip(numbers)
            .collect();
        Ok(Self { sockets })
    }

    /// Reads the environment of this process, which keeps its variables.
    ///
    /// # Errors
    ///
    /// As [`Inherited::parse`].
    pub fn from_env() -> Result<Self, InheritedError> {
        let value = |name| std::env::var(name).ok();
        Self::parse(
            std::process::id(),
            value("LISTEN_PID").as_deref(),
            value("LISTEN_FDS").as_deref(),
            value("LISTEN_FDNAMES").as_deref(),
        )
    }

    /// Returns the names and descriptor numbers, in the order in which they were handed over.
    pub fn sockets(&self) -> impl Iterator<Item = (&str, RawFd)> {
        self.sockets
            .iter()
            .map(|(name, number)| (name.as_str(), *number))
    }
}

/// The first descriptor behind standard input, output and error.
const FIRST: RawFd = 3;
const UNNAMED: &str = "unknown";

/// A variable about inherited sockets that cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InheritedError {
    /// `LISTEN_PID` is no process id.
    Pid,
    /// `LISTEN_FDS` is no number of sockets.
    Count,
    /// `LISTEN_FDNAMES` does not name each socket once.
    Names {
        /// How many names there are.
        n_names: usize,
        /// How many sockets there are.
        n_sockets: usize,
    },
}

impl fmt::Display for InheritedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid => f.write_str("LISTEN_PID is no process id"),
            Self::Count => f.write_str("LISTEN_FDS is no number of sockets"),
            Self::Names { n_names, n_sockets } => write!(
                f,
                "LISTEN_FDNAMES has {n_names} names for {n_sockets} sockets"
            ),
        }
    }
}

impl std::error::Error for InheritedError {}
