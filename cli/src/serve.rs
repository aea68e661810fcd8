//! Puts the parts together and runs them until a signal comes.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;

use astatine_http1::Http1;
use astatine_http1::layer::access_log::AccessLog;
use astatine_reactor::proxy_protocol::ProxyProtocolLayer;
use astatine_reactor::{Address, Bind, Connection, Inherited, PeerInfo, Phase, Server, Shutdown};
use astatine_static_files::{Config, StaticFiles};
use astatine_templates::Watch;
use tower_layer::Layer;
use tower_service::Service;

use crate::demo::Demo;
use crate::failure::Failure;
use crate::from_heads::FromHeads;
use crate::hub::{self, Hub, Key, Paths};
use crate::layers::Layers;
use crate::notify_socket::NotifySocket;
use crate::options::Options;
use crate::pages::{Browsers, Pages, PagesLayer, ReloadLayer};
use crate::pid_file::PidFile;
use crate::settings::Settings;
use crate::site::Site;
use crate::{demo, descriptors, idle, listen, lowering, ready, variables};

/// Serves until a signal ends it.
///
/// # Errors
///
/// The folder, an address or a file cannot be used, or the server ends by itself.
pub(crate) fn serve(settings: Settings) -> Result<(), Failure> {
    start_diagnostics(&settings.options);
    variables::warn_of_unknown();
    variables::warn_of_absent(settings.options.live.is_some());
    let prepared = Prepared::new(&settings)?;
    if settings.options.port.is_none() && idle::takes_port(&settings.options) {
        variables::warn_of_service_link(&prepared.binds);
    }
    prepared.run(&settings.options)
}

/// Does all of [`serve`] that comes before it listens.
///
/// # Errors
///
/// The folder or a file cannot be used.
pub(crate) fn check(settings: Settings) -> Result<(), Failure> {
    start_diagnostics(&settings.options);
    Prepared::new(&settings).map(drop)
}

/// All that can fail before the server listens.
struct Prepared {
    server: Server,
    binds: Vec<Bind>,
    site: Site,
    pages: Option<Arc<Pages>>,
    browsers: Option<Browsers>,
    hub: Option<Hub>,
}

impl Prepared {
    fn new(settings: &Settings) -> Result<Self, Failure> {
        settings.warn_of_idle();
        let options = &settings.options;
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let n_threads = lowering::n_threads(options.threads, cores);
        let mut config = lowering::reactor_config(options);
        let mut files_config = lowering::static_files_config(options);
        let limit = descriptors::limit();
        descriptors::share(limit, n_threads, &mut config, &mut files_config);
        let site = open_site(options, files_config)
            .map_err(|failure| settings.blame(|o| o.www.clone(), failure))?;
        let inherited = Inherited::from_env().map_err(|error| Failure::Usage(error.to_string()))?;
        let binds = lowering::binds(options, &inherited);
        listen::warn_of_unserved(&inherited, &binds);
        if matches!(site, Site::Demo(_)) && !binds.iter().all(demo::is_local) {
            let failure = "--demo lets everybody in, so it listens on the loopback alone: give \
                           --bind an address as 127.0.0.1";
            return Err(
                settings.blame(|o| (o.demo, o.bind.clone()), Failure::Usage(failure.into()))
            );
        }
        let server = Server::new(config).threads(n_threads).inherit(inherited);
        let browsers = options.watch.unwrap_or_default();
        let browsers = browsers.then(|| Browsers::new(server.shutdown_token()));
        let pages = open_pages(options, browsers.clone())
            .map_err(|failure| settings.blame(|o| o.templates.clone(), failure))?;
        let key = |o: &Options| (o.live_key.clone(), o.live_secret.clone());
        let hub = open_hub(options).map_err(|failure| settings.blame(key, failure))?;
        Ok(Self {
            server,
            binds,
            site,
            pages,
            browsers,
            hub,
        })
    }

    fn run(self, options: &Options) -> Result<(), Failure> {
        let mut server = self.server;
        let _watches = (
            self.pages.as_ref().and_then(Pages::watch),
            options
                .www
                .as_deref()
                .zip(self.browsers.clone())
                .and_then(|(root, browsers)| watch(root, browsers)),
        );
        let pages = self.pages.map(PagesLayer);
        let reload = self.browsers.map(ReloadLayer);
        let log = start_log(options)?;
        let layers = lowering::layers(options, self.hub, pages, reload, log);
        let pid_file = Arc::new(OnceLock::new());
        let on_ready = OnReady {
            what: what_is_served(options),
            pid_path: options.pid.clone(),
            pid_file: Arc::clone(&pid_file),
            shutdown: server.shutdown_token(),
            manager: NotifySocket::from_env(),
        };
        server = server.on_ready(|addresses| on_ready.run(addresses));
        for bind in self.binds {
            server = listen(server, bind, options, &self.site, &layers);
        }
        let result = server.run();
        if let Some(log) = layers.log {
            log.close();
        }
        result.map_err(Failure::Server)?;
        // The server has let go of its share; with the file goes its removal.
        let pid_file = Arc::into_inner(pid_file).and_then(OnceLock::into_inner);
        pid_file.transpose().map(drop)
    }
}

/// What is done once the server is reached, and not before: a second server that finds its port
/// taken must not touch the first one's pid file.
struct OnReady {
    what: String,
    pid_path: Option<PathBuf>,
    pid_file: Arc<OnceLock<Result<PidFile, Failure>>>,
    shutdown: Shutdown,
    manager: Option<NotifySocket>,
}

impl OnReady {
    fn run(self, addresses: &[Address]) {
        if let Some(path) = &self.pid_path {
            let created = self.pid_file.get_or_init(|| write_pid(path));
            if created.is_err() {
                self.shutdown.advance(Phase::Cut);
                return;
            }
        }
        // Nobody may be reading it, which is no reason to stop.
        drop(writeln!(
            io::stdout(),
            "{}",
            ready::line(&self.what, addresses)
        ));
        if let Some(manager) = self.manager {
            manager.follow(&self.shutdown);
        }
    }
}

/// Adds one address to the server, with the layers around the files where there are any.
fn listen(server: Server, bind: Bind, options: &Options, site: &Site, layers: &Layers) -> Server {
    let config = lowering::http1_config(options);
    let proxy_protocol = lowering::proxy_protocol(options);
    let (site, layers) = (site.clone(), layers.clone());
    if let (Site::Files(files), true) = (&site, layers.is_empty()) {
        let files = files.clone();
        return behind(server, bind, proxy_protocol, move || {
            let app = FromHeads(files.clone().prewritten());
            Http1::new(app).with_heads().config(config.clone())
        });
    }
    behind(server, bind, proxy_protocol, move || {
        let (site, layers, lane) = (site.clone(), layers.clone(), layers.lane());
        if let (Site::Demo(demo), Some(hub)) = (&site, &layers.hub) {
            demo.feed(hub.channels());
        }
        let lane_of_refusals = lane.clone();
        let app = move |peer: &PeerInfo| layers.around(site.clone(), lane.as_ref(), peer);
        let http = Http1::per_connection(app).config(config.clone());
        match lane_of_refusals {
            Some(lane) => http.on_refusal(move |refusal| lane.log_refusal(refusal)),
            None => http,
        }
    })
}

/// Adds the service, behind the PROXY protocol where proxies speak it.
fn behind<M, S>(
    server: Server,
    bind: Bind,
    proxy_protocol: Option<ProxyProtocolLayer>,
    make: M,
) -> Server
where
    M: Fn() -> S + Send + Sync + 'static,
    S: Service<Connection, Response = (), Error = astatine_http1::Error> + Clone + 'static,
    S::Future: 'static,
{
    match proxy_protocol {
        Some(layer) => server.listen(bind, move || layer.layer(make())),
        None => server.listen(bind, make),
    }
}

fn start_diagnostics(options: &Options) {
    tracing_subscriber::fmt()
        .with_max_level(options.verbosity.unwrap_or_default().filter())
        .with_target(false)
        .with_writer(io::stderr)
        // It would tell of a failed write on standard error, and panic where that fails as well.
        .log_internal_errors(false)
        // The lines go to files, too; whoever is built along with us may have asked for colours.
        .with_ansi(false)
        .init();
}

fn open_site(options: &Options, config: Config) -> Result<Site, Failure> {
    let Some(root) = options.www.as_deref() else {
        let live = options.live.as_ref().map(Paths::live);
        let demo = live.filter(|_| options.demo == Some(true));
        return Ok(demo.map_or(Site::Nothing, |live| Site::Demo(Demo::new(live).into())));
    };
    if let Some(page) = options.spa.as_deref() {
        if !root.join(page.trim_start_matches('/')).is_file() {
            // It may come with the next deployment.
            tracing::warn!("the fallback page {page} is not in {}", root.display());
        }
    }
    let files = StaticFiles::new(root, config);
    // A folder that cannot be entered can be found all the same.
    files
        .and_then(|files| root.join(".").metadata().map(|_| Site::Files(files)))
        .map_err(|error| Failure::file("cannot serve", root, error))
}

/// Returns what the first line names: the folder, or what there is in its place.
fn what_is_served(options: &Options) -> String {
    let (root, templates) = (options.www.as_deref(), options.templates.as_deref());
    match (root, &options.live, templates) {
        (Some(folder), ..) | (None, None, Some(folder)) => folder.display().to_string(),
        (None, Some(_), _) if options.demo == Some(true) => "the demo".into(),
        (None, Some(paths), _) => format!("the hub {}", paths.live()),
        (None, None, None) => "nothing".into(),
    }
}

fn open_hub(options: &Options) -> Result<Option<Hub>, Failure> {
    let Some(paths) = &options.live else {
        return Ok(None);
    };
    let live = paths.live();
    let text = hub::key_text(options.live_key.as_deref(), options.live_secret.as_ref())?;
    let key = text.as_deref().map(Key::read).transpose();
    let key = key.map_err(|error| Failure::Usage(format!("the key of {live} is none: {error}")))?;
    match (options.live_open, &key) {
        (Some(true), _) => tracing::warn!("{live} is open: anybody may subscribe and publish"),
        (_, None) => {
            tracing::warn!("{live} lets nobody in: give --live-key, or --live-open for development")
        }
        _ => {}
    }
    let root = options.www.as_deref();
    let hidden = root.filter(|root| root.join(live.trim_start_matches('/')).exists());
    if let Some(root) = hidden {
        tracing::warn!(
            "{live} is the hub's, which hides what {} has there",
            root.display()
        );
    }
    lowering::set_budget(options);
    Ok(lowering::hub_config(options, key).map(Hub::new))
}

fn open_pages(
    options: &Options,
    browsers: Option<Browsers>,
) -> Result<Option<Arc<Pages>>, Failure> {
    let folder = options.templates.as_deref();
    let open = |folder| Pages::open(folder, &options.template_header, browsers).map(Arc::new);
    folder.map(open).transpose()
}

/// Has browsers load their pages again when a file changes, until the watch is dropped.
fn watch(root: &Path, browsers: Browsers) -> Option<Watch> {
    Watch::folder(root, move || browsers.reload())
        .inspect_err(|error| tracing::warn!("files are not watched: {error}"))
        .ok()
}

fn write_pid(path: &Path) -> Result<PidFile, Failure> {
    PidFile::create(path).map_err(|error| Failure::file("cannot write", path, error))
}

fn start_log(options: &Options) -> Result<Option<AccessLog>, Failure> {
    let format = options.log_format.map(Into::into).unwrap_or_default();
    // Not by io::stdout, which keeps a line that a full disk has torn, and cuts the next.
    let start = || {
        AccessLog::start(
            format,
            File::from(io::stdout().as_fd().try_clone_to_owned()?),
        )
    };
    options
        .access_log
        .unwrap_or_default()
        .then(start)
        .transpose()
        .map_err(|error| Failure::system("cannot start the access log", error))
}
