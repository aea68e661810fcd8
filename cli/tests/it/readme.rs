//! What the README shows is so: its options are those of the help text, its code is compiled.

use std::collections::BTreeSet;

use crate::server::run;

const README: &str = include_str!("../../../README.md");
const EXAMPLE: &str = include_str!("../../examples/router.rs");

fn help() -> String {
    String::from_utf8(run(["--help"]).stdout).unwrap()
}

/// Finds the words that are long options.
fn long_options(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    text.split(|c| !is_part(c))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .collect()
}

/// Returns the rows of the tables of options: the option's cell and the default's.
fn rows() -> Vec<(&'static str, &'static str)> {
    let tables = README.split("| option |").skip(1);
    let lines = tables.flat_map(|table| table.split("\n\n").next().unwrap().lines().skip(2));
    let rows = lines.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (cells[1], cells[3])
    });
    rows.collect()
}

#[test]
fn each_option_has_its_row() {
    let rows: String = rows().iter().map(|(option, _)| *option).collect();
    let help = help();
    let mut told = long_options(help.split_once("Options:").unwrap().1);
    told.remove("--help");
    told.remove("--version");
    assert_eq!(long_options(&rows), told);
}

#[test]
fn each_default_is_the_one_of_the_help() {
    let help = help();
    for (cell, default) in rows() {
        let option = *long_options(cell).first().unwrap();
        let (_, text) = help
            .split_once(&format!("{option} <"))
            .or_else(|| help.split_once(&format!("{option}[")))
            .unwrap();
        let text = text.split("\n\n").next().unwrap();
        let told = text.split_once("[default: ");
        let told = told.map_or("", |(_, rest)| rest.split(']').next().unwrap());
        assert_eq!(told, default, "{option}");
    }
}

#[test]
fn the_code_for_developers_is_the_example() {
    let (_, code) = README.split_once("```rust,no_run\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    let (_, example) = EXAMPLE.split_once("\n\n").unwrap();
    assert_eq!(code, example);
}
