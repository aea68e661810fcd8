//! Where to listen, as a user writes it: what the reactor reads, a host without its port, and
//! iodine's bare path of a Unix socket.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use astatine_reactor::{Bind, BindParseError, Inherited};

/// One value of `--bind`; the port and the mode may stand in options of their own.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Listen {
    /// A host that takes its port from `--port`.
    Host(Host),
    /// A Unix socket that takes its mode from `--unix-mode` where it has none.
    Unix { path: PathBuf, mode: Option<u32> },
    /// What needs nothing more.
    Whole(Bind),
}

/// A host without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Address(IpAddr),
    Name(String),
}

impl Listen {
    /// Fills in what the value leaves open.
    pub(crate) fn bind(&self, port: u16, unix_mode: u32) -> Bind {
        match self {
            Self::Host(Host::Address(ip)) => Bind::Tcp((*ip, port).into()),
            Self::Host(Host::Name(name)) => Bind::Host {
                name: name.clone(),
                port,
            },
            Self::Unix { path, mode } => Bind::Unix {
                path: path.clone(),
                mode: mode.unwrap_or(unix_mode),
            },
            Self::Whole(bind) => bind.clone(),
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') || text.starts_with("./") {
            return Self::from_str(&format!("unix:{text}"));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Err("this is a URL: leave out all but HOST:PORT".into());
        }
        if text.starts_with('*') {
            return Err("every interface is meant by a port alone, as :3000".into());
        }
        let unbracketed = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(ip) = unbracketed.parse() {
            return Ok(Self::Host(Host::Address(ip)));
        }
        if is_name(text) {
            return Ok(Self::Host(Host::Name(text.to_owned())));
        }
        let bind = text.parse();
        Ok(
            match bind.map_err(|error: BindParseError| error.to_string())? {
                Bind::Unix { path, mode } => Self::Unix {
                    path,
                    mode: text.contains("?mode=").then_some(mode),
                },
                bind => Self::Whole(bind),
            },
        )
    }
}

/// The permission bits of a Unix socket's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct UnixMode(pub(crate) u32);

impl FromStr for UnixMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8) {
            Ok(mode) if mode <= 0o777 => Ok(Self(mode)),
            _ => Err("a mode is an octal number from 0 to 777"),
        }
    }
}

/// Warns of sockets that were handed over for nothing: who connects to one waits in vain.
pub(crate) fn warn_of_unserved(inherited: &Inherited, binds: &[Bind]) {
    for (name, number) in inherited.sockets() {
        let is_served = binds.iter().any(|bind| match bind {
            Bind::InheritedName(served) => served == name,
            Bind::InheritedNumber(served) => *served == number,
            _ => false,
        });
        if !is_served {
            tracing::warn!(
                "fd:{number} was handed over and is not served: --port or --bind has others"
            );
        }
    }
}

/// A number alone is a port, not a name.
fn is_name(text: &str) -> bool {
    let is_name_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    text.bytes().all(is_name_byte) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, bound: &str) {
        let listen: Listen = text.parse().unwrap();
        assert_eq!(listen.bind(80, 0o600).to_string(), bound);
    }

    #[test]
    fn a_host_without_a_port_takes_the_common_one() {
        check("127.0.0.1", "127.0.0.1:80");
        check("::1", "[::1]:80");
        check("[::1]", "[::1]:80");
        check("localhost", "localhost:80");
        check("my-host.example", "my-host.example:80");
    }

    #[test]
    fn a_port_in_the_value_wins() {
        check("127.0.0.1:90", "127.0.0.1:90");
        check("[::1]:90", "[::1]:90");
        check("localhost:90", "localhost:90");
        check(":90", ":90");
        check("90", ":90");
    }

    #[test]
    fn a_path_is_a_unix_socket() {
        check("/run/a.sock", "unix:/run/a.sock");
        check("./a.sock", "unix:./a.sock");
        check("unix:a.sock", "unix:a.sock");
    }

    #[test]
    fn a_mode_in_the_value_wins() {
        let mode = |text: &str| match text.parse::<Listen>().unwrap().bind(80, 0o600) {
            Bind::Unix { mode, .. } => mode,
            bind => panic!("{bind} is no Unix socket"),
        };
        assert_eq!(mode("unix:a.sock"), 0o600);
        assert_eq!(mode("unix:///run/a.sock"), 0o600);
        assert_eq!(mode("/a.sock?mode=666"), 0o666);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "*",
            "*:80",
            "http://localhost:80",
            "localhost:http",
            "host:99999",
            "unix:",
            "a b",
            "::1:x",
        ] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }
}
