//! What only a process of its own shows: signals, descriptor limits, the environment.
//!
//! The test binary runs itself again, with a mark in the environment that names the part to play.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use astatine_reactor::{Bind, Config, Inherited, Phase, Server};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::peers::{echo, ping};

const MARK: &str = "ASTATINE_REACTOR_TEST_BIND";

/// The child's part: serves echo on what the mark says, and tells on standard output what
/// happens. Without the mark it is nobody's child, and has nothing to show.
#[test]
fn child() {
    let Ok(bind) = std::env::var(MARK) else {
        return;
    };
    tracing::subscriber::set_global_default(Warnings).expect("set once");
    let mut config = Config::default();
    config.shutdown_grace = Duration::from_secs(24 * 60 * 60);
    config.max_connections = NonZeroUsize::new(1_000_000);
    let server = Server::new(config)
        .threads(NonZeroUsize::MIN)
        .inherit(Inherited::from_env().expect("well-formed"))
        .listen(bind.parse::<Bind>().expect("well-formed"), || {
            tower::service_fn(echo)
        })
        .on_ready(|addresses| tell(&addresses[0].to_string()));
    let shutdown = server.shutdown_token();
    let watcher = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(shutdown.reached(Phase::Draining));
        tell("draining");
    });
    let result = server.run();
    watcher.join().expect("no panic");
    tell(&format!("{result:?}"));
}

/// Writes a line past the test harness, which captures what is printed.
fn tell(line: &str) {
    writeln!(std::io::stdout(), "> {line}").expect("the parent reads");
}

/// Tells the warnings.
struct Warnings;

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }
    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}
    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut Message);
    }
    fn enter(&self, _span: &span::Id) {}
    fn exit(&self, _span: &span::Id) {}
}

struct Message;

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            tell(&format!("{value:?}"));
        }
    }
}

/// A child that serves; dropped, it is killed.
struct Served {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Served {
    /// Starts the child by a shell script, in which `"$@"` is the child's command.
    fn start(script: &str, bind: &str, stdin: Stdio) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(std::env::current_exe().expect("the path of this test"))
            .args(["--exact", "process::child", "--nocapture"])
            .env(MARK, bind)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let stdout = child.stdout.take().expect("it is piped");
        let mut served = Self {
            child,
            lines: BufReader::new(stdout).lines(),
            address: SocketAddr::from(([0; 4], 0)),
        };
        served.address = served.line().parse().expect("the address comes first");
        served
    }

    fn plain() -> Self {
        Self::start("exec \"$@\"", "127.0.0.1:0", Stdio::null())
    }

    /// Returns the next line that the child tells.
    fn line(&mut self) -> String {
        self.lines
            .by_ref()
            .map(|line| line.expect("text"))
            .find_map(|line| Some(line.split_once("> ")?.1.to_owned()))
            .expect("the child has more to tell")
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).expect("the child listens")
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let script = format!("kill -{name} {id}");
        let status = Command::new("sh").args(["-c", &script]).status();
        assert!(status.expect("there is a shell").success());
    }

    /// Waits for an end that the child calls good.
    fn ends_well(mut self) {
        assert_eq!(self.line(), "Ok(())");
        assert!(self.child.wait().expect("it is our child").success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It is gone already after a test that went well.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

#[test]
fn the_first_int_drains_and_the_second_is_immediate() {
    let mut served = Served::plain();
    let mut busy = served.connect();
    ping(&mut busy);
    served.signal("INT");
    assert_eq!(served.line(), "draining");
    ping(&mut busy);
    served.signal("INT");
    served.ends_well();
}

#[test]
fn term_drains_and_ends_with_the_last_connection() {
    let mut served = Served::plain();
    let mut busy = served.connect();
    ping(&mut busy);
    served.signal("TERM");
    assert_eq!(served.line(), "draining");
    served.signal("TERM");
    ping(&mut busy);
    drop(busy);
    served.ends_well();
}

#[test]
fn missing_descriptors_make_the_accept_loop_back_off_and_it_recovers() {
    let mut served = Served::start("ulimit -n 40; exec \"$@\"", "127.0.0.1:0", Stdio::null());
    let mut streams: Vec<TcpStream> = (0..50).map(|_| served.connect()).collect();
    assert_eq!(served.line(), "cannot accept, trying again");
    // Those that were accepted are served all the while.
    ping(&mut streams[0]);
    let queued = streams.split_off(40);
    drop(streams);
    queued.into_iter().for_each(|mut stream| ping(&mut stream));
    served.signal("INT");
    // One warning was enough for the episode.
    assert_eq!(served.line(), "draining");
    served.ends_well();
}

#[test]
fn the_descriptor_limit_is_raised_to_the_hard_one() {
    let served = Served::start("ulimit -S -n 40; exec \"$@\"", "127.0.0.1:0", Stdio::null());
    let mut streams: Vec<TcpStream> = (0..60).map(|_| served.connect()).collect();
    streams.iter_mut().for_each(ping);
}

#[test]
fn a_socket_from_the_service_manager_is_found_by_its_name() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let script = "exec 3<&0 0</dev/null; \
        LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec \"$@\"";
    let served = Served::start(script, "fd:web", Stdio::from(OwnedFd::from(socket)));
    assert_eq!(served.address, address);
    ping(&mut served.connect());
    served.signal("TERM");
    let mut served = served;
    assert_eq!(served.line(), "draining");
    served.ends_well();
}
