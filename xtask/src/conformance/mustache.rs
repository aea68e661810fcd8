//! The Mustache specification's own cases, in JSON, against templates.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::step;

/// One case, and the module that it belongs to.
struct Case {
    module: String,
    case: Value,
}

/// Runs our own cases; where a folder is given, every module of the specification that lies in it
/// as `NAME.json` too, and prints how many cases of each pass.
pub(super) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let ours = step::run(&mut step::cargo(
        "test --package astatine-templates --all-features --test it spec",
    ));
    let Some(folder) = folder else {
        println!("==> the official cases are not run: name the folder of their JSON files");
        return ours;
    };
    let theirs = judge(folder);
    // Both are run, so that one report tells all.
    ours.and(theirs)
}

fn judge(folder: &Path) -> Result<(), Failure> {
    let cases = cases(folder)?;
    step::run(&mut step::cargo(
        "build --package astatine-templates --example spec",
    ))?;
    let answers = answers(&cases)?;
    let mut n_failed = 0;
    let mut modules: Vec<(&str, usize, usize)> = Vec::new();
    for (Case { module, case }, answer) in cases.iter().zip(&answers) {
        if modules.last().is_none_or(|(last, ..)| last != module) {
            modules.push((module, 0, 0));
        }
        let is_passed = answer["out"].is_string() && answer["out"] == case["expected"];
        if !is_passed {
            n_failed += 1;
            println!(
                "{module}: {}: {} instead of {}",
                case["name"], answer, case["expected"]
            );
        }
        if let Some((_, n_passed, n_cases)) = modules.last_mut() {
            *n_passed += usize::from(is_passed);
            *n_cases += 1;
        }
    }
    println!("\n{:<16}  passed  cases", "module");
    for (module, n_passed, n_cases) in &modules {
        println!("{module:<16}  {n_passed:>6}  {n_cases:>5}");
    }
    println!(
        "{:<16}  {:>6}  {:>5}",
        "all",
        cases.len() - n_failed,
        cases.len()
    );
    match n_failed {
        0 if answers.len() == cases.len() => Ok(()),
        0 => Err(failure("the program answered too few cases".to_owned())),
        _ => Err(failure(format!("{n_failed} cases fail"))),
    }
}

/// Reads the cases of every module in a folder, in the order of the names.
fn cases(folder: &Path) -> Result<Vec<Case>, Failure> {
    let what = folder.display().to_string();
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in folder.read_dir().map_err(Failure::io(&what))? {
        let path = entry.map_err(Failure::io(&what))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = std::fs::read(&path).map_err(Failure::io(path.display().to_string()))?;
        let module: Value = serde_json::from_slice(&text).unwrap_or_default();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        for case in module["tests"].as_array().into_iter().flatten() {
            cases.push(Case {
                module: name.clone().into_owned(),
                case: case.clone(),
            });
        }
    }
    if cases.is_empty() {
        return Err(failure(format!("no cases in {what}")));
    }
    Ok(cases)
}

/// Hands all cases to the example, which answers a line for each.
fn answers(cases: &[Case]) -> Result<Vec<Value>, Failure> {
    let program = step::target("").join("debug/examples/spec");
    let io = || Failure::io(program.display().to_string());
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(io())?;
    let mut lines = String::new();
    for Case { module, case } in cases {
        let line = json!({
            "suite": module,
            "name": case["name"],
            "template": case["template"],
            "data": case["data"],
            "partials": case["partials"],
        });
        lines.push_str(&format!("{line}\n"));
    }
    let stdin = child.stdin.take();
    // Its answers must be read while it is written to, or both wait.
    let writer = std::thread::spawn(move || match stdin {
        Some(mut stdin) => stdin.write_all(lines.as_bytes()),
        None => Ok(()),
    });
    let output = child.wait_with_output().map_err(io())?;
    let written = writer.join().unwrap_or(Ok(()));
    written.map_err(io())?;
    let answers = String::from_utf8_lossy(&output.stdout);
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_default();
    Ok(answers.lines().map(parse).collect())
}

fn failure(what: String) -> Failure {
    Failure::Output {
        program: "conformance mustache",
        what,
    }
}
