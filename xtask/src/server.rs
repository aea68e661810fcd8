//! A server's process: started, measured, and ended on every way out.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::failure::Failure;
use crate::step;

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts a program on a free port and waits until it accepts. One that ends before that is
    /// started again, on an other port: a slow one may find that a client's connection has its port.
    ///
    /// # Errors
    ///
    /// It does not start, or accepts nothing; its log is in `target/servers`.
    pub(crate) fn start(
        name: &'static str,
        mut make: impl FnMut(SocketAddr) -> Result<Command, Failure>,
    ) -> Result<Self, Failure> {
        let mut start = || {
            let address = free_address().map_err(Failure::io("a free port"))?;
            Self::start_at(name, address, &make(address)?)
        };
        for _ in 0..2 {
            match start() {
                Err(Failure::Step { .. }) => {}
                started => return started,
            }
        }
        start()
    }

    fn start_at(
        name: &'static str,
        address: SocketAddr,
        command: &Command,
    ) -> Result<Self, Failure> {
        let mut command = ended_with_us(command);
        let path = step::folder("servers")?.join(format!("{name}.log"));
        let log = || File::options().append(true).create(true).open(&path);
        let log = || log().map_err(Failure::io(path.display().to_string()));
        let child = command
            .stdin(Stdio::null())
            .stdout(log()?)
            .stderr(log()?)
            .spawn()
            .map_err(Failure::io(name))?;
        let mut server = Self {
            name,
            address,
            child,
        };
        server.wait_until_ready(&path.display().to_string())?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, log: &str) -> Result<(), Failure> {
        // A server under callgrind takes seconds.
        for _ in 0..3000 {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            let status = self.child.try_wait().map_err(Failure::io(self.name))?;
            if let Some(status) = status {
                let step = format!("{} (see {log})", self.name);
                return Err(Failure::Step { step, status });
            }
            sleep(Duration::from_millis(10));
        }
        Err(Failure::Output {
            program: self.name,
            what: format!("does not accept connections, see {log}"),
        })
    }

    /// Returns the CPU time that its threads and its children's have used.
    ///
    /// # Units
    ///
    /// Nanoseconds, user and system together.
    pub(crate) fn cpu_nanos(&self) -> Result<u64, Failure> {
        let mut nanos = 0;
        for pid in tree(self.child.id()) {
            for task in tasks(pid) {
                nanos += number(&format!("/proc/{pid}/task/{task}/schedstat"), |text| {
                    text.split_whitespace().next()
                })?;
            }
        }
        Ok(nanos)
    }

    /// Returns the memory that it and its children hold.
    pub(crate) fn resident_bytes(&self) -> Result<u64, Failure> {
        self.memory("VmRSS:")
    }

    /// Returns the most memory that it and its children have held, each by itself.
    pub(crate) fn peak_bytes(&self) -> Result<u64, Failure> {
        self.memory("VmHWM:")
    }

    /// Returns how many descriptors it and its children have open.
    pub(crate) fn n_descriptors(&self) -> Result<usize, Failure> {
        let mut n_open = 0;
        for pid in tree(self.child.id()) {
            let folder = format!("/proc/{pid}/fd");
            n_open += fs::read_dir(&folder).map_err(Failure::io(&folder))?.count();
        }
        Ok(n_open)
    }

    fn memory(&self, line: &str) -> Result<u64, Failure> {
        let mut n_bytes = 0;
        for pid in tree(self.child.id()) {
            let kilobytes = number(&format!("/proc/{pid}/status"), |text| {
                let rest = text.lines().find_map(|text| text.strip_prefix(line));
                rest?.split_whitespace().next()
            });
            n_bytes += kilobytes? * 1024;
        }
        Ok(n_bytes)
    }

    /// Ends the server in good order and waits for it.
    pub(crate) fn stop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It may have ended already, which is what is wanted.
        pid.map(|pid| kill_process(pid, Signal::TERM));
        for _ in 0..1000 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("xtask: {} does not end: {error}", self.name);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Wraps the command so that the kernel ends the program when this process dies by a signal.
fn ended_with_us(command: &Command) -> Command {
    if !step::is_present(Command::new("setpriv").args(["--pdeathsig", "TERM", "true"])) {
        let mut plain = Command::new(command.get_program());
        plain.args(command.get_args()).envs(variables(command));
        return plain;
    }
    let mut wrapped = Command::new("setpriv");
    wrapped.args(["--pdeathsig", "TERM"]);
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped.envs(variables(command));
    wrapped
}

fn variables(command: &Command) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Returns a process and all processes below it.
fn tree(root: u32) -> Vec<u32> {
    let mut pids = vec![root];
    let mut at = 0;
    while let Some(&pid) = pids.get(at) {
        for task in tasks(pid) {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{task}/children"));
            let children = children.unwrap_or_default();
            pids.extend(
                children
                    .split_whitespace()
                    .filter_map(|c| c.parse::<u32>().ok()),
            );
        }
        at += 1;
    }
    pids
}

fn tasks(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect()
}

fn number(path: &str, pick: impl Fn(&str) -> Option<&str>) -> Result<u64, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::io(path))?;
    let number = pick(&text).and_then(|field| field.parse().ok());
    number.ok_or_else(|| Failure::Output {
        program: "the kernel",
        what: format!("no number in {path}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_ends_before_it_accepts_is_started_on_an_other_port() {
        let mut listeners = Vec::new();
        let mut ports = Vec::new();
        let server = Server::start("sleep", |address| {
            ports.push(address.port());
            if ports.len() == 1 {
                return Ok(Command::new("false"));
            }
            listeners.push(TcpListener::bind(address).unwrap());
            let mut accepting = Command::new("sleep");
            accepting.arg("60");
            Ok(accepting)
        });
        assert_eq!(server.unwrap().address.port(), ports[1]);
        let mut n_started = 0;
        let ended = Server::start("false", |_| {
            n_started += 1;
            Ok(Command::new("false"))
        });
        assert!(matches!(ended, Err(Failure::Step { .. })));
        assert_eq!(n_started, 3);
    }
}
