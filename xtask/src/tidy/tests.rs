//! Each rule finds what it is for, and nothing in code that keeps it.

use super::edges::{self, Package};
use super::source::Source;
use super::{Finding, code, facts, layout, purity, size, words};

fn source(path: &str, text: &str) -> Source {
    Source::new(path, text.to_owned())
}

/// Asserts on which lines a rule finds something.
#[track_caller]
fn check(findings: impl IntoIterator<Item = Finding>, lines: &[usize]) {
    let mut found: Vec<Finding> = findings.into_iter().collect();
    found.sort();
    let found_lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(found_lines, lines, "{found:?}");
}

mod source_text {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_stay() {
        let text = concat!(
            "let a = \"fn // x\"; // unsafe\n",
            "/* /* fn */\n unsafe */ let b = 'f'; let c = '\\'';\n",
            "let d: &'static str = r#\"fn \"{ \"#; let e = br\"unsafe\";\n",
            "let é = \"é\\\"{\";\n",
        );
        let source = source("x/src/a.rs", text);
        assert_eq!(source.code.len(), text.len());
        assert_eq!(source.code.lines().count(), 5);
        for word in ["fn", "unsafe", "{", "x"] {
            assert!(!source.code.contains(word), "{word} in {}", source.code);
        }
        for word in ["let b", "let c", "'static str", "let e", "let é"] {
            assert!(source.code.contains(word), "no {word} in {}", source.code);
        }
    }

    #[test]
    fn a_function_ends_at_its_last_brace() {
        let text = "fn a(f: fn(u8) -> [u8; 2]) {\n if x { y }\n}\ntrait T { fn b(); }\n";
        let source = source("x/src/a.rs", text);
        let functions: Vec<&str> = source
            .functions()
            .into_iter()
            .map(|range| &source.code[range])
            .collect();
        assert_eq!(functions, ["fn a(f: fn(u8) -> [u8; 2]) {\n if x { y }\n}"]);
    }
}

mod size_rule {
    use super::*;

    #[test]
    fn tests_do_not_count_as_lines_of_a_file() {
        let short = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "a;\n".repeat(600),
            "b;\n".repeat(99)
        );
        check(size::check(&source("x/src/a.rs", &short)), &[]);
        check(
            size::check(&source("x/src/a.rs", &"a;\n".repeat(601))),
            &[1],
        );
        check(
            size::check(&source("x/tests/it/a.rs", &"a;\n".repeat(601))),
            &[],
        );
    }

    #[test]
    fn a_function_of_61_lines_is_too_long_and_one_of_60_is_not() {
        let function = |n_inside| format!("\n\nfn f() {{\n{}}}\n", "a;\n".repeat(n_inside));
        check(size::check(&source("x/src/a.rs", &function(59))), &[3]);
        check(size::check(&source("x/src/a.rs", &function(58))), &[]);
        check(size::check(&source("x/tests/it/a.rs", &function(59))), &[]);
    }
}

mod code_rule {
    use super::*;

    #[test]
    fn attributes_that_hide_are_found() {
        let text = "//! a\n#![forbid(unsafe_code)]\n#[allow(dead_code)]\n#[expect(dead_code)]\n#[ignore = \"slow\"]\n// #[allow(x)]\n";
        check(code::check(&source("x/src/lib.rs", text)), &[3, 5]);
    }

    #[test]
    fn conditional_code_is_for_modules_not_for_functions() {
        let text =
            "#[cfg(unix)]\nmod unix;\nfn f() {\n #[cfg(unix)]\n g();\n if cfg!(windows) {}\n}\n";
        check(code::check(&source("x/src/a.rs", text)), &[4, 6]);
    }

    #[test]
    fn a_test_sleeps_in_virtual_time_only() {
        let text = concat!(
            "#[tokio::test(start_paused = true)]\nasync fn a() { tokio::time::sleep(x).await; }\n",
            "#[tokio::test]\nasync fn b() { tokio::time::sleep(x).await; }\n",
            "#[test]\nfn c() { std::thread::sleep(x); }\n",
            "#[tokio::test]\nasync fn d() { sleep(x).await; self.sleep(x); }\n",
        );
        check(code::check(&source("x/tests/it/main.rs", text)), &[4, 6, 8]);
        let driver = "async fn f() { tokio::time::sleep(x).await; }\n";
        check(code::check(&source("x/src/a.rs", driver)), &[]);
    }

    #[test]
    fn unsafe_has_its_files_and_every_other_crate_forbids_it() {
        let text = "//! a\nfn f() { unsafe { g() } }\n";
        check(code::check(&source("reactor/src/net/sys.rs", text)), &[]);
        check(
            code::check(&source("reactor/src/net/socket.rs", text)),
            &[2],
        );
        check(code::check(&source("http1/src/sys.rs", text)), &[2]);
        check(code::check(&source("cli/src/main.rs", "//! a\n")), &[1]);
        let forbidding = "//! a\n#![forbid(unsafe_code)]\n";
        check(code::check(&source("cli/src/main.rs", forbidding)), &[]);
    }
}

mod purity_rule {
    use super::*;

    #[test]
    fn a_core_takes_time_as_a_value_and_names_no_system() {
        let text = concat!(
            "use std::time::{Duration, Instant};\n",
            "use std::{fmt, net::{IpAddr, Ipv4Addr}};\n",
            "use std::time::SystemTime;\n",
            "fn f(now: Instant) { let x = Instant::now(); }\n",
            "fn g() { std::fs::read(y) }\n",
            "use tokio::io;\n",
            "fn h(then: Instant) -> Duration { then.elapsed() }\n",
            "use std::hash::{Hash, RandomState};\n",
            "use std::{time::*, thread as t};\n",
            "use core::{net::IpAddr, time::Duration};\n",
            "fn i() { ::std::env::var(x); rand::random() }\n",
            "use std as s; use std::{self as t, fmt};\n",
            "#[cfg(test)]\nmod tests { use std::fs; }\n",
        );
        let lines = &[2, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11, 11, 12, 12];
        check(
            purity::check(&source("http1/src/proto/head.rs", text)),
            lines,
        );
        check(
            purity::check(&source("static-files/src/plan/range.rs", text)),
            lines,
        );
        check(purity::check(&source("http1/src/driver.rs", text)), &[]);
        check(
            purity::check(&source("http1/src/proto/tests.rs", text)),
            &[],
        );
    }

    #[test]
    fn a_core_is_built_with_what_is_listed_and_nothing_else() {
        let tree = "astatine-x v0.1.0 (/x)\nbytes v1.11.1\nhttp v1.4.1\nbytes v1.11.1 (*)\n";
        let check_tree = |allowed: &[&str]| purity::check_tree("x/Cargo.toml", tree, allowed);
        check(check_tree(&["bytes", "http"]), &[]);
        check(check_tree(&["bytes"]), &[1]);
        check(check_tree(&["bytes", "http", "itoa"]), &[1]);
    }
}

mod words_rule {
    use super::*;

    #[test]
    fn documentation_does_not_boast() {
        let page = "a\nBlazing speed.\nNever say \"production-ready\" or `seamless`.\n";
        check(words::check_page("README.md", page), &[2]);
        let text = "//! Rock-solid.\nlet seamless = 1;\n/// Plain.\n";
        check(words::check_source(&source("x/src/a.rs", text)), &[1]);
    }
}

mod layout_rule {
    use super::*;

    #[test]
    fn a_name_says_what_is_inside() {
        for path in ["x/src/utils.rs", "x/src/common/a.rs", "x/src/Types.rs"] {
            check(layout::check_name(path), &[1]);
        }
        for path in [
            "x/src/frame.rs",
            "x/src/test_util.rs",
            "x/src/mime_types.rs",
        ] {
            check(layout::check_name(path), &[]);
        }
    }

    #[test]
    fn a_file_opens_with_its_purpose() {
        check(
            layout::check_opening(&source("x/src/a.rs", "use std::fmt;\n")),
            &[1],
        );
        check(
            layout::check_opening(&source("x/src/a.rs", "//! A frame.\n")),
            &[],
        );
        check(
            layout::check_opening(&source("x/src/a/mod.rs", "mod b;\n")),
            &[],
        );
    }

    #[test]
    fn the_root_holds_what_is_listed_and_the_packages() {
        let package = Package {
            folder: "http1".to_owned(),
            ..Package::default()
        };
        let names = ["http1", "README.md", "PLAN.md", "fix.py"].map(String::from);
        let findings = layout::root_findings(&names, &[package]);
        let files: Vec<&str> = findings.iter().map(|f| f.file.as_str()).collect();
        assert_eq!(files, ["PLAN.md", "fix.py"]);
    }
}

mod edges_rule {
    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            folder: name.trim_start_matches("astatine-").to_owned(),
            dependencies: dependencies.iter().map(|d| (*d).to_owned()).collect(),
            ..Package::default()
        }
    }

    #[test]
    fn siblings_do_not_see_each_other() {
        let good = package("astatine-http1", &["astatine-reactor", "bytes"]);
        let bad = package("astatine-http1", &["astatine-static-files"]);
        check(edges::check(&[good]), &[]);
        check(edges::check(&[bad]), &[1]);
    }

    #[test]
    fn a_package_outside_the_table_is_found() {
        check(edges::check(&[package("astatine-new", &[])]), &[1]);
        let misplaced = Package {
            folder: "http".to_owned(),
            ..package("astatine-http1", &[])
        };
        check(edges::check(&[misplaced]), &[1]);
    }
}

mod facts_rule {
    use super::*;

    #[test]
    fn the_readme_states_the_commands_and_the_manifests_rust() {
        let good = "cargo run --release -- PUBLIC_DIR\ncargo xtask test\nRust 1.85 or newer\n";
        check(facts::check_readme(good, "1.85"), &[]);
        check(facts::check_readme(good, "1.86"), &[3]);
        check(facts::check_readme("", "1.85"), &[1, 1, 1]);
    }

    #[test]
    fn clippy_and_cargo_name_the_same_rust() {
        check(facts::check_clippy("msrv = \"1.85\"\n", "1.85"), &[]);
        check(facts::check_clippy("msrv = \"1.80\"\n", "1.85"), &[1]);
    }

    #[test]
    fn the_peers_are_built_as_we_are() {
        let ours = "[profile.release]\nlto = true\n\n# Why.\n[profile.dev]\ndebug = 1\n";
        let peers = "[workspace]\n[profile.release]\nlto = true\n";
        check(facts::check_profile(peers, ours), &[]);
        check(facts::check_profile("[workspace]\n", ours), &[1]);
    }

    #[test]
    fn a_member_states_neither_versions_nor_lints() {
        let good = "[dependencies]\nbytes.workspace = true\n[lints]\nworkspace = true\n";
        check(facts::check_member("x/Cargo.toml", good), &[]);
        let itself = "[dev-dependencies]\nx = { path = \".\", features = [\"a\"] }\n[lints]\nworkspace = true\n";
        check(facts::check_member("x/Cargo.toml", itself), &[]);
        let bad = "[dev-dependencies]\nbytes = \"1\"\n";
        check(facts::check_member("x/Cargo.toml", bad), &[1, 2]);
    }
}
