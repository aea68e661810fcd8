//! Puts the parts together and runs them until a signal comes.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use astatine_http1::Http1;
use astatine_reactor::{Bind, Inherited, PeerInfo, Server};
use astatine_static_files::StaticFiles;

use crate::access_log::{AccessLog, Logged};
use crate::command_line::Settings;
use crate::failure::Failure;
use crate::options::Options;
use crate::pid_file::PidFile;
use crate::{lowering, ready};

/// Serves until a signal ends it.
///
/// # Errors
///
/// The folder, an address or a file cannot be used, or the server ends by itself.
pub(crate) fn serve(settings: Settings) -> Result<(), Failure> {
    let Settings { root, options } = settings;
    start_diagnostics(&options);
    let files = open_folder(&root, &options)?;
    let inherited = Inherited::from_env().map_err(|error| Failure::Usage(error.to_string()))?;
    let binds = lowering::binds(&options, &inherited);
    let _pid_file = options.pid.as_deref().map(write_pid).transpose()?;
    let log = start_log(&options)?;
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut server = Server::new(lowering::reactor_config(&options))
        .threads(lowering::n_threads(options.threads, cores))
        .inherit(inherited)
        .on_ready(move |addresses| tell(&ready::line(&root, addresses)));
    for bind in binds {
        server = listen(server, bind, &options, &files, log.as_ref());
    }
    let result = server.run();
    if let Some(log) = log {
        log.close();
    }
    result.map_err(Failure::Server)
}

/// Adds one address to the server, with the log around the files where one is kept.
fn listen(
    server: Server,
    bind: Bind,
    options: &Options,
    files: &StaticFiles,
    log: Option<&AccessLog>,
) -> Server {
    let config = lowering::http1_config(options);
    let files = files.clone();
    let Some(log) = log.cloned() else {
        return server.listen(bind, move || {
            Http1::new(files.clone()).config(config.clone())
        });
    };
    server.listen(bind, move || {
        let (files, lane) = (files.clone(), log.lane());
        let app = move |peer: &PeerInfo| Logged::new(files.clone(), lane.clone(), peer);
        Http1::per_connection(app).config(config.clone())
    })
}

fn start_diagnostics(options: &Options) {
    tracing_subscriber::fmt()
        .with_max_level(options.verbosity.unwrap_or_default().filter())
        .with_target(false)
        .with_writer(io::stderr)
        .init();
}

fn open_folder(root: &Path, options: &Options) -> Result<StaticFiles, Failure> {
    StaticFiles::new(root, lowering::static_files_config(options))
        .map_err(|error| Failure::system(format!("cannot serve {}", root.display()), error))
}

fn write_pid(path: &Path) -> Result<PidFile, Failure> {
    PidFile::create(path)
        .map_err(|error| Failure::system(format!("cannot write {}", path.display()), error))
}

fn start_log(options: &Options) -> Result<Option<AccessLog>, Failure> {
    let format = options.log_format.unwrap_or_default();
    options
        .access_log
        .unwrap_or_default()
        .then(|| AccessLog::start(format, io::stdout()))
        .transpose()
        .map_err(|error| Failure::system("cannot start the access log", error))
}

/// Writes a line to standard output. Nobody may be listening there, which is no reason to stop.
fn tell(line: &str) {
    drop(writeln!(io::stdout(), "{line}"));
}
