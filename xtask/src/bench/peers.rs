//! The programs that are compared, and how they are started.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::step;

/// Returns the folder for what the bench writes, made if it is not there.
pub(super) fn folder() -> Result<PathBuf, Failure> {
    step::folder("bench")
}

/// Builds programs of `xtask/peers`.
pub(super) fn build<'a>(programs: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    let mut command = step::cargo("build --release --manifest-path xtask/peers/Cargo.toml");
    for program in programs {
        command.args(["--bin", program]);
    }
    step::run(&mut command)
}

/// Builds our binary.
pub(super) fn build_astatine() -> Result<(), Failure> {
    step::run(&mut step::cargo("build --release --package astatine-cli"))
}

/// Returns a program of `xtask/peers`.
pub(super) fn built(program: &str) -> PathBuf {
    step::target("xtask/peers").join("release").join(program)
}

/// Makes the command of a program of `xtask/peers`.
pub(super) fn peer(program: &str, address: SocketAddr) -> Command {
    let mut command = Command::new(built(program));
    command.arg(address.to_string());
    command
}

/// Makes the command of our binary, serving a folder on one thread.
pub(super) fn astatine(address: SocketAddr, public: &Path) -> Command {
    let mut command = Command::new(step::built("astatine"));
    command
        .arg(public)
        .args(["-b", &address.to_string(), "-t", "1"]);
    command
}

/// Returns nginx's program, if it is installed.
pub(super) fn find_nginx() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = PathBuf::from("/usr/sbin");
    std::env::split_paths(&path)
        .chain([system])
        .map(|folder| folder.join("nginx"))
        .find(|program| program.is_file())
}

/// Makes the command of an nginx with one worker that serves a folder, and a fixed text at `/`.
pub(super) fn nginx(
    program: &Path,
    address: SocketAddr,
    public: &Path,
) -> Result<Command, Failure> {
    let public = public.display();
    let directives = Directives {
        main: String::new(),
        http: "sendfile on; tcp_nopush on; open_file_cache max=1000 inactive=60s;
    keepalive_timeout 75s; keepalive_requests 1000000000;
    default_type application/octet-stream;"
            .to_owned(),
        server: format!(
            "root {public};
        location = / {{ default_type text/plain; return 200 \"Hello, World!\"; }}"
        ),
    };
    nginx_with(program, address, &directives)
}

/// What an nginx is told beside what all are told, by the place where it stands.
#[derive(Debug)]
pub(super) struct Directives {
    pub(super) main: String,
    pub(super) http: String,
    pub(super) server: String,
}

/// Makes the command of an nginx with a configuration of its own.
pub(super) fn nginx_with(
    program: &Path,
    address: SocketAddr,
    directives: &Directives,
) -> Result<Command, Failure> {
    let prefix = folder()?.join(format!("nginx-{}", address.port()));
    let io = |what: &Path| Failure::io(what.display().to_string());
    std::fs::create_dir_all(&prefix).map_err(io(&prefix))?;
    let path = prefix.join("nginx.conf");
    std::fs::write(&path, nginx_configuration(address, directives)).map_err(io(&path))?;
    let mut command = Command::new(program);
    command.arg("-p").arg(&prefix).arg("-c").arg(&path);
    // Its workers must be able to read the folder, wherever it is.
    let user = if rustix::process::geteuid().is_root() {
        "user root; "
    } else {
        ""
    };
    command.args(["-g", &format!("{user}daemon off;")]);
    Ok(command)
}

fn nginx_configuration(address: SocketAddr, directives: &Directives) -> String {
    let Directives { main, http, server } = directives;
    format!(
        "\
{main}
worker_processes 1;
worker_rlimit_nofile 16384;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 12000; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {http}
    server {{
        listen {address};
        {server}
    }}
}}
"
    )
}
