//! The corpus: what a peer may send, and what must become of it, by section of the standards.
//!
//! Requests and responses are run through the pure cores, whole, byte by byte and cut in two at
//! every point, requests through both doors. What they cover is told in `http1/CONFORMANCE.md`.

mod answer;
mod chunked;
mod connection;
mod fields;
mod framing;
mod message;
mod page;
mod request;
mod request_line;
mod response;
mod responses;

use request::Requests;
use response::Responses;

/// A case of which the name and the bytes are enough.
type Named<'a> = (&'static str, &'a [u8]);

fn requests() -> Vec<request::Case> {
    let mut requests = Requests::default();
    message::add(&mut requests);
    request_line::add(&mut requests);
    fields::add(&mut requests);
    framing::add(&mut requests);
    chunked::add(&mut requests);
    connection::add(&mut requests);
    requests.0
}

fn responses() -> Vec<response::Case> {
    let mut responses = Responses::default();
    responses::add(&mut responses);
    responses.0
}

#[track_caller]
fn report(faults: impl Iterator<Item = String>) {
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_request_has_its_outcome_however_it_is_cut() {
    report(requests().iter().filter_map(|case| case.check().err()));
}

#[test]
fn every_response_has_its_outcome_however_it_is_cut() {
    report(responses().iter().filter_map(|case| case.check().err()));
}

#[test]
fn every_answer_is_written_as_it_must_be() {
    report(answer::cases().iter().filter_map(|case| case.check().err()));
}
