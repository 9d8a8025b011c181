//! One connection, with or without TLS, whose every step has a deadline.
//!
//! Promises: each read and write of the socket waits at most until the deadline, however few bytes arrive at a time.
//! Blocks until then. What was received is overwritten when the connection is dropped.
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use zeroize::Zeroizing;

use crate::deadline::Deadline;

/// Bytes that are read at once.
const READ_BYTES: usize = 8 * 1024;

/// A socket and its deadline.
struct Timed<'a> {
    tcp: &'a TcpStream,
    deadline: Deadline,
}

/// Systems report a passed timeout as one of two kinds.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.deadline.left()?))?;
        self.tcp.read(bytes).map_err(timed_out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.deadline.left()?))?;
        self.tcp.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An open connection.
pub(crate) struct Connection {
    tcp: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// Bytes that were received and not used yet.
    pub(crate) received: Zeroizing<Vec<u8>>,
}

impl Connection {
    /// Connects to the first address that accepts. Each address has its share of the time, so that one that does not
    /// answer leaves time for the others.
    pub(crate) fn open(addresses: &[SocketAddr], deadline: Deadline) -> io::Result<Connection> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for (at, address) in addresses.iter().enumerate() {
            let share = deadline.left()? / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
            match TcpStream::connect_timeout(address, share.max(Duration::from_micros(1))) {
                Ok(tcp) => {
                    // Requests are written as a whole.
                    tcp.set_nodelay(true)?;
                    let received = Zeroizing::new(Vec::with_capacity(2 * READ_BYTES));
                    return Ok(Connection { tcp, tls: None, received });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The TLS handshake.
    pub(crate) fn secure(
        &mut self,
        config: Arc<ClientConfig>,
        host: &str,
        deadline: Deadline,
    ) -> io::Result<()> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut socket = Timed { tcp: &self.tcp, deadline };
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let mut socket = Timed { tcp: &self.tcp, deadline };
        match &mut self.tls {
            None => socket.write_all(bytes),
            Some(tls) => {
                let mut stream = rustls::Stream::new(&mut **tls, &mut socket);
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }

    /// Waits for bytes and appends them to [`Connection::received`]; 0 at an orderly end.
    pub(crate) fn receive(&mut self, deadline: Deadline) -> io::Result<usize> {
        let len = self.received.len();
        reserve(&mut self.received, READ_BYTES);
        self.received.resize(len + READ_BYTES, 0);
        let mut socket = Timed { tcp: &self.tcp, deadline };
        let read = loop {
            let into = &mut self.received[len..];
            let read = match &mut self.tls {
                None => socket.read(into),
                Some(tls) => rustls::Stream::new(&mut **tls, &mut socket).read(into),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.received.truncate(len + read.as_ref().map_or(0, |read| *read));
        read
    }

    /// Drops the first bytes of what was received.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.received.drain(..bytes);
    }

    /// Whether nothing was received since the last response, and the server has not closed the connection. What arrives
    /// without a request belongs to none.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let has_plain = self.tls.as_mut().is_some_and(|tls| {
            !matches!(tls.reader().read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        });
        if has_plain || !self.received.is_empty() || self.tcp.set_nonblocking(true).is_err() {
            return false;
        }
        let peeked = self.tcp.peek(&mut [0]);
        let is_blocking = self.tcp.set_nonblocking(false).is_ok();
        is_blocking && matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A connection that the server has closed cannot be shut down again.
        let _ = self.tcp.shutdown(Shutdown::Both);
    }
}

/// Room for more bytes. A buffer that must move is overwritten at its old place.
pub(crate) fn reserve(bytes: &mut Zeroizing<Vec<u8>>, more: usize) {
    if bytes.capacity() - bytes.len() >= more {
        return;
    }
    let capacity = (bytes.len() + more).max(2 * bytes.capacity());
    let mut moved = Zeroizing::new(Vec::with_capacity(capacity));
    moved.extend_from_slice(bytes);
    *bytes = moved;
}
