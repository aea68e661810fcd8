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
mod wire;

use request::Requests;
use response::Responses;

/// A case of which the name and the bytes are enough.
type Named<'a> = (&'static str, &'a [u8]);

/// The chapters of requests.
const CHAPTERS: [fn(&mut Requests); 6] = [
    message::add,
    request_line::add,
    fields::add,
    framing::add,
    chunked::add,
    connection::add,
];

fn requests() -> Vec<request::Case> {
    let mut requests = Requests::default();
    for add in CHAPTERS {
        add(&mut requests);
    }
    requests.cases
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

/// Checks that every request of a chapter has its outcome however it is cut.
#[track_caller]
fn check(add: fn(&mut Requests)) {
    let mut requests = Requests::default();
    add(&mut requests);
    report(requests.cases.iter().filter_map(|case| case.check().err()));
}

#[test]
fn messages_are_what_they_are_however_they_are_cut() {
    check(message::add);
}

#[test]
fn request_lines_are_what_they_are_however_they_are_cut() {
    check(request_line::add);
}

#[test]
fn fields_are_what_they_are_however_they_are_cut() {
    check(fields::add);
}

#[test]
fn bodies_end_where_they_end_however_they_are_cut() {
    check(framing::add);
}

#[test]
fn chunks_are_what_they_are_however_they_are_cut() {
    check(chunked::add);
}

#[test]
fn connections_live_as_they_live_however_they_are_cut() {
    check(connection::add);
}

#[test]
fn every_response_has_its_outcome_however_it_is_cut() {
    report(responses().iter().filter_map(|case| case.check().err()));
}

#[test]
fn every_answer_is_written_as_it_must_be() {
    report(answer::cases().iter().filter_map(|case| case.check().err()));
}
