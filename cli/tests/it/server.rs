//! The binary under test as a child process.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;
use crate::folder::Folder;

/// A server that has said that it is ready.
pub(crate) struct Server {
    child: Child,
    /// None when we have closed it.
    stdout: Option<BufReader<ChildStdout>>,
    /// None unless the command pipes it.
    stderr: Option<BufReader<ChildStderr>>,
    ready_line: String,
}

impl Server {
    /// Serves the folder on a port of the loopback that the system chooses.
    pub(crate) fn start(folder: &Folder, args: &[&str]) -> Self {
        let mut command = astatine(["-b", "127.0.0.1:0", "-V", "2"]);
        command.args(args).arg(folder.path());
        Self::spawn(command)
    }

    /// Starts the command and waits for its line.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready_line = String::new();
        stdout.read_line(&mut ready_line).unwrap();
        let server = Self {
            stderr: child.stderr.take().map(BufReader::new),
            child,
            stdout: Some(stdout),
            ready_line,
        };
        assert!(
            server.ready_line.ends_with('\n'),
            "it ended before it was ready"
        );
        server
    }

    /// Returns the line that was printed when the server was ready.
    pub(crate) fn ready_line(&self) -> &str {
        &self.ready_line
    }

    /// Returns the address in the line.
    pub(crate) fn address(&self) -> SocketAddr {
        let (_, rest) = self.ready_line.split_once("http://").unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        address.replace("localhost", "127.0.0.1").parse().unwrap()
    }

    /// Connects.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// Returns the next line on standard output.
    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// Returns the next line on standard error, which the command has piped.
    pub(crate) fn next_diagnostic(&mut self) -> String {
        let mut line = String::new();
        self.stderr.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// Returns the number of the process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Closes our end of its standard output.
    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Waits for the end; returns the status and what was left on standard output.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_to_string(&mut rest).unwrap();
        }
        (self.child.wait().unwrap(), rest)
    }

    /// Ends the server in good order and returns what was left on standard output.
    pub(crate) fn stop(&mut self) -> String {
        self.signal(Signal::TERM);
        let (status, rest) = self.wait();
        assert_eq!(status.code(), Some(0));
        rest
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed leaves it running; one that ended well has waited for it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the command, in an environment without variables that it would read.
pub(crate) fn astatine<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_astatine"));
    command.args(args).env_clear();
    command
}

/// Returns the command run by a shell script, in which `"$@"` is the command.
pub(crate) fn by_script(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script, "sh"]).arg(command.get_program());
    shell.args(command.get_args()).env_clear();
    shell
}

/// Runs the command to its end.
pub(crate) fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    astatine(args).stdin(Stdio::null()).output().unwrap()
}

/// Waits until something holds that nothing tells of.
///
/// # Panics
///
/// It does not come to hold in a minute.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "what never happens must fail the test"
)]
pub(crate) fn wait_until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain");
        thread::yield_now();
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
