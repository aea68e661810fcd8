//! Clients that ask a faulty server for everything, on kept connections and pipelined.

use std::io;
use std::net::SocketAddr;
use std::thread;

use super::cases::{Case, comparable};
use crate::client::{Answer, Client};
use crate::noise::Noise;

/// What the clients got.
#[derive(Debug, Default)]
pub(super) struct Got {
    pub(super) n_answers: usize,
    pub(super) n_bytes: usize,
    /// What was wrong, in words.
    pub(super) wrong: Vec<String>,
}

const N_CLIENTS: usize = 4;
/// Requests on one connection.
const N_KEPT: usize = 16;
/// Requests that are sent before the first answer is read.
const N_PIPELINED: usize = 5;

/// Lets some clients at a time ask for every case, in an order of their own, so many times.
pub(super) fn run(server: SocketAddr, cases: &[Case], n_rounds: usize, seed: u64) -> Got {
    let mut all = Got::default();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..N_CLIENTS)
            .map(|client| {
                let noise = Noise::new(seed.wrapping_mul(31) + client as u64);
                scope.spawn(move || ask_all(server, cases, n_rounds, noise))
            })
            .collect();
        for client in clients {
            let got = client.join().unwrap_or_else(|_| Got {
                wrong: vec!["a client panicked".to_owned()],
                ..Got::default()
            });
            all.n_answers += got.n_answers;
            all.n_bytes += got.n_bytes;
            all.wrong.extend(got.wrong);
        }
    });
    all
}

fn ask_all(server: SocketAddr, cases: &[Case], n_rounds: usize, mut noise: Noise) -> Got {
    let mut got = Got::default();
    for _ in 0..n_rounds {
        let mut order: Vec<&Case> = cases.iter().collect();
        for at in (1..order.len()).rev() {
            order.swap(at, noise.below(at + 1));
        }
        for kept in order.chunks(N_KEPT) {
            if let Err(error) = ask_kept(server, kept, &mut noise, &mut got) {
                let names: Vec<&str> = kept.iter().map(|case| case.name.as_str()).collect();
                got.wrong.push(format!("{error} within {names:?}"));
            }
        }
    }
    got
}

/// Asks on one connection, alone or in batches.
fn ask_kept(
    server: SocketAddr,
    mut cases: &[&Case],
    noise: &mut Noise,
    got: &mut Got,
) -> io::Result<()> {
    let mut client = Client::connect(server)?;
    while !cases.is_empty() {
        let n_batch = 1 + noise.below(N_PIPELINED.min(cases.len()));
        // A server that answers while it is sent more may wait for its answers to be read.
        let is_long = |case: &&Case| case.request.len() > 64 << 10;
        let n_batch = cases[..n_batch]
            .iter()
            .position(is_long)
            .map_or(n_batch, |at| at.max(1));
        let (batch, rest) = cases.split_at(n_batch);
        let requests: Vec<&[u8]> = batch.iter().map(|case| &case.request[..]).collect();
        client.send(&requests.concat())?;
        for case in batch {
            let answer = comparable(client.answer(case.method)?);
            got.n_answers += 1;
            got.n_bytes += answer.body.len();
            if answer != case.expected {
                got.wrong.push(describe(case, &answer));
            }
        }
        cases = rest;
    }
    Ok(())
}

fn describe(case: &Case, answer: &Answer) -> String {
    let differs_at = answer
        .body
        .iter()
        .zip(&case.expected.body)
        .position(|(got, expected)| got != expected);
    format!(
        "{}: status {} instead of {}, {} bytes instead of {}, different from byte {differs_at:?} on, \
         fields {:?} instead of {:?}",
        case.name,
        answer.status,
        case.expected.status,
        answer.body.len(),
        case.expected.body.len(),
        answer.fields,
        case.expected.fields,
    )
}
