//! The area `templates`: three pages and their compilation, beside other template engines.
//!
//! The engines are in one program, which measures them by turns in every round; it says what each
//! render took, and callgrind counts what it cost.

use std::process::Command;

use super::report::{Figure, Report, Sample, Target};
use super::{Options, instructions, peers};
use crate::failure::Failure;
use crate::step;

const ENGINES: [&str; 5] = ["astatine", "askama", "ramhorns", "handlebars", "minijinja"];

/// The pages, and how many renders callgrind counts.
const PAGES: &[(&str, u32)] = &[("teams", 2000), ("table", 20), ("shop", 100)];

/// Measures the area.
///
/// # Errors
///
/// The program does not build. What cannot be measured is noted in the report.
pub(super) fn measure(options: &Options, report: &mut Report) -> Result<(), Failure> {
    peers::build(["templates"])?;
    println!("==> templates: {} rounds", options.n_rounds);
    let rounds = options.n_rounds.to_string();
    let output = step::output(Command::new(peers::built("templates")).args(["rounds", &rounds]))?;
    for (page, _) in PAGES {
        report.add(Figure {
            name: format!("{page}, render"),
            unit: "ns",
            samples: samples(&output, page, "astatine"),
            targets: vec![
                Target::beside("askama", 1.5),
                Target::beside("ramhorns", 1.0),
            ],
        });
        report.add(Figure {
            name: format!("{page}, serde"),
            unit: "ns",
            samples: samples(&output, page, "astatine-serde"),
            targets: vec![
                Target::beside("ramhorns", 2.0),
                Target::beside("handlebars", 0.2),
            ],
        });
    }
    report.add(Figure {
        name: "compile".to_owned(),
        unit: "ns",
        samples: samples(&output, "compile", "astatine"),
        targets: Vec::new(),
    });
    count_instructions(report);
    Ok(())
}

/// Reads what each engine took in each round; `ours` is the one of ours that stands for us.
fn samples(output: &str, figure: &str, ours: &'static str) -> Vec<Sample> {
    let values = |engine: &str| -> Vec<f64> {
        output
            .lines()
            .filter_map(|line| {
                let rest = line.strip_prefix(figure)?.strip_prefix('\t')?;
                let (name, value) = rest.split_once('\t')?;
                (name == engine).then(|| value.parse().ok())?
            })
            .collect()
    };
    let named = ENGINES.map(|server| Sample {
        server,
        values: values(if server == "astatine" { ours } else { server }),
    });
    named
        .into_iter()
        .filter(|sample| !sample.values.is_empty())
        .collect()
}

fn count_instructions(report: &mut Report) {
    if !step::is_present(Command::new("valgrind").arg("--version")) {
        println!("==> valgrind is not installed: no instructions are counted");
        return;
    }
    for (page, n_renders) in PAGES {
        println!("==> instructions, {page}");
        let mut samples = Vec::new();
        for server in &ENGINES[..3] {
            match per_render(server, page, *n_renders) {
                Ok(value) => samples.push(Sample {
                    server,
                    values: vec![value],
                }),
                Err(failure) => report.miss(format!("instructions of {server}: {failure}")),
            }
        }
        report.add(Figure {
            name: format!("{page}, render"),
            unit: "instructions",
            samples,
            targets: Vec::new(),
        });
    }
}

/// Returns the difference between a run and one of twice the length, for one render: the start is
/// in both.
fn per_render(engine: &str, page: &str, n_renders: u32) -> Result<f64, Failure> {
    let total = |n_renders: u32| {
        let path = peers::folder()?.join(format!("callgrind-{engine}.out"));
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", path.display()))
            .arg(peers::built("templates"))
            .args(["render", engine, page, &n_renders.to_string()]);
        step::output(&mut command)?;
        instructions::read_total(&path)
    };
    Ok((total(2 * n_renders)? - total(n_renders)?) / f64::from(n_renders))
}
