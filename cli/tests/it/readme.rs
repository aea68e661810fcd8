//! The README's table of options and the help text are the same.

use std::collections::BTreeSet;

use crate::server::run;

const README: &str = include_str!("../../../README.md");

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

/// Returns the rows of the table: the option's cell and the default's.
fn rows() -> Vec<(&'static str, &'static str)> {
    let (_, table) = README.split_once("| option |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows = table.lines().skip(2).map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (cells[1], cells[3])
    });
    rows.collect()
}

#[test]
fn each_option_has_its_row() {
    let table: String = rows().iter().map(|(option, _)| *option).collect();
    let help = help();
    let mut told = long_options(help.split_once("Options:").unwrap().1);
    told.remove("--help");
    told.remove("--version");
    assert_eq!(long_options(&table), told);
}

#[test]
fn each_default_is_the_one_of_the_help() {
    let help = help();
    for (option, default) in rows()
        .into_iter()
        .filter(|(_, default)| !default.is_empty())
    {
        let option = *long_options(option).first().unwrap();
        let (_, text) = help.split_once(&format!("{option} <")).unwrap();
        let (_, text) = text.split_once("[default: ").unwrap();
        assert!(
            text.starts_with(&format!("{default}]")),
            "{option}: {default}"
        );
    }
}
