//! A server of one thread has its caller's, and keeps what one of several promises.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;
use std::io::{self, Read};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use astatine_reactor::handler::{Handler, Message, Peer, Reason, Turn};
use astatine_reactor::{Address, Bind, Config, Connection, Phase, Server, Target, connect};
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;

use crate::peers::{echo, ping};
use crate::running::Running;

/// Both kinds of servers.
const N_THREADS: [NonZeroUsize; 2] = [NonZeroUsize::MIN, NonZeroUsize::new(2).unwrap()];

fn loopback() -> Bind {
    "127.0.0.1:0".parse().unwrap()
}

fn echo_server(n_threads: NonZeroUsize) -> Server {
    Server::new(Config::default())
        .threads(n_threads)
        .listen(loopback(), || tower::service_fn(echo))
}

fn dial(addresses: &[Address]) -> TcpStream {
    let Address::Tcp(address) = addresses[0] else {
        unreachable!("it listens on TCP")
    };
    TcpStream::connect(address).unwrap()
}

async fn tell_thread(mut connection: Connection) -> io::Result<()> {
    let id = format!("{:?}", thread::current().id());
    connection.io.write_all(id.as_bytes()).await
}

#[test]
fn one_thread_is_the_one_that_runs_the_server() {
    let server = Server::new(Config::default())
        .threads(NonZeroUsize::MIN)
        .listen(loopback(), || tower::service_fn(tell_thread));
    let shutdown = server.shutdown_token();
    let (tell, told) = mpsc::sync_channel(1);
    let client = thread::spawn(move || {
        let served_on = io::read_to_string(told.recv().unwrap());
        shutdown.advance(Phase::Draining);
        served_on.unwrap()
    });
    server
        .on_ready(move |addresses| tell.send(dial(addresses)).unwrap())
        .run()
        .unwrap();
    let here = format!("{:?}", thread::current().id());
    assert_eq!(client.join().unwrap(), here);
}

#[test]
fn a_panic_of_who_hears_that_it_is_ready_is_passed_on() {
    for n_threads in N_THREADS {
        let server = echo_server(n_threads);
        let server = server.on_ready(|_| panic!("as the test wants it"));
        let panic = catch_unwind(AssertUnwindSafe(|| server.run())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"as the test wants it"));
    }
}

#[test]
fn a_thread_may_run_one_server_after_another_and_is_free_between_them() {
    for _ in 0..2 {
        let server = echo_server(NonZeroUsize::MIN);
        let shutdown = server.shutdown_token();
        let (tell, told) = mpsc::sync_channel(1);
        let client = thread::spawn(move || {
            ping(&mut told.recv().unwrap());
            shutdown.advance(Phase::Draining);
        });
        server
            .on_ready(move |addresses| tell.send(dial(addresses)).unwrap())
            .run()
            .unwrap();
        client.join().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let nobody: Target = "127.0.0.1:1".parse().unwrap();
        // On a thread of a server that has ended it would have no try.
        let reason = runtime
            .unwrap()
            .block_on(connect(nobody, Silent).into_future());
        assert_eq!(reason, Reason::Io(io::ErrorKind::ConnectionRefused));
    }
}

struct Silent;

impl Handler for Silent {
    fn message(&mut self, _peer: &Peer, _message: Message) -> Turn<'_> {
        Turn::Next
    }
}

/// A server whose connections each leave a job behind that blocks until it is released.
struct Busy {
    running: Running,
    release: mpsc::SyncSender<()>,
}

impl Busy {
    /// Starts it, and returns when a connection has its job.
    fn start(n_threads: NonZeroUsize, ends: Ends) -> (Self, TcpStream) {
        let (tell, begun) = mpsc::sync_channel(1);
        let (release, released) = mpsc::sync_channel(1);
        let released = Arc::new(Mutex::new(released));
        let mut config = Config::default();
        config.shutdown_grace = Duration::from_secs(24 * 60 * 60);
        let server = Server::new(config).threads(n_threads);
        let running = Running::start(server.listen(loopback(), move || {
            let (tell, released) = (tell.clone(), Arc::clone(&released));
            tower::service_fn(move |connection: Connection| {
                let (tell, released) = (tell.clone(), Arc::clone(&released));
                let job = spawn_blocking(move || {
                    tell.send(()).unwrap();
                    released.lock().unwrap().recv().unwrap_or_default();
                });
                async move {
                    if ends == Ends::WithItsJob {
                        job.await.unwrap();
                    }
                    drop(connection);
                    Ok::<_, Infallible>(())
                }
            })
        }));
        let stream = TcpStream::connect(running.tcp()).unwrap();
        begun.recv().unwrap();
        (Self { running, release }, stream)
    }
}

/// When a connection ends.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    AtOnce,
    WithItsJob,
}

#[test]
fn a_job_that_outlives_its_connection_is_waited_for() {
    for n_threads in N_THREADS {
        let (busy, mut stream) = Busy::start(n_threads, Ends::AtOnce);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        busy.running.shutdown.advance(Phase::Draining);
        busy.release.send(()).unwrap();
        busy.running.join().unwrap();
    }
}

#[test]
fn a_job_that_does_not_end_is_an_error_once_everything_is_cut() {
    let servers = N_THREADS.map(|n_threads| {
        let (busy, mut stream) = Busy::start(n_threads, Ends::AtOnce);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        busy.running.shutdown.advance(Phase::Cut);
        busy
    });
    for Busy { running, release } in servers {
        let error = running.join().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(release);
    }
}

#[test]
fn a_cut_ends_connections_before_it_waits_for_their_jobs() {
    for n_threads in N_THREADS {
        let (busy, mut stream) = Busy::start(n_threads, Ends::WithItsJob);
        busy.running.shutdown.advance(Phase::Cut);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        busy.release.send(()).unwrap();
        busy.running.join().unwrap();
    }
}

#[test]
fn a_cut_ends_the_wait_for_a_job_that_outlives_its_connection() {
    let (busy, mut stream) = Busy::start(NonZeroUsize::MIN, Ends::AtOnce);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    let Busy { running, release } = busy;
    running.shutdown.advance(Phase::Draining);
    // Then nothing but the job is left.
    while TcpStream::connect(running.tcp()).is_ok() {
        thread::yield_now();
    }
    running.shutdown.advance(Phase::Cut);
    let error = running.join().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(release);
}

#[test]
fn threads_that_have_no_job_left_are_no_error_without_any_grace() {
    for n_threads in N_THREADS {
        let mut config = Config::default();
        config.shutdown_grace = Duration::ZERO;
        let server = Server::new(config).threads(n_threads);
        let server = server.listen(loopback(), || {
            tower::service_fn(|connection: Connection| async {
                spawn_blocking(|| ()).await.unwrap();
                echo(connection).await
            })
        });
        let running = Running::start(server);
        let streams = [(); 8].map(|()| TcpStream::connect(running.tcp()).unwrap());
        streams.into_iter().for_each(|mut stream| ping(&mut stream));
        running.shutdown.advance(Phase::Draining);
        running.join().unwrap();
    }
}
