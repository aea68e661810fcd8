//! WebSocket as Autobahn's test suite sees it: every case against the echo server and the client.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::server::Server;
use crate::step;

/// Runs all cases at both ends at once, and prints what the suite makes of them, by group.
pub(super) fn run() -> Result<(), Failure> {
    let folder = step::folder("autobahn")?;
    let wstest = install(&folder)?;
    step::run(
        step::cargo("build --release --package astatine-websocket").args([
            "--example",
            "echo",
            "--example",
            "autobahn_client",
        ]),
    )?;
    let ends = ["server", "client"].map(|end| (end, folder.join(end)));
    for (_, reports) in &ends {
        if reports.exists() {
            fs::remove_dir_all(reports).map_err(Failure::io(reports.display().to_string()))?;
        }
    }
    let [(_, of_server), (_, of_client)] = &ends;
    // The suite takes one core, and tens of minutes for each end.
    thread::scope(|scope| {
        let client = scope.spawn(|| test_client(&wstest, of_client));
        test_server(&wstest, of_server)?;
        client.join().expect("the client's thread does not panic")
    })?;
    let mut n_failed = 0;
    for (end, reports) in &ends {
        println!("{end}:");
        n_failed += judge(&reports.join("index.json"))?;
    }
    if n_failed == 0 {
        Ok(())
    } else {
        Err(Failure::Output {
            program: "conformance autobahn",
            what: format!(
                "{n_failed} cases failed; the reports are in {}",
                folder.display()
            ),
        })
    }
}

/// Runs the suite's client against the echo server.
fn test_server(wstest: &Path, reports: &Path) -> Result<(), Failure> {
    let server = Server::start("echo", |address| {
        let mut echo = Command::new(step::built("examples/echo"));
        echo.arg(address.to_string());
        Ok(echo)
    })?;
    let plan = json!({
        "outdir": reports,
        "servers": [{ "agent": AGENT, "url": format!("ws://{}", server.address) }],
        "cases": ["*"],
    });
    let mut suite = suite(wstest, "fuzzingclient", reports, &plan)?;
    step::run(suite.stdout(Stdio::null()))
}

/// Runs the client, case by case, against the suite's server.
fn test_client(wstest: &Path, reports: &Path) -> Result<(), Failure> {
    let server = Server::start("wstest", |address| {
        let plan = json!({
            "outdir": reports,
            "url": format!("ws://{address}"),
            // While it writes a report it would take the next client for one that is too slow.
            "options": { "openHandshakeTimeout": 0 },
            "cases": ["*"],
        });
        suite(wstest, "fuzzingserver", reports, &plan)
    })?;
    let url = format!("ws://{}", server.address);
    step::run(Command::new(step::built("examples/autobahn_client")).args([&url, AGENT]))
}

/// Makes the command that runs the suite by a plan, which is written beside the reports.
fn suite(wstest: &Path, mode: &str, reports: &Path, plan: &Value) -> Result<Command, Failure> {
    let path = reports.with_extension("json");
    fs::write(&path, plan.to_string()).map_err(Failure::io(path.display().to_string()))?;
    let mut suite = Command::new(wstest);
    suite.args(["--webport", "0", "--mode", mode, "--spec"]);
    suite.arg(&path);
    Ok(suite)
}

/// Installs the suite into an environment of its own: it is written for Python 2.7.
fn install(folder: &Path) -> Result<PathBuf, Failure> {
    let environment = folder.join("python2.7");
    let wstest = environment.join("bin/wstest");
    if wstest.exists() {
        return Ok(wstest);
    }
    let Some(python) = python_2_7() else {
        return Err(Failure::Output {
            program: "conformance autobahn",
            what: "no Python 2.7 was found, which the suite needs: install one, with pip, as \
                   python2.7 or by pyenv"
                .to_owned(),
        });
    };
    let pip = |arguments: &[&str]| {
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
        ]);
        step::run(pip.args(arguments))
    };
    let tool = folder.join("virtualenv");
    let tool = tool.display().to_string();
    pip(&["--target", &tool, "virtualenv<20.22"])?;
    let mut virtualenv = Command::new(&python);
    virtualenv.env("PYTHONPATH", &tool);
    virtualenv.args(["-m", "virtualenv", "--quiet"]);
    step::run(virtualenv.arg(&environment))?;
    let mut pip = Command::new(environment.join("bin/pip"));
    step::run(pip.args(["install", "--quiet", "autobahntestsuite"]))?;
    Ok(wstest)
}

/// Finds a Python 2.7: on the path, or among pyenv's.
fn python_2_7() -> Option<PathBuf> {
    let on_path = PathBuf::from("python2.7");
    if step::is_present(Command::new(&on_path).arg("--version")) {
        return Some(on_path);
    }
    let home = PathBuf::from(std::env::var_os("HOME")?);
    let versions = home.join(".pyenv/versions").read_dir().ok()?;
    let mut found: Vec<_> = versions
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with("2.7")
        })
        .map(|path| path.join("bin/python"))
        .filter(|python| step::is_present(Command::new(python).arg("--version")))
        .collect();
    found.sort();
    found.pop()
}

/// Prints each group's grades, names the cases that are not OK, and returns how many failed.
fn judge(index: &Path) -> Result<usize, Failure> {
    let what = index.display().to_string();
    let text = fs::read(index).map_err(Failure::io(&what))?;
    let report: Value = serde_json::from_slice(&text).unwrap_or_default();
    let Some(cases) = report[AGENT].as_object().filter(|cases| !cases.is_empty()) else {
        return Err(Failure::Output {
            program: "wstest",
            what: format!("no case in {what}"),
        });
    };
    let mut groups: BTreeMap<u32, BTreeMap<&str, usize>> = BTreeMap::new();
    let (mut n_failed, mut remarks) = (0, Vec::new());
    for (name, case) in cases {
        let grade = case["behavior"].as_str().unwrap_or("missing");
        let close = case["behaviorClose"].as_str().unwrap_or("missing");
        let group = name.split('.').next().and_then(|group| group.parse().ok());
        let grades = groups.entry(group.unwrap_or_default()).or_default();
        *grades.entry(grade).or_default() += 1;
        if [grade, close] != ["OK", "OK"] && grade != "INFORMATIONAL" {
            remarks.push(format!("{name}: {grade}, close {close}"));
        }
        let is_passed = |grade| ["OK", "NON-STRICT", "INFORMATIONAL"].contains(&grade);
        n_failed += usize::from(!is_passed(grade) || !is_passed(close));
    }
    for (group, grades) in &groups {
        let grades: Vec<_> = grades
            .iter()
            .map(|(grade, n)| format!("{n} {grade}"))
            .collect();
        println!("group {group:>2}: {}", grades.join(", "));
    }
    remarks.iter().for_each(|remark| println!("{remark}"));
    println!("{} cases, {n_failed} failed", cases.len());
    Ok(n_failed)
}

const AGENT: &str = "astatine";
