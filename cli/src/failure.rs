//! Why the command ends without having done its work, and the exit code that says so.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use astatine_reactor::BindError;
use rustix::io::Errno;
use rustix::process::geteuid;

/// The end of the command; displayed as one line for standard error.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or the environment asks for something impossible.
    Usage(String),
    /// The configuration file, or a page, cannot be used.
    Configuration {
        path: PathBuf,
        /// The line that is at fault, counted from 1, where one is.
        line: Option<usize>,
        reason: String,
    },
    /// The system refused something about a file or a folder.
    File {
        doing: &'static str,
        path: PathBuf,
        error: io::Error,
    },
    /// The system refused something else.
    System { doing: String, error: io::Error },
    /// The server could not begin, or ended by itself.
    Server(io::Error),
}

impl Failure {
    /// Says what was being done with a file or a folder when the system refused.
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>, error: io::Error) -> Self {
        Self::File {
            doing,
            path: path.into(),
            error,
        }
    }

    /// Says what was being done when the system refused.
    pub(crate) fn system(doing: impl Into<String>, error: io::Error) -> Self {
        Self::System {
            doing: doing.into(),
            error,
        }
    }

    /// Lays the failure to a configuration file, which may ask for what cannot be done.
    pub(crate) fn of_file(self, path: &Path) -> Self {
        match self {
            Self::Configuration { .. } => self,
            other => Self::Configuration {
                path: path.to_owned(),
                line: None,
                reason: other.to_string(),
            },
        }
    }

    /// Returns 1 for a failure at run time, 2 for wrong usage, 78 (`EX_CONFIG` of sysexits.h) for
    /// a bad configuration file.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::File { .. } | Self::System { .. } | Self::Server(_) => 1,
            Self::Usage(_) => 2,
            Self::Configuration { .. } => 78,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(reason) => f.write_str(reason),
            Self::Configuration { path, line, reason } => {
                write!(f, "{}", path.display())?;
                if let Some(line) = line {
                    write!(f, ", line {line}")?;
                }
                write!(f, ": {reason}")
            }
            Self::File { doing, path, error } => {
                write!(f, "{doing} {}: ", path.display())?;
                write_causes(f, error)?;
                if error.kind() != io::ErrorKind::PermissionDenied {
                    return Ok(());
                }
                let user = geteuid();
                write!(f, "; user {user} needs the right to, see chmod and chown")
            }
            Self::System { doing, error } => {
                write!(f, "{doing}: ")?;
                write_causes(f, error)
            }
            Self::Server(error) => {
                write_causes(f, error)?;
                f.write_str(hint(error))
            }
        }
    }
}

/// Writes an error and what it came of.
fn write_causes(f: &mut fmt::Formatter<'_>, error: &io::Error) -> fmt::Result {
    write!(f, "{error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(f, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

/// Returns what can be done about a server that cannot begin.
fn hint(error: &io::Error) -> &'static str {
    let refused = error.get_ref().and_then(|error| error.downcast_ref());
    let (address, cause) = match refused {
        Some(BindError::Listen { address, cause }) => (Some(address), cause),
        Some(BindError::Resolve { .. }) => {
            return "; --bind takes HOST, HOST:PORT, or unix:PATH for a Unix socket";
        }
        Some(BindError::NoSuchName(_)) => {
            return "; FileDescriptorName= of its systemd unit gives a socket its name";
        }
        _ => (None, error),
    };
    if Errno::from_io_error(cause) == Some(Errno::MFILE) {
        return "; raise the limit of descriptors, as by ulimit -n, or lower the threads with -t";
    }
    let Some(address) = address else {
        return "";
    };
    if address.starts_with("unix:") {
        return match error.kind() {
            io::ErrorKind::NotFound => "; the socket's folder has to be there",
            io::ErrorKind::PermissionDenied => "; the user needs the right to write to its folder",
            _ => "",
        };
    }
    if address.starts_with("fd:") {
        return "; no listening socket was handed over by this number";
    }
    match error.kind() {
        io::ErrorKind::AddrInUse if address.starts_with("[::]") => {
            "; [::] takes in IPv4: stop what listens there, leave 0.0.0.0 out or choose another port \
             with -p or -b"
        }
        io::ErrorKind::AddrInUse => {
            "; stop what listens there or choose another port with -p or -b"
        }
        io::ErrorKind::PermissionDenied => {
            "; choose a port above 1023 with -p or -b, or grant CAP_NET_BIND_SERVICE"
        }
        io::ErrorKind::AddrNotAvailable => "; bind to an address of this machine with -b",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, kind: io::ErrorKind, hint: &str) {
        let error = BindError::Listen {
            address: address.to_owned(),
            cause: kind.into(),
        };
        let told = Failure::Server(error.into()).to_string();
        let expected = format!("cannot listen on {address}: {kind}{hint}");
        assert_eq!(told, expected);
    }

    #[test]
    fn advice_about_ports_is_for_ports() {
        let denied = io::ErrorKind::PermissionDenied;
        let hint = "; choose a port above 1023 with -p or -b, or grant CAP_NET_BIND_SERVICE";
        check("127.0.0.1:80", denied, hint);
        let hint = "; the user needs the right to write to its folder";
        check("unix:/run/a.sock", denied, hint);
        let hint = "; the socket's folder has to be there";
        check("unix:/no/a.sock", io::ErrorKind::NotFound, hint);
        let hint = "; no listening socket was handed over by this number";
        check("fd:3", io::ErrorKind::Other, hint);
        let hint = "; [::] takes in IPv4: stop what listens there, leave 0.0.0.0 out or choose another \
                    port with -p or -b";
        check("[::]:80", io::ErrorKind::AddrInUse, hint);
        let live = io::Error::from(BindError::Live("/run/a.sock".into()));
        assert_eq!(live.kind(), io::ErrorKind::AddrInUse);
        assert!(!Failure::Server(live).to_string().contains("-p"));
    }

    #[test]
    fn a_name_without_an_address_may_be_meant_as_a_path() {
        let error = BindError::Resolve {
            name: "a.sock".to_owned(),
            cause: io::ErrorKind::NotFound.into(),
        };
        let told = Failure::Server(error.into()).to_string();
        assert!(told.ends_with("or unix:PATH for a Unix socket"), "{told}");
    }

    #[test]
    fn advice_about_rights_is_for_files() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let told = Failure::file("cannot read", "a.pem", denied()).to_string();
        assert!(told.starts_with("cannot read a.pem: permission denied; user "));
        assert!(told.ends_with("see chmod and chown"), "{told}");
        let told = Failure::system("cannot publish", denied()).to_string();
        assert_eq!(told, "cannot publish: permission denied");
    }

    #[test]
    fn too_few_descriptors_are_told_wherever_they_are_missed() {
        let none_left = || io::Error::from(Errno::MFILE);
        let listening = BindError::Listen {
            address: "unix:/run/a.sock".into(),
            cause: none_left(),
        };
        for error in [none_left(), listening.into()] {
            let told = Failure::Server(error).to_string();
            assert!(told.contains("ulimit -n"), "{told}");
        }
    }
}
