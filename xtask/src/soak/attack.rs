//! Clients that hold connections for as little as they can, and how the server ends them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};

use super::healthy::now;

/// What each client does, and what the server should do about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) n_clients: usize,
    /// What is sent at once.
    pub(super) opening: &'static str,
    /// What is sent each second, or else one byte is read.
    pub(super) drip: &'static str,
    pub(super) ending: Ending,
    /// So many of its time limits the server may take.
    pub(super) n_limits: u32,
}

/// How a connection should end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// With this beginning of an answer.
    Answer(&'static str),
    /// Without a word.
    Silence,
    /// With a reset, so that the kernel lets go of what was not taken.
    Reset,
}

/// How the connections ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) n_right: usize,
    pub(super) wrong: Vec<String>,
    /// The longest time from the opening of a connection to its end.
    pub(super) longest: Duration,
}

/// Clients at work.
#[derive(Debug)]
pub(super) struct Attack {
    is_over: Arc<AtomicBool>,
    clients: JoinHandle<Tally>,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    begun: Instant,
    n_read: usize,
    is_reset: bool,
    /// The first bytes of the answer.
    beginning: Vec<u8>,
}

/// The clients take their turns in so many groups a second.
const N_GROUPS: usize = 10;
const TURN: Duration = Duration::from_millis(100);
/// What is kept of an answer.
const N_BEGINNING_BYTES: usize = 64;
/// A client that reads slowly does not let the kernel read for it.
const RECEIVE_BUFFER_BYTES: usize = 4096;

impl Attack {
    /// Opens all connections. From then on a client whose connection has ended opens another.
    pub(super) fn begin(server: SocketAddr, form: Form, time_limit: Duration) -> io::Result<Self> {
        let mut open = Vec::with_capacity(form.n_clients);
        for _ in 0..form.n_clients {
            open.push(Client::open(server, &form)?);
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let clients = thread::spawn(move || hold(server, &form, open, time_limit, &over));
        Ok(Self { is_over, clients })
    }

    /// Waits until the last connections have ended.
    pub(super) fn end(self) -> Tally {
        self.is_over.store(true, Ordering::Relaxed);
        self.clients.join().unwrap_or_else(|_| Tally {
            wrong: vec!["the clients panicked".to_owned()],
            ..Tally::default()
        })
    }
}

fn hold(
    server: SocketAddr,
    form: &Form,
    open: Vec<Client>,
    time_limit: Duration,
    is_over: &AtomicBool,
) -> Tally {
    let mut tally = Tally::default();
    let mut open: Vec<Option<Client>> = open.into_iter().map(Some).collect();
    let mut turn = 0;
    while open.iter().any(Option::is_some) {
        for place in open.iter_mut().skip(turn % N_GROUPS).step_by(N_GROUPS) {
            let Some(client) = place else { continue };
            let has_ended = client.turn(form);
            if !has_ended && client.begun.elapsed() < 2 * time_limit {
                continue;
            }
            tally.add(client, form, has_ended);
            *place = None;
            if !is_over.load(Ordering::Relaxed) {
                match Client::open(server, form) {
                    Ok(client) => *place = Some(client),
                    Err(error) => tally.wrong.push(format!("no connection: {error}")),
                }
            }
        }
        turn += 1;
        thread::sleep(TURN);
    }
    tally
}

impl Tally {
    fn add(&mut self, client: &Client, form: &Form, has_ended: bool) {
        let is_right = match form.ending {
            _ if !has_ended => false,
            Ending::Answer(beginning) => client.beginning.starts_with(beginning.as_bytes()),
            Ending::Silence => client.n_read == 0,
            Ending::Reset => client.is_reset,
        };
        if is_right {
            self.n_right += 1;
            self.longest = self.longest.max(client.begun.elapsed());
        } else {
            let how = if has_ended { "ended" } else { "still open" };
            let answer = String::from_utf8_lossy(&client.beginning).into_owned();
            let n_read = client.n_read;
            self.wrong
                .push(format!("{how} after {n_read} bytes: {answer:?}"));
        }
    }
}

impl Client {
    fn open(server: SocketAddr, form: &Form) -> io::Result<Self> {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        if matches!(form.ending, Ending::Reset) {
            sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES)?;
        }
        connect(&socket, &server)?;
        let mut stream = TcpStream::from(socket);
        stream.write_all(form.opening.as_bytes())?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            begun: now(),
            n_read: 0,
            is_reset: false,
            beginning: Vec::new(),
        })
    }

    /// Does what is to be done once a second, and tells whether the connection has ended.
    fn turn(&mut self, form: &Form) -> bool {
        if !form.drip.is_empty() {
            // How the connection has ended is found by reading.
            self.stream.write(form.drip.as_bytes()).unwrap_or_default();
        }
        // A reset is known before what came ahead of it is read.
        self.is_reset = !matches!(self.stream.take_error(), Ok(None));
        let mut buffer = [0; 1024];
        let max = match form.ending {
            Ending::Reset => 1,
            Ending::Answer(_) | Ending::Silence => buffer.len(),
        };
        match self.stream.read(&mut buffer[..max]) {
            _ if self.is_reset => true,
            Ok(0) => true,
            Ok(n) => {
                self.n_read += n;
                let left = N_BEGINNING_BYTES - self.beginning.len();
                self.beginning.extend_from_slice(&buffer[..n.min(left)]);
                false
            }
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}
