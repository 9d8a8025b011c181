//! The endpoint: `/metrics`, `/healthz` and `/readyz`.
//!
//! Promises: one thread serves at most 16 connections, each for at most 5 seconds; further clients wait in the system's
//! queue. When no connection can be accepted, as without free file descriptors, it tries again every 100 ms. Dropping
//! the server ends the thread at once, whatever its clients do.
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

use ringseal::{Engine, warn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::connection::{Connection, Request, Response, State};
use crate::events::EventMetrics;
use crate::text::TextFormat;

/// The most connections at a time.
const CONNECTIONS_MAX: usize = 16;
/// The time of a connection.
const CONNECTION_TIME: Duration = Duration::from_secs(5);
/// The time until accepting is tried again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The longest wait: a stop whose datagram is lost is seen then.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Where a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerConfig {
    address: SocketAddr,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig { address: (Ipv4Addr::LOCALHOST, 9090).into() }
    }
}

impl ServerConfig {
    /// Port 9090 of the loopback interface. Prometheus itself listens there by default as well.
    pub fn new() -> ServerConfig {
        ServerConfig::default()
    }

    /// The port; 0 lets the system choose one.
    #[must_use]
    pub fn port(mut self, port: u16) -> ServerConfig {
        self.address.set_port(port);
        self
    }

    /// The address. Everyone who can reach it can read the metrics: there is no authentication.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> ServerConfig {
        self.address.set_ip(address);
        self
    }
}

/// Why a server cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The port is in use.
    Taken {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The thread or its socket for waking cannot be made.
    Thread(io::Error),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerError::Taken { address, .. } => write!(
                f,
                "{address} is in use, perhaps by Prometheus itself, whose default port is 9090; choose another port"
            ),
            ServerError::Listen { address, source } => {
                write!(f, "cannot listen on {address}: {source}; choose an address of this machine")
            }
            ServerError::Thread(source) => {
                write!(f, "cannot start the thread of the metrics endpoint: {source}")
            }
        }
    }
}

impl std::error::Error for ServerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ServerError::Taken { source, .. } => Some(source),
            // Display has them.
            ServerError::Listen { .. } | ServerError::Thread(_) => None,
        }
    }
}

/// Starts a server on a port of the loopback interface: [`Server::start`] in short.
pub fn start_metrics_server(
    engine: &Engine,
    metrics: &EventMetrics,
    port: u16,
) -> Result<Server, ServerError> {
    Server::start(engine, metrics, ServerConfig::new().port(port))
}

/// A running endpoint. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    is_stopped: Arc<AtomicBool>,
    wake: UdpSocket,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens and starts the thread.
    pub fn start(
        engine: &Engine,
        metrics: &EventMetrics,
        config: ServerConfig,
    ) -> Result<Server, ServerError> {
        let address = config.address;
        let listener = TcpListener::bind(address).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ServerError::Taken { address, source },
            _ => ServerError::Listen { address, source },
        })?;
        let started = (|| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            // A socket that sends to itself wakes the thread on every system, and needs no descriptor at the stop.
            let wake = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            wake.connect(wake.local_addr()?)?;
            wake.set_nonblocking(true)?;
            let is_stopped = Arc::new(AtomicBool::new(false));
            let serving = Serving {
                listener,
                wake: wake.try_clone()?,
                is_stopped: Arc::clone(&is_stopped),
                engine: engine.clone(),
                metrics: metrics.clone(),
                connections: Vec::with_capacity(CONNECTIONS_MAX),
                accept_at: None,
            };
            let thread = thread::Builder::new().name("ringseal-metrics".into());
            let thread = Some(thread.spawn(move || serving.run())?);
            Ok(Server { address, is_stopped, wake, thread })
        })();
        started.map_err(ServerError::Thread)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // ORDER: release pairs with the acquire load of `run`.
        self.is_stopped.store(true, Ordering::Release);
        // Without it, the thread looks after a second.
        let _ = self.wake.send(&[0]);
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook.
            let _ = thread.join();
        }
    }
}

/// The thread's state.
struct Serving {
    listener: TcpListener,
    wake: UdpSocket,
    is_stopped: Arc<AtomicBool>,
    engine: Engine,
    metrics: EventMetrics,
    connections: Vec<Connection>,
    /// When accepting is tried again, after it failed.
    accept_at: Option<Instant>,
}

impl Serving {
    fn run(mut self) {
        // ORDER: acquire pairs with the release store of the stop.
        while !self.is_stopped.load(Ordering::Acquire) {
            let now = Instant::now();
            if self.accept_at.is_some_and(|at| at <= now) {
                self.accept_at = None;
            }
            self.wait(now);
            let _ = self.wake.recv(&mut [0; 8]);
            self.serve();
            if self.accept_at.is_none() {
                self.accept();
            }
        }
    }

    /// Waits until a socket is ready or a deadline has passed.
    fn wait(&self, now: Instant) {
        let accepts = self.accept_at.is_none() && self.connections.len() < CONNECTIONS_MAX;
        let mut sockets = Vec::with_capacity(CONNECTIONS_MAX + 2);
        sockets.push(PollFd::new(&self.wake, PollFlags::IN));
        if accepts {
            sockets.push(PollFd::new(&self.listener, PollFlags::IN));
        }
        for connection in &self.connections {
            let flags = match connection.state {
                State::Writing => PollFlags::OUT,
                _ => PollFlags::IN,
            };
            sockets.push(PollFd::new(&connection.stream, flags));
        }
        let deadlines = self.connections.iter().map(|connection| connection.deadline);
        let next = deadlines.chain(self.accept_at).min();
        let wait = next.map_or(WAIT_MAX, |at| at.saturating_duration_since(now).min(WAIT_MAX));
        let timeout = Timespec {
            tv_sec: wait.as_secs() as _,
            // Rounded up, so that a deadline has passed afterwards.
            tv_nsec: (wait.subsec_nanos().saturating_add(1_000_000)).min(999_999_999) as _,
        };
        // An interrupted wait is a short one.
        if let Err(error) = poll(&mut sockets, Some(&timeout))
            && error != rustix::io::Errno::INTR
        {
            // Should not happen; it must not spin.
            thread::sleep(ACCEPT_PAUSE);
        }
    }

    fn serve(&mut self) {
        let Self { connections, engine, metrics, .. } = self;
        for connection in connections.iter_mut() {
            connection.turn(&mut |request| answer(request, engine, metrics));
        }
        let now = Instant::now();
        connections.retain(|one| one.state != State::Done && one.deadline > now);
    }

    fn accept(&mut self) {
        while self.connections.len() < CONNECTIONS_MAX {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let deadline = Instant::now() + CONNECTION_TIME;
                    // A connection that cannot be used is closed.
                    self.connections.extend(Connection::new(stream, deadline));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.accept_at = Some(Instant::now() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }
}

fn answer(request: &Request, engine: &Engine, metrics: &EventMetrics) -> Response {
    match &*request.path {
        "/metrics" => {
            report_overflows(engine, metrics);
            let format = TextFormat::accepted(&request.accept);
            let body = crate::render(engine, metrics, format);
            Response { status: 200, content_type: format.content_type(), body }
        }
        "/healthz" => Response::line(200, "ok"),
        "/readyz" => match problem(engine) {
            None => Response::line(200, "ok"),
            Some(problem) => Response::line(503, &problem),
        },
        _ => Response::line(404, "expected /metrics, /healthz or /readyz"),
    }
}

/// Why the engine cannot write.
fn problem(engine: &Engine) -> Option<String> {
    let sinks = engine.metrics().sinks;
    let failing = sinks.iter().position(|sink| !sink.is_healthy);
    #[cfg(feature = "audit")]
    if engine.audit().is_some_and(|audit| !audit.health().is_healthy()) {
        return Some("the audit log cannot be written".to_owned());
    }
    failing.map(|index| format!("sink {index} fails"))
}

/// Reports metrics that share a series since the last scrape.
fn report_overflows(engine: &Engine, metrics: &EventMetrics) {
    for (metric, series) in metrics.take_new_overflows() {
        warn!(engine, "ringseal.metrics_overflow", metric, series);
    }
}
