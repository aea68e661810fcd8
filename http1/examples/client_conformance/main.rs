//! Judges the client against servers on real sockets; `cargo xtask conformance client` starts them.
//!
//! | arguments | the server |
//! |---|---|
//! | `nginx URL SOCKET` | an nginx with the configuration of xtask, at a URL and a Unix socket |
//! | `mirror URL` | the example `mirror`, this crate's own server |
//! | `peers` | servers that break rules, started here |

mod mirror;
mod nginx;
mod peers;
mod report;

use std::env;
use std::process::ExitCode;

use report::Report;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut report = Report::default();
    match args[..] {
        ["nginx", url, socket] => nginx::judge(url, socket, &mut report).await,
        ["mirror", url] => mirror::judge(url, &mut report).await,
        ["peers"] => peers::judge(&mut report).await,
        _ => {
            eprintln!("say `nginx URL SOCKET`, `mirror URL` or `peers`");
            return ExitCode::from(2);
        }
    }
    report.exit_code()
}
