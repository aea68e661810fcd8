//! Runs tables of streams and of what a client must see of them:
//! `cargo run --release -p astatine-sse --example cases -- FILE...`.
//!
//! A table is JSON: `{"cases": [{"id", "bytes", "events": [{"event", "data", "id"}], "mime", "refused",
//! "retry", "last_event_id"}]}`. `bytes` has a character for each octet; long texts are given as
//! `{"pre", "repeat", "n", "post"}`. Each case runs whole, byte by byte and cut at each place.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::env;
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use astatine_sse::Config;
use astatine_sse::proto::{Parser, Phase, Source};
use serde_json::{Value, json};

/// A longer stream is cut at this many places.
const MAX_CUTS: usize = 2000;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut n_cases, mut n_failed) = (0, 0);
    for path in env::args().skip(1) {
        let table: Value = serde_json::from_slice(&fs::read(path)?)?;
        for case in table["cases"].as_array().ok_or("no cases")? {
            n_cases += 1;
            if let Err(what) = check(case) {
                n_failed += 1;
                println!("{}: {what}", case["id"]);
            }
        }
    }
    println!("{n_cases} cases, {n_failed} failed");
    Ok(if n_failed == 0 && n_cases > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn check(case: &Value) -> Result<(), String> {
    let is_refused = case["refused"] == true;
    if is_accepted(case["mime"].as_str().unwrap_or("text/event-stream")) == is_refused {
        return Err(format!("refused: should be {is_refused}"));
    }
    if is_refused {
        return Ok(());
    }
    let stream: Vec<u8> = text(&case["bytes"]).chars().map(|c| c as u8).collect();
    let whole = parse([&stream[..]])?;
    let expected = expected(case, &whole);
    if whole != expected {
        return Err(format!("saw {whole}, should see {expected}"));
    }
    if parse(stream.chunks(1))? != expected {
        return Err(String::from("differs byte by byte"));
    }
    for at in (0..stream.len()).step_by(stream.len() / MAX_CUTS + 1) {
        let (begin, end) = stream.split_at(at);
        if parse([begin, end])? != expected {
            return Err(format!("differs when cut at {at}"));
        }
    }
    Ok(())
}

/// Returns what a client must see. What a case does not speak of may be anything.
fn expected(case: &Value, seen: &Value) -> Value {
    let events = case["events"].as_array().into_iter().flatten();
    let events = events.map(
        |event| json!({ "event": event["event"], "data": text(&event["data"]), "id": event["id"] }),
    );
    let or_seen = |name: &str| case.get(name).unwrap_or_else(|| &seen[name]).clone();
    json!({
        "events": events.collect::<Vec<Value>>(),
        "retry": or_seen("retry"),
        "last_event_id": or_seen("last_event_id"),
    })
}

fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Value, String> {
    let mut parser = Parser::new(&Config::default());
    let mut events = Vec::new();
    for mut piece in pieces {
        while let Some(event) = parser
            .receive(&mut piece)
            .map_err(|error| error.to_string())?
        {
            events.push(json!({
                "event": event.event_type,
                "data": event.data,
                "id": *event.last_event_id,
            }));
        }
    }
    Ok(json!({
        "events": events,
        "retry": parser.retry().map(|retry: Duration| retry.as_millis() as u64),
        "last_event_id": parser.last_event_id(),
    }))
}

#[expect(clippy::disallowed_methods, reason = "any instant does")]
fn is_accepted(mime: &str) -> bool {
    let now = Instant::now();
    let mut source = Source::new(&Config::default(), "", now, 0);
    source.receive_head(200, Some(mime.as_bytes()), now) == Ok(Phase::Open)
}

/// Returns a text that is given in full or by its parts.
fn text(value: &Value) -> String {
    let part = |name: &str| value[name].as_str().unwrap_or_default();
    let n_times = value["n"].as_u64().unwrap_or_default() as usize;
    value.as_str().map_or_else(
        || part("pre").to_owned() + &part("repeat").repeat(n_times) + part("post"),
        str::to_owned,
    )
}
