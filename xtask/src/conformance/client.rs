//! http1's client against nginx, against our own server, and against servers that break rules; on
//! real sockets.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::server::Server;
use crate::step;

/// As long as the example expects it.
const FILE_BYTES: usize = 1 << 20;

/// Runs every case.
pub(super) fn run() -> Result<(), Failure> {
    step::run(&mut step::cargo(
        "build --release --package astatine-http1 --example client_conformance --example mirror",
    ))?;
    let broken = judge(&["peers"]);
    let mirror = Server::start("mirror", |address| {
        let mut command = Command::new(step::built("examples/mirror"));
        command.arg(address.to_string());
        Ok(command)
    })?;
    let ours = judge(&["mirror", &url(mirror.address)]);
    let program = nginx_program()?;
    let folder = step::folder("conformance-client")?;
    let nginx = Server::start("nginx", |address| nginx(&program, &folder, address))?;
    let socket = folder.join("socket").display().to_string();
    let theirs = judge(&["nginx", &url(nginx.address), &socket]);
    // All are run, so that one report tells everything.
    broken.and(ours).and(theirs)
}

fn judge(args: &[&str]) -> Result<(), Failure> {
    step::run(Command::new(step::built("examples/client_conformance")).args(args))
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Finds nginx, or installs Debian's.
fn nginx_program() -> Result<PathBuf, Failure> {
    let program = PathBuf::from("/usr/sbin/nginx");
    if !program.is_file() {
        let mut install = Command::new("apt-get");
        install.args(["install", "--yes", "--no-install-recommends", "nginx"]);
        step::run(&mut install)?;
    }
    Ok(program)
}

/// Makes the command of an nginx that has a place for each case.
fn nginx(program: &Path, folder: &Path, address: SocketAddr) -> Result<Command, Failure> {
    let io = |what: &Path| Failure::io(what.display().to_string());
    let pattern: Vec<u8> = (0..FILE_BYTES).map(|at| (at % 251) as u8).collect();
    let page = b"before, <!--#include virtual=\"/part\" -->, behind\n";
    for name in [
        "public/chunked",
        "public/plain",
        "public/slow",
        "public/upload",
    ] {
        let path = folder.join(name);
        fs::create_dir_all(&path).map_err(io(&path))?;
    }
    let socket = folder.join("socket");
    if socket.exists() {
        fs::remove_file(&socket).map_err(io(&socket))?;
    }
    let configuration = nginx_configuration(address, folder);
    for (name, content) in [
        ("public/file", &pattern[..]),
        ("public/slow/file", &pattern),
        ("public/part", b"included"),
        ("public/chunked/page.html", page),
        ("public/plain/page.html", page),
        ("nginx.conf", configuration.as_bytes()),
    ] {
        let path = folder.join(name);
        fs::write(&path, content).map_err(io(&path))?;
    }
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"));
    // Its workers must be able to read and write the folder, wherever it is.
    let user = if rustix::process::geteuid().is_root() {
        "user root; "
    } else {
        ""
    };
    command.args(["-g", &format!("{user}daemon off;")]);
    Ok(command)
}

fn nginx_configuration(address: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "\
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    keepalive_timeout 75s;
    default_type application/octet-stream;
    types {{ text/html html; }}
    client_max_body_size 64m;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {address};
        listen unix:{folder}/socket;
        root {folder}/public;
        location = /place {{ return 200 \"$connection $connection_requests\"; }}
        location = /last {{ keepalive_timeout 0; return 200 \"last\"; }}
        location = /impatient {{ keepalive_timeout 1s; return 200 \"soon\"; }}
        location = /nothing {{ return 204; }}
        location = /silent {{ return 444; }}
        location /chunked/ {{ ssi on; add_trailer X-Sum $connection_requests; }}
        location /plain/ {{ ssi on; chunked_transfer_encoding off; }}
        location /slow/ {{ limit_rate 200k; }}
        location /upload/ {{ dav_methods PUT DELETE; }}
        location /small/ {{ dav_methods PUT; client_max_body_size 1k; }}
    }}
}}
"
    )
}
