//! The client: settings, the pool of idle connections, and one request from lookup to the last byte of its response.
//!
//! Promises: blocks until the deadline at most. Memory is bounded by the limits of head and body. A connection is used
//! again only after a complete response and nothing after it. Redirects are not followed; proxies are not used.
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustls::ClientConfig;

use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::error::{Error, SetupError};
use crate::exchange::Exchange;
use crate::origin::Origin;
use crate::request::Request;
use crate::response::Response;
use crate::tls;

/// The settings of a [`Client`].
#[derive(Debug, Clone)]
pub struct Limits {
    /// The time for a request, from the lookup to the last byte of the response. 30 s by default, at most a day.
    pub timeout: Duration,
    /// The part of it for lookup, connecting and the TLS handshake. 10 s by default.
    pub connect_timeout: Duration,
    /// Most bytes of a response's head, with the interim ones before it. 16 KiB by default.
    pub head_bytes_max: usize,
    /// Most bytes of a response's body. 1 MiB by default.
    pub body_bytes_max: usize,
    /// Most idle connections. 4 by default.
    pub idle_max: usize,
    /// How long an idle connection is kept. 15 s by default: less than servers and balancers keep it.
    pub idle_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            head_bytes_max: 16 * 1024,
            body_bytes_max: 1 << 20,
            idle_max: 4,
            idle_time: Duration::from_secs(15),
        }
    }
}

struct Idle {
    origin: Origin,
    connection: Connection,
    since: Instant,
}

/// A blocking HTTP/1.1 client. Any number of threads can use one at once.
pub struct Client {
    limits: Limits,
    /// Set when built with a file, or by the first connection that needs the system's roots.
    tls: OnceLock<Result<Arc<ClientConfig>, String>>,
    idle: Mutex<Vec<Idle>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that trusts the roots of the system, which are read by its first connection with TLS.
    pub fn new(limits: Limits) -> Client {
        Client { limits, tls: OnceLock::new(), idle: Mutex::new(Vec::new()) }
    }

    /// A client that trusts only the authorities in this PEM file.
    ///
    /// # Errors
    /// If the file cannot be read or has no valid certificate.
    pub fn with_ca_file(limits: Limits, path: impl AsRef<Path>) -> Result<Client, SetupError> {
        let client = Client::new(limits);
        // The cell is empty.
        let _ = client.tls.set(Ok(tls::from_file(path.as_ref())?));
        Ok(client)
    }

    /// Sends a request and reads its response. Any status is a response, not an error.
    ///
    /// If an idle connection turns out to be closed before a byte of the response, the request is sent once more on a
    /// new one, if it is idempotent or [`Request::repeatable`].
    ///
    /// # Errors
    /// Why there is no response; [`Error::may_have_been_processed`] says whether the server may have acted on it.
    pub fn send(&self, origin: &Origin, request: &Request<'_>) -> Result<Response, Error> {
        let deadline = Deadline::after(self.limits.timeout);
        if let Some(connection) = self.take(origin) {
            let mut exchange = self.exchange(origin, deadline);
            match exchange.run(connection, request) {
                Ok((response, connection)) => return Ok(self.done(origin, response, connection)),
                Err(error) => {
                    let is_stale = !exchange.has_response && !error.is_timeout();
                    if !is_stale || !request.may_be_repeated() {
                        return Err(error);
                    }
                }
            }
        }
        let mut exchange = self.exchange(origin, deadline);
        let until = deadline.or(Deadline::after(self.limits.connect_timeout));
        let connection =
            exchange.connect(until, || self.tls.get_or_init(tls::from_system).clone())?;
        let (response, connection) = exchange.run(connection, request)?;
        Ok(self.done(origin, response, connection))
    }

    /// Closes all idle connections.
    pub fn close_idle(&self) {
        self.idle.lock().clear();
    }

    fn exchange<'a>(&'a self, origin: &'a Origin, deadline: Deadline) -> Exchange<'a> {
        Exchange::new(origin, &self.limits, deadline)
    }

    /// An idle connection to this server that looks usable; closes those that are too old.
    fn take(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let mut idle = self.idle.lock();
            idle.retain(|each| each.since.elapsed() < self.limits.idle_time);
            let at = idle.iter().rposition(|each| each.origin == *origin)?;
            let mut connection = idle.remove(at).connection;
            drop(idle);
            if connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    fn done(
        &self,
        origin: &Origin,
        response: Response,
        connection: Option<Connection>,
    ) -> Response {
        let connection = connection.and_then(|mut kept| kept.is_quiet().then_some(kept));
        if let Some(connection) = connection {
            let mut idle = self.idle.lock();
            if idle.len() < self.limits.idle_max {
                idle.push(Idle { origin: origin.clone(), connection, since: Instant::now() });
            }
        }
        response
    }
}
