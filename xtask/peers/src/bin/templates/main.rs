//! Template engines side by side, for `cargo xtask bench templates`.
//!
//! - `templates rounds N` prints a line `FIGURE<TAB>ENGINE<TAB>NANOSECONDS` for each engine in
//!   each of N rounds, all engines by turns, the figures being the pages and `compile`;
//! - `templates render ENGINE PAGE N` renders a page N times and prints nothing.

mod data;
mod engines;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use engines::{ENGINES, Engines, PAGES};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let engines = Engines::new();
    match args[..] {
        ["rounds", n_rounds] => {
            let Ok(n_rounds) = n_rounds.parse() else {
                return ExitCode::from(2);
            };
            assert_alike(&engines);
            for _ in 0..n_rounds {
                measure_pages(&engines);
                measure_compile();
            }
        }
        ["render", engine, page, n_times] => {
            let (Some(render), Ok(n_times)) = (engines.renderer(engine, page), n_times.parse())
            else {
                return ExitCode::from(2);
            };
            for _ in 0..n_times {
                black_box(render());
            }
        }
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

/// Makes sure that all engines do the same work: they write one page but for the form of entities.
fn assert_alike(engines: &Engines) {
    for page in PAGES {
        let text = |engine: &str| {
            let render = engines.renderer(engine, page);
            let text = render.expect("every engine has every page")();
            text.replace("&#34;", "&quot;")
                .replace("&#60;", "&lt;")
                .replace("&#38;", "&amp;")
                .replace("&#x27;", "&#39;")
        };
        let ours = text("astatine");
        for engine in ENGINES {
            assert!(text(engine) == ours, "{engine} writes an other {page}");
        }
    }
}

fn measure_pages(engines: &Engines) {
    for page in PAGES {
        for engine in ENGINES {
            if let Some(render) = engines.renderer(engine, page) {
                println!("{page}\t{engine}\t{}", nanos(&render));
            }
        }
    }
}

fn measure_compile() {
    let mustache = engines::sources("mustache");
    let (hbs, html) = (engines::sources("hbs"), engines::sources("html"));
    let ours = nanos(&|| engines::ours(&mustache));
    let ramhorns = nanos(&|| engines::ramhorns(&mustache));
    let handlebars = nanos(&|| engines::handlebars(&hbs));
    let minijinja = nanos(&|| engines::minijinja(&html));
    for (engine, nanos) in [
        ("astatine", ours),
        ("ramhorns", ramhorns),
        ("handlebars", handlebars),
        ("minijinja", minijinja),
    ] {
        println!("compile\t{engine}\t{nanos}");
    }
}

/// Returns the time of one call, over as many as fill some milliseconds.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn nanos<T>(call: &dyn Fn() -> T) -> f64 {
    const ENOUGH: Duration = Duration::from_millis(20);
    let mut n_calls = 0_u32;
    let begin = Instant::now();
    let mut batch = 1;
    loop {
        for _ in 0..batch {
            black_box(call());
        }
        n_calls += batch;
        let elapsed = begin.elapsed();
        if elapsed >= ENOUGH {
            return elapsed.as_nanos() as f64 / f64::from(n_calls);
        }
        batch = n_calls;
    }
}
