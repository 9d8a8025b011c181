//! How an exchange of a request and its response has ended, and its level.
use std::net::IpAddr;
use std::time::Duration;

use http::{Method, StatusCode};
use ringseal::Level;

/// How an exchange has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The response was sent to its last byte, or passed on whole to what sends it.
    Completed,
    /// The connection was handed to another protocol; what happens on it then is not part of the exchange.
    Upgraded,
    /// The future of the response was dropped before the response, or its body before its end: the client has closed
    /// the connection or reset the stream, or a time limit has passed.
    ClientClosed,
    /// The service has returned an error in place of a response.
    HandlerError,
    /// The body has ended with an error.
    BodyError,
    /// The handler or the body has panicked.
    Panicked,
}

impl Outcome {
    /// The word in the field `outcome`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::Upgraded => "upgraded",
            Outcome::ClientClosed => "client_closed",
            Outcome::HandlerError => "handler_error",
            Outcome::BodyError => "body_error",
            Outcome::Panicked => "panicked",
        }
    }

    /// Whether the exchange has ended as it should.
    pub(crate) const fn is_regular(self) -> bool {
        matches!(self, Outcome::Completed | Outcome::Upgraded)
    }
}

/// An exchange that has ended, for [`HttpLayer::on_end`](crate::HttpLayer::on_end) and
/// [`HttpLayer::level`](crate::HttpLayer::level).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The template of the route, such as `/orders/{id}`: a label for metrics, unlike `path`. `None` if no route was
    /// reported.
    pub route: Option<&'a str>,
    /// The path, without the query.
    pub path: &'a str,
    /// The status that was sent; 499 if the client had closed the connection before; `None` if the service has returned
    /// an error.
    pub status: Option<StatusCode>,
    /// How it has ended.
    pub outcome: Outcome,
    /// From the request to its end.
    pub duration: Duration,
    /// From the request to the head of the response.
    pub time_to_first_byte: Option<Duration>,
    /// Bytes of the request's body that the handler has read.
    pub bytes_in: u64,
    /// Bytes of the response's body that were passed on.
    pub bytes_out: u64,
    /// The client, as far as trusted proxies report it.
    pub client: Option<IpAddr>,
    /// The id of the request.
    pub request_id: &'a str,
}

impl Ended<'_> {
    /// The level of the access event unless the layer has another rule: error for statuses from 500, errors and
    /// panics; warn for other statuses from 400, and if the client has closed the connection; info for all others.
    pub fn default_level(&self) -> Level {
        let status = self.status.map_or(0, |status| status.as_u16());
        match self.outcome {
            Outcome::HandlerError | Outcome::BodyError | Outcome::Panicked => Level::Error,
            _ if status >= 500 => Level::Error,
            Outcome::ClientClosed => Level::Warn,
            _ if status >= 400 => Level::Warn,
            _ => Level::Info,
        }
    }

    /// Whether nothing went wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.outcome.is_regular() && self.status.is_some_and(|status| status.as_u16() < 400)
    }
}

/// The status of a request whose client has left before the response.
pub(crate) fn client_closed() -> Option<StatusCode> {
    StatusCode::from_u16(499).ok()
}
