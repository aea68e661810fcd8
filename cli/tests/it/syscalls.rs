//! What the kernel is asked for, seen by strace(1).

use std::fs;
use std::process::Command;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::folder::{Folder, LARGE, noise};
use crate::server::{Server, astatine, wait_until};

/// Serves the folder under strace while the paths are asked for; returns the calls that move bytes
/// of the thread that serves them, or nothing where strace cannot run.
fn trace(folder: &Folder, paths: &[&str]) -> Option<Vec<Call>> {
    if !is_strace_usable() {
        eprintln!("skipped: strace is not there or may not trace");
        return None;
    }
    let logs = folder.path().join("traces");
    fs::create_dir(&logs).unwrap();
    let pid_file = folder.path().join("pid");
    let ours = astatine(["-b", "127.0.0.1:0", "-t", "1", "-v", "--pid"]);
    let mut command = Command::new("strace");
    // A log for each thread, since in a common one they cut each other's lines in two.
    command.args(["-ff", "-qq", "-s", "200", "-o"]);
    command.arg(logs.join("thread"));
    command.args([
        "-e",
        "trace=recvfrom,recvmsg,readv,sendto,sendmsg,write,writev,sendfile",
    ]);
    command.arg(ours.get_program()).args(ours.get_args());
    command
        .arg(&pid_file)
        .arg(folder.path().join("public"))
        .env_remove("PORT");
    let mut server = Server::spawn(command);
    let pid = fs::read_to_string(&pid_file).unwrap().trim().parse();
    let traced = Traced(Pid::from_raw(pid.unwrap()).unwrap());
    let mut client = server.client();
    for path in paths {
        assert_eq!(client.get(path, "").status, 200);
    }
    drop(client);
    kill_process(traced.0, Signal::TERM).unwrap();
    server.wait();
    let mut threads = fs::read_dir(&logs).unwrap().map(|entry| {
        let log = fs::read_to_string(entry.unwrap().path()).unwrap();
        log.lines().filter_map(Call::parse).collect::<Vec<_>>()
    });
    let serving = threads.find(|calls| calls.iter().any(Call::receives_request));
    Some(serving.expect("some thread receives a request"))
}

/// The server itself. Strace passes no signal on, so it is told by its own number, and outlives
/// strace where a test fails.
struct Traced(Pid);

impl Drop for Traced {
    fn drop(&mut self) {
        if thread::panicking() {
            // It may have ended already.
            kill_process(self.0, Signal::KILL).unwrap_or_default();
        }
    }
}

fn is_strace_usable() -> bool {
    let traced = Command::new("strace")
        .args(["-qq", "-e", "trace=none", "true"])
        .output();
    traced.is_ok_and(|output| output.status.success())
}

/// One call as strace shows it: `sendfile(9, 10, [16384] => [65536], 49152) = 49152`.
#[derive(Debug)]
struct Call {
    name: String,
    descriptor: u32,
    text: String,
    result: i64,
}

impl Call {
    fn parse(line: &str) -> Option<Self> {
        let (name, rest) = line.split_once('(')?;
        let (descriptor, _) = rest.split_once([',', ' '])?;
        // The call in which a thread ends has no result.
        let (_, result) = rest.rsplit_once(" = ")?;
        Some(Self {
            name: name.to_owned(),
            descriptor: descriptor.parse().ok()?,
            text: rest.to_owned(),
            result: result.split(' ').next()?.parse().ok()?,
        })
    }

    fn receives_request(&self) -> bool {
        self.name.starts_with("re") && self.text.contains("GET /")
    }

    fn is_write_to(&self, socket: u32) -> bool {
        let names = ["sendto", "sendmsg", "write", "writev", "sendfile"];
        self.descriptor == socket && names.contains(&self.name.as_str())
    }
}

/// Picks the calls that write to the socket that the requests come from. Its number may have been
/// another file's before.
fn writes(calls: &[Call]) -> Vec<&Call> {
    let first = calls.iter().position(Call::receives_request);
    let calls = &calls[first.expect("some call receives a request")..];
    let socket = calls[0].descriptor;
    calls
        .iter()
        .filter(|call| call.is_write_to(socket))
        .collect()
}

#[test]
fn one_thread_is_alone_once_what_the_disk_was_asked_for_is_in_memory() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let server = Server::start(&folder, &["-t", "1"]);
    assert_eq!(server.client().get("/a.txt", "").status, 200);
    let threads = format!("/proc/{}/task", server.pid().as_raw_pid());
    // One that waited for the disk stays for a moment, since there may be more to do.
    wait_until(|| fs::read_dir(&threads).unwrap().count() == 1);
}

#[test]
fn a_large_file_leaves_by_sendfile() {
    let folder = Folder::new();
    folder.write("public/large.bin", noise(LARGE));
    let Some(calls) = trace(&folder, &["/large.bin"]) else {
        return;
    };
    let (by_sendfile, written): (Vec<&Call>, Vec<&Call>) = writes(&calls)
        .into_iter()
        .partition(|call| call.name == "sendfile");
    let n_by_sendfile: i64 = by_sendfile.iter().map(|call| call.result.max(0)).sum();
    let n_written: i64 = written.iter().map(|call| call.result.max(0)).sum();
    // The head and a first frame of at most 16 KiB go before it.
    assert!(n_by_sendfile >= LARGE as i64 - 16_384, "{n_by_sendfile}");
    assert!(n_written < 16_384 + 1024, "{n_written}");
}

#[test]
fn a_cached_small_file_leaves_with_its_head_in_one_write() {
    let folder = Folder::new();
    folder.write("public/small.bin", noise(1024));
    let Some(calls) = trace(&folder, &["/small.bin"; 4]) else {
        return;
    };
    let written = writes(&calls);
    assert_eq!(written.len(), 4, "{written:#?}");
    for call in written {
        assert!(call.text.contains("HTTP/1.1 200 OK"), "{call:?}");
        assert!(call.result > 1024, "{call:?}");
    }
}

#[test]
fn a_client_that_is_gone_raises_no_signal() {
    let folder = Folder::new();
    folder.write("public/small.bin", noise(1024));
    folder.write("public/medium.bin", noise(40_000));
    let Some(calls) = trace(&folder, &["/medium.bin", "/small.bin", "/medium.bin"]) else {
        return;
    };
    let written = writes(&calls);
    assert!(written.len() >= 3, "{written:#?}");
    for call in written {
        assert!(call.text.contains("MSG_NOSIGNAL"), "{call:?}");
    }
}
