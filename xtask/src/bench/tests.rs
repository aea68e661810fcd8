//! What the bench reads and computes, without any server.

use super::report::{Figure, Sample, Spread, Target};
use super::{echo, instructions, latency, wave};

fn figure(ours: &[f64], hyper: &[f64], target: Target) -> Figure {
    let sample = |server, values: &[f64]| Sample {
        server,
        values: values.to_vec(),
    };
    Figure {
        name: "plain".to_owned(),
        unit: "us",
        samples: vec![sample("astatine", ours), sample("hyper", hyper)],
        targets: vec![target],
    }
}

#[test]
fn a_ratio_is_taken_within_each_round() {
    // The machine was half as fast in the second round; the ratio does not see it.
    let figure = figure(
        &[4.0, 8.0, 5.0],
        &[5.0, 10.0, 5.0],
        Target::beside("hyper", 0.8),
    );
    let ratio = figure.ratio("hyper").expect("both were measured");
    assert_eq!(ratio.median, 0.8);
    assert_eq!((ratio.min, ratio.max), (0.8, 1.0));
    assert_eq!(figure.is_met(&figure.targets[0]), Some(true));
    assert_eq!(figure.ratio("nginx"), None);
}

#[test]
fn a_target_is_missed_above_it_and_open_without_its_peer() {
    let is_met = |ours, target| figure(&[ours], &[5.0], target).is_met(&target);
    assert_eq!(is_met(5.0, Target::beside("hyper", 0.93)), Some(false));
    assert_eq!(is_met(5.0, Target::beside("nginx", 0.60)), None);
    let absolute = Target {
        beside: None,
        at_most: 1536.0,
    };
    assert_eq!(is_met(1500.0, absolute), Some(true));
    assert_eq!(is_met(1537.0, absolute), Some(false));
}

#[test]
fn the_median_of_an_even_count_lies_between_its_middle_values() {
    let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]).expect("there are values");
    assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 4.0));
    assert_eq!(Spread::of(Vec::new()), None);
}

#[test]
fn an_answer_is_as_long_as_its_head_says() {
    let head = b"HTTP/1.1 200 OK\r\nCONTENT-length:  13\r\n\r\n";
    assert_eq!(wave::answer_bytes(&head[..20]).unwrap(), None);
    assert_eq!(wave::answer_bytes(head).unwrap(), Some(head.len() + 13));
    assert!(wave::answer_bytes(b"HTTP/1.1 404 Not Found\r\n\r\n").is_err());
    assert!(wave::answer_bytes(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
}

#[test]
fn the_output_of_callgrind_is_read() {
    let text = "events: Ir\nsummary: 5\nfn=(1) main\ntotals: 123456\n";
    assert_eq!(instructions::sum(text), Some(123_456.0));
    assert_eq!(instructions::sum("events: Ir\nsummary: 5\n"), Some(5.0));
    assert_eq!(instructions::sum("events: Ir\n"), None);
}

#[test]
fn the_output_of_wrk_is_read_in_its_units() {
    assert_eq!(
        latency::p99("     90%  1.00ms\n     99%  812.00us\n"),
        Some(812.0)
    );
    assert_eq!(latency::p99("     99%    1.50ms\n"), Some(1500.0));
    assert_eq!(latency::p99("     99%    2.00s\n"), Some(2_000_000.0));
    assert_eq!(latency::p99("unable to connect"), None);
}

#[test]
fn messages_are_masked_and_their_echoes_are_not() {
    for (n_bytes, n_header_bytes) in [(16, 2), (125, 2), (126, 4), (1 << 16, 10)] {
        let (messages, echoes) = echo::Messages {
            n_bytes,
            n_in_flight: 2,
        }
        .frames();
        assert_eq!(messages.len(), 2 * (n_header_bytes + 4 + n_bytes));
        assert_eq!(echoes.len(), 2 * (n_header_bytes + n_bytes));
        let (key, masked) = messages[n_header_bytes..].split_at(4);
        for at in [0, 1, n_bytes - 1] {
            assert_eq!(masked[at] ^ key[at % 4], echoes[n_header_bytes + at]);
        }
    }
}
