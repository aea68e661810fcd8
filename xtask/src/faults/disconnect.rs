//! Clients that go away at every byte, and whether the server keeps anything of them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use rustix::net::sockopt;

use super::cases::{Case, LEFT};
use crate::failure::Failure;
use crate::server::Server;

/// What the clients have left behind.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) n_clients: usize,
    pub(super) n_descriptors: usize,
    pub(super) n_bytes: u64,
}

/// How a client goes.
#[derive(Clone, Copy, Debug)]
enum Leave {
    /// It ends its side, then closes.
    InOrder,
    /// It resets the connection.
    ByReset,
}

/// Only the beginning of long requests and answers is cut at each byte.
const N_CUT_BYTES: usize = 400;
/// No head of an answer is shorter.
const N_HEAD_BYTES: usize = 100;
/// What the server may have put aside meanwhile, as a file in its cache.
const SPARE_BYTES: u64 = 4 << 20;
/// How long a server may take to notice, in steps.
const N_WAITS: usize = 200;
const WAIT: Duration = Duration::from_millis(50);

impl Left {
    /// Tells whether nothing is left that counts.
    pub(super) fn is_nothing(&self) -> bool {
        self.n_descriptors == 0 && self.n_bytes <= SPARE_BYTES
    }
}

/// Goes away at every byte of each request, and of each answer. The first time around, the server
/// puts aside what it keeps for good.
pub(super) fn run(server: &Server, cases: &[Case]) -> Result<Left, Failure> {
    let is_left = |case: &&Case| LEFT.contains(&case.name.as_str());
    let cases: Vec<&Case> = cases.iter().filter(is_left).collect();
    go_everywhere(server.address, &cases).map_err(Failure::io(server.name))?;
    settle(server, 0)?;
    let (n_open, n_held) = (server.n_descriptors()?, server.resident_bytes()?);
    let n_clients = go_everywhere(server.address, &cases).map_err(Failure::io(server.name))?;
    settle(server, n_open)?;
    Ok(Left {
        n_clients,
        n_descriptors: server.n_descriptors()?.saturating_sub(n_open),
        n_bytes: server.resident_bytes()?.saturating_sub(n_held),
    })
}

/// Waits until the server has no more than `n_open` descriptors, or no fewer than before for long.
fn settle(server: &Server, n_open: usize) -> Result<(), Failure> {
    let mut n_before = server.n_descriptors()?;
    let mut n_same = 0;
    for _ in 0..N_WAITS {
        sleep(WAIT);
        let n_now = server.n_descriptors()?;
        n_same = if n_now < n_before { 0 } else { n_same + 1 };
        n_before = n_now;
        // The end of a connection is waited for two seconds.
        if n_now <= n_open || n_same > N_WAITS / 3 {
            break;
        }
    }
    Ok(())
}

fn go_everywhere(server: SocketAddr, cases: &[&Case]) -> io::Result<usize> {
    let mut n_clients = 0;
    for case in cases {
        let n_request = case.request.len().min(N_CUT_BYTES);
        for leave in [Leave::InOrder, Leave::ByReset] {
            for at in 0..=n_request {
                let stream = TcpStream::connect(server)?;
                (&stream).write_all(&case.request[..at])?;
                leave.apply(&stream);
                n_clients += 1;
            }
            let n_answer = (N_HEAD_BYTES + case.expected.body.len()).min(N_CUT_BYTES);
            for at in 0..n_answer {
                let stream = TcpStream::connect(server)?;
                (&stream).write_all(&case.request)?;
                (&stream).read_exact(&mut vec![0; at])?;
                leave.apply(&stream);
                n_clients += 1;
            }
        }
    }
    Ok(n_clients)
}

impl Leave {
    fn apply(self, stream: &TcpStream) {
        // A server that was faster has closed already.
        match self {
            Self::InOrder => stream
                .shutdown(std::net::Shutdown::Write)
                .unwrap_or_default(),
            Self::ByReset => {
                sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap_or_default();
            }
        }
    }
}
