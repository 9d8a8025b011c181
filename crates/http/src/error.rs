//! Errors of requests. An error names the origin, the phase and the reason; it never contains a header value, a path, a
//! query or a byte of a body.
use std::fmt;
use std::io;
use std::time::Duration;

/// The step of a request that was in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Looking up the host's addresses.
    Lookup,
    /// Opening the TCP connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Sending the head and body of the request.
    Send,
    /// Waiting for the head of the response.
    Head,
    /// Reading the body of the response.
    Body,
}

impl Phase {
    /// The phase in words.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Lookup => "looking up the host",
            Phase::Connect => "connecting",
            Phase::Tls => "the TLS handshake",
            Phase::Send => "sending the request",
            Phase::Head => "waiting for the response",
            Phase::Body => "reading the response's body",
        }
    }
}

/// Why the server's certificate was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// No trusted authority has signed it.
    UnknownAuthority,
    /// It is for another name.
    WrongName,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It was revoked.
    Revoked,
    /// It is malformed, or unsuitable for a server.
    Other,
}

impl CertificateProblem {
    fn text(self) -> &'static str {
        match self {
            CertificateProblem::UnknownAuthority => {
                "no trusted authority has signed it (set the file of the authority's certificate)"
            }
            CertificateProblem::WrongName => "it is for another host name",
            CertificateProblem::Expired => "it has expired",
            CertificateProblem::NotYetValid => "it is not valid yet (check the clock)",
            CertificateProblem::Revoked => "it was revoked",
            CertificateProblem::Other => "it is malformed or not for a server",
        }
    }
}

/// The reason of an [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The host has no address, or the lookup failed.
    Lookup(io::Error),
    /// No address accepted the connection. The error is that of the last address.
    Connect(io::Error),
    /// The server's certificate was refused.
    Certificate(CertificateProblem),
    /// The TLS handshake failed for another reason.
    Tls(String),
    /// The deadline passed during [`Error::phase`].
    Timeout {
        /// The time allowed.
        allowed: Duration,
    },
    /// The connection failed or ended early.
    Io(io::Error),
    /// The response is not HTTP/1.1, or is ambiguous.
    BadResponse {
        /// The part that is wrong.
        found: &'static str,
    },
    /// The head or body of the response is longer than allowed.
    TooLarge {
        /// The most bytes allowed.
        max: usize,
    },
}

/// A request that has no response.
pub struct Error {
    kind: ErrorKind,
    phase: Phase,
    origin: String,
    is_sent: bool,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, phase: Phase, origin: &str, is_sent: bool) -> Error {
        Error { kind, phase, origin: origin.to_owned(), is_sent }
    }

    /// The reason.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The step that failed.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the server may have processed the request. If not, it can be repeated without a second effect.
    pub fn may_have_been_processed(&self) -> bool {
        self.is_sent
    }

    /// Whether the time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, ErrorKind::Timeout { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (origin, phase) = (&self.origin, self.phase.name());
        match &self.kind {
            ErrorKind::Lookup(error) => write!(f, "{origin}: cannot look up the host: {error}"),
            ErrorKind::Connect(error) => write!(f, "{origin}: cannot connect: {error}"),
            ErrorKind::Certificate(problem) => {
                write!(f, "{origin}: the server's certificate is refused: {}", problem.text())
            }
            ErrorKind::Tls(error) => write!(f, "{origin}: the TLS handshake failed: {error}"),
            ErrorKind::Timeout { allowed } => {
                write!(f, "{origin}: the time of {} ms was up while {phase}", allowed.as_millis())
            }
            ErrorKind::Io(error) => {
                write!(f, "{origin}: the connection failed while {phase}: {error}")
            }
            ErrorKind::BadResponse { found } => {
                write!(f, "{origin}: expected an HTTP/1.1 response, found {found}")
            }
            ErrorKind::TooLarge { max } => write!(
                f,
                "{origin}: expected a response of {max} bytes at most, found a longer one while {phase}"
            ),
        }
    }
}

ringseal_base::debug_by_message!(Error);

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            // Display shows the cause, so `source` skips it.
            ErrorKind::Lookup(error) | ErrorKind::Connect(error) | ErrorKind::Io(error) => {
                error.source()
            }
            _ => None,
        }
    }
}

/// A client, address or header that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The address is not `http://host[:port]` or `https://host[:port]`.
    Address {
        /// What was expected.
        expected: &'static str,
    },
    /// A method, path or header contains a character that HTTP does not allow there. Its value is not repeated.
    Request {
        /// The part of the request: `the path`, `the header x-a`.
        part: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A file of certificates cannot be used.
    Certificates {
        /// The file, or `the system`.
        file: String,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::Address { expected } => {
                write!(f, "the server's address: expected {expected}, found something else")
            }
            SetupError::Request { part, expected } => {
                write!(f, "{part}: expected {expected}, found something else")
            }
            SetupError::Certificates { file, problem } => {
                write!(f, "certificates of {file}: expected PEM certificates, found {problem}")
            }
        }
    }
}

impl std::error::Error for SetupError {}
