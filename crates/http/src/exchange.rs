//! One request and its response on one connection.
//!
//! Promises: every step ends at the deadline. A connection is returned only after a complete response whose framing
//! allows another request.
use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use zeroize::Zeroizing;

use crate::chunked::{Decoder, Refused};
use crate::client::Limits;
use crate::connection::{Connection, reserve};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, Phase};
use crate::lookup;
use crate::origin::Origin;
use crate::request::Request;
use crate::response::{self, Framing, Head, Response};
use crate::tls;

/// The step at which a request is.
pub(crate) struct Exchange<'a> {
    origin: &'a Origin,
    limits: &'a Limits,
    deadline: Deadline,
    phase: Phase,
    is_sent: bool,
    /// Whether a byte of the response has arrived.
    pub(crate) has_response: bool,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(origin: &'a Origin, limits: &'a Limits, deadline: Deadline) -> Exchange<'a> {
        Exchange {
            origin,
            limits,
            deadline,
            phase: Phase::Lookup,
            is_sent: false,
            has_response: false,
        }
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.phase, &self.origin.to_string(), self.is_sent)
    }

    fn failed(
        &self,
        error: io::Error,
        deadline: Deadline,
        kind: fn(io::Error) -> ErrorKind,
    ) -> Error {
        match error.kind() {
            io::ErrorKind::TimedOut => self.error(ErrorKind::Timeout { allowed: deadline.allowed }),
            _ => self.error(kind(error)),
        }
    }

    /// Opens a connection.
    pub(crate) fn connect(
        &mut self,
        deadline: Deadline,
        config: impl FnOnce() -> Result<Arc<ClientConfig>, String>,
    ) -> Result<Connection, Error> {
        let (host, port) = (self.origin.host(), self.origin.port());
        let addresses = lookup::addresses(host, port, deadline);
        let addresses =
            addresses.map_err(|error| self.failed(error, deadline, ErrorKind::Lookup))?;
        self.phase = Phase::Connect;
        let connection = Connection::open(&addresses, deadline);
        let mut connection =
            connection.map_err(|error| self.failed(error, deadline, ErrorKind::Connect))?;
        if self.origin.is_tls() {
            self.phase = Phase::Tls;
            let config = config().map_err(|problem| self.error(ErrorKind::Tls(problem)))?;
            let secured = connection.secure(config, host, deadline);
            secured.map_err(|error| self.failed(error, deadline, tls::classify))?;
        }
        Ok(connection)
    }

    /// Sends the request and reads the response; also returns the connection if it can be used again.
    pub(crate) fn run(
        &mut self,
        mut connection: Connection,
        request: &Request<'_>,
    ) -> Result<(Response, Option<Connection>), Error> {
        self.phase = Phase::Send;
        self.is_sent = true;
        let sent = connection
            .write_all(&request.head(self.origin), self.deadline)
            .and_then(|()| connection.write_all(request.body_bytes(), self.deadline));
        if let Err(error) = sent {
            let error = self.failed(error, self.deadline, tls::classify);
            // A server may refuse a request before it has read all of it, and close: its answer says why.
            let is_refused = !error.is_timeout();
            let answer = is_refused.then(|| self.answer(&mut connection, request.is_head()));
            return answer.and_then(Result::ok).map(|(answer, _)| (answer, None)).ok_or(error);
        }
        let (response, is_kept) = self.answer(&mut connection, request.is_head())?;
        let is_kept = is_kept && connection.received.is_empty();
        Ok((response, is_kept.then_some(connection)))
    }

    fn answer(
        &mut self,
        connection: &mut Connection,
        is_head: bool,
    ) -> Result<(Response, bool), Error> {
        self.phase = Phase::Head;
        let head = self.head(connection, is_head)?;
        self.phase = Phase::Body;
        let body = self.body(connection, head.framing)?;
        let is_kept = head.is_kept;
        Ok((Response { head, body }, is_kept))
    }

    fn receive(&mut self, connection: &mut Connection) -> Result<usize, Error> {
        let read = connection.receive(self.deadline);
        let read = read.map_err(|error| self.failed(error, self.deadline, tls::classify))?;
        self.has_response |= read > 0;
        Ok(read)
    }

    /// The error of a connection that ends before the response.
    fn early_end(&self) -> Error {
        self.error(ErrorKind::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended early")))
    }

    /// The head of the final response, after interim ones.
    fn head(&mut self, connection: &mut Connection, is_head: bool) -> Result<Head, Error> {
        let max = self.limits.head_bytes_max;
        let mut used = 0;
        loop {
            let parsed = response::parse(&connection.received, is_head);
            match parsed.map_err(|found| self.error(ErrorKind::BadResponse { found }))? {
                Some((_, len)) if used + len > max => {
                    return Err(self.error(ErrorKind::TooLarge { max }));
                }
                Some((head, len)) => {
                    used += len;
                    connection.consume(len);
                    match head.status {
                        101 => {
                            let found = "a switch of protocols that was not asked for";
                            return Err(self.error(ErrorKind::BadResponse { found }));
                        }
                        100..200 => continue,
                        _ => return Ok(head),
                    }
                }
                None if used + connection.received.len() >= max => {
                    return Err(self.error(ErrorKind::TooLarge { max }));
                }
                None => {}
            }
            if self.receive(connection)? == 0 {
                return Err(self.early_end());
            }
        }
    }

    fn body(
        &mut self,
        connection: &mut Connection,
        framing: Framing,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        match framing {
            Framing::Length(len) => self.sized_body(connection, len),
            Framing::Chunked => self.chunked_body(connection),
            Framing::Close => self.unsized_body(connection),
        }
    }

    fn too_large(&self) -> Error {
        self.error(ErrorKind::TooLarge { max: self.limits.body_bytes_max })
    }

    fn sized_body(
        &mut self,
        connection: &mut Connection,
        len: u64,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let len = usize::try_from(len).ok().filter(|len| *len <= self.limits.body_bytes_max);
        let len = len.ok_or_else(|| self.too_large())?;
        let mut body = Zeroizing::new(Vec::new());
        loop {
            let take = connection.received.len().min(len - body.len());
            reserve(&mut body, take);
            body.extend_from_slice(&connection.received[..take]);
            connection.consume(take);
            if body.len() == len {
                return Ok(body);
            }
            if self.receive(connection)? == 0 {
                return Err(self.early_end());
            }
        }
    }

    fn chunked_body(&mut self, connection: &mut Connection) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (mut decoder, mut body) = (Decoder::new(), Zeroizing::new(Vec::new()));
        loop {
            reserve(&mut body, connection.received.len());
            let used = decoder.decode(&connection.received, &mut body, self.limits.body_bytes_max);
            let used = used.map_err(|refused| match refused {
                Refused::TooLarge => self.too_large(),
                Refused::Malformed(found) => self.error(ErrorKind::BadResponse { found }),
            })?;
            connection.consume(used);
            if decoder.is_done() {
                return Ok(body);
            }
            if self.receive(connection)? == 0 {
                return Err(self.early_end());
            }
        }
    }

    fn unsized_body(&mut self, connection: &mut Connection) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut body = Zeroizing::new(Vec::new());
        loop {
            let take = connection.received.len();
            if body.len() + take > self.limits.body_bytes_max {
                return Err(self.too_large());
            }
            reserve(&mut body, take);
            body.extend_from_slice(&connection.received);
            connection.consume(take);
            if self.receive(connection)? == 0 {
                return Ok(body);
            }
        }
    }
}
