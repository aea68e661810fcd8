//! The page that tells what the corpus covers agrees with the corpus.

use std::collections::BTreeMap;

use super::{answer, requests, responses};

/// What each section is about, in the order of the page.
const SECTIONS: &[(&str, &str)] = &[
    ("RFC 9112 §2.1", "message format"),
    (
        "RFC 9112 §2.2",
        "line ends, and what stands before a message",
    ),
    ("RFC 9112 §2.3", "version"),
    ("RFC 9112 §3", "request line"),
    ("RFC 9112 §3.1", "method"),
    ("RFC 9112 §3.2", "Host"),
    ("RFC 9112 §3.2.1", "origin-form"),
    ("RFC 9112 §3.2.2", "absolute-form"),
    ("RFC 9112 §3.2.3", "authority-form"),
    ("RFC 9112 §3.2.4", "asterisk-form"),
    ("RFC 9112 §4", "status line"),
    ("RFC 9112 §5.1", "field lines"),
    ("RFC 9112 §5.2", "line folding"),
    ("RFC 9112 §6.1", "Transfer-Encoding"),
    ("RFC 9112 §6.2", "Content-Length"),
    ("RFC 9112 §6.3", "length of a body"),
    ("RFC 9112 §7.1", "chunked coding"),
    ("RFC 9112 §7.1.1", "chunk extensions"),
    ("RFC 9112 §7.1.2", "trailers"),
    ("RFC 9112 §8", "incomplete messages"),
    ("RFC 9112 §9.3", "persistence"),
    ("RFC 9112 §9.3.2", "pipelining"),
    ("RFC 9112 §9.6", "the end of a connection"),
    ("RFC 9110 §5.1", "field names"),
    ("RFC 9110 §5.4", "limits of fields"),
    ("RFC 9110 §5.5", "field values"),
    ("RFC 9110 §6.6.1", "Date"),
    ("RFC 9110 §7.8", "Upgrade"),
    ("RFC 9110 §8.6", "Content-Length of answers"),
    ("RFC 9110 §10.1.1", "Expect"),
    ("RFC 9110 §15.2", "interim responses"),
    ("RFC 9110 §15.3.6", "205"),
];

/// How many requests, responses and answers a section has.
type Counts = BTreeMap<&'static str, [usize; 3]>;

fn counts() -> Counts {
    let mut counts = Counts::new();
    let mut count =
        |section: &'static str, kind: usize| counts.entry(section).or_default()[kind] += 1;
    requests().iter().for_each(|case| count(case.section, 0));
    responses().iter().for_each(|case| count(case.section, 1));
    answer::cases()
        .iter()
        .for_each(|case| count(case.section, 2));
    counts
}

fn table() -> String {
    let counts = counts();
    let mut text = String::from(
        "| section | about | requests | responses | answers |\n|---|---|--:|--:|--:|\n",
    );
    let mut total = [0; 3];
    for (section, about) in SECTIONS {
        let row = counts.get(section).copied().unwrap_or_default();
        for (total, n_cases) in total.iter_mut().zip(row) {
            *total += n_cases;
        }
        let cells = row.map(|n_cases| match n_cases {
            0 => String::new(),
            _ => n_cases.to_string(),
        });
        text.push_str(&format!(
            "| {section} | {about} | {} |\n",
            cells.join(" | ")
        ));
    }
    let [requests, responses, answers] = total;
    text.push_str(&format!(
        "| all | | {requests} | {responses} | {answers} |\n"
    ));
    text
}

#[test]
fn every_section_of_the_corpus_is_on_the_page_with_its_count() {
    for section in counts().keys() {
        assert!(
            SECTIONS.iter().any(|(known, _)| known == section),
            "{section}"
        );
    }
    let page = include_str!("../../../CONFORMANCE.md");
    let table = table();
    assert!(
        page.contains(&table),
        "CONFORMANCE.md has not this table:\n\n{table}"
    );
}
