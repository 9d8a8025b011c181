//! One connection: a request's head in, a response out, then the rest of the client's bytes are discarded.
//!
//! Promises: never blocks; a head has at most 8 KiB; nothing of a request is kept beyond it. After a response the
//! connection is closed, so that a client needs no other connection to be answered.
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

/// The most bytes of a request's head.
pub(crate) const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Header fields of a request.
const FIELDS_MAX: usize = 64;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) accept: String,
}

/// A response without its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Response {
    /// A line of text.
    pub(crate) fn line(status: u16, text: &str) -> Response {
        let content_type = "text/plain; charset=utf-8";
        Response { status, content_type, body: format!("{text}\n") }
    }

    /// The bytes to send. The answer to `HEAD` has the head of the answer to `GET` and no body.
    fn bytes(&self, is_head: bool) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            431 => "Request Header Fields Too Large",
            _ => "Service Unavailable",
        };
        let allow = if self.status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
        let Response { status, content_type, body } = self;
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{allow}\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let mut bytes = head.into_bytes();
        if !is_head {
            bytes.extend_from_slice(body.as_bytes());
        }
        bytes
    }
}

/// What a head says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// More bytes are needed.
    Partial,
    Request(Request),
    Refused(Response),
}

/// Reads a request's head.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Parsed::Partial,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Parsed::Refused(Response::line(
                431,
                "expected a head of at most 8 KiB and 64 fields",
            ));
        }
        Err(error) => {
            let text = format!("expected a request of HTTP/1.1: {error}");
            return Parsed::Refused(Response::line(400, &text));
        }
    }
    if !matches!(request.method, Some("GET" | "HEAD")) {
        return Parsed::Refused(Response::line(405, "expected GET or HEAD"));
    }
    let target = request.path.unwrap_or_default();
    let path = target.split(['?', '#']).next().unwrap_or_default().to_owned();
    let accepts = request.headers.iter().filter(|it| it.name.eq_ignore_ascii_case("accept"));
    let accepts: Vec<_> = accepts.map(|it| String::from_utf8_lossy(it.value)).collect();
    Parsed::Request(Request { path, accept: accepts.join(",") })
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Reading,
    Writing,
    /// The response is sent; what the client still sends is discarded, or it could lose the response.
    Discarding,
    Done,
}

/// A client.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    /// It is closed then, whatever it waits for.
    pub(crate) deadline: Instant,
    pub(crate) state: State,
    head: Vec<u8>,
    response: Vec<u8>,
    sent: usize,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, deadline: Instant) -> io::Result<Connection> {
        stream.set_nonblocking(true)?;
        let (head, response) = (Vec::new(), Vec::new());
        Ok(Connection { stream, deadline, state: State::Reading, head, response, sent: 0 })
    }

    /// Does what can be done without waiting.
    pub(crate) fn turn(&mut self, answer: &mut dyn FnMut(&Request) -> Response) {
        let result = match self.state {
            State::Reading => self.read(answer),
            State::Writing => self.write(),
            State::Discarding => self.discard(),
            State::Done => Ok(()),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.state = State::Done,
            Ok(()) => {}
        }
    }

    fn read(&mut self, answer: &mut dyn FnMut(&Request) -> Response) -> io::Result<()> {
        let mut bytes = [0; HEAD_BYTES_MAX];
        let room = HEAD_BYTES_MAX - self.head.len();
        match self.stream.read(&mut bytes[..room])? {
            0 => self.state = State::Done,
            count => self.head.extend_from_slice(&bytes[..count]),
        }
        let response = match parse(&self.head) {
            Parsed::Partial => return Ok(()),
            Parsed::Request(request) => answer(&request),
            Parsed::Refused(response) => response,
        };
        self.response = response.bytes(self.head.starts_with(b"HEAD "));
        self.state = State::Writing;
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        while self.sent < self.response.len() {
            match self.stream.write(&self.response[self.sent..])? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.sent += count,
            }
        }
        self.response = Vec::new();
        self.stream.shutdown(Shutdown::Write)?;
        self.state = State::Discarding;
        self.discard()
    }

    fn discard(&mut self) -> io::Result<()> {
        let mut bytes = [0; HEAD_BYTES_MAX];
        // Once per turn, so that no client keeps the thread.
        if self.stream.read(&mut bytes)? == 0 {
            self.state = State::Done;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(bytes: &[u8]) -> u16 {
        match parse(bytes) {
            Parsed::Partial => 0,
            Parsed::Request(_) => 200,
            Parsed::Refused(response) => response.status,
        }
    }

    #[test]
    fn heads_are_checked() {
        let long = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'x'; HEAD_BYTES_MAX]].concat();
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(65));
        for (bytes, expected) in [
            (&b"GET /metrics HTTP/1.1\r\n\r\n"[..], 200),
            (b"HEAD /metrics HTTP/1.0\r\n\r\n", 200),
            (b"GET /metrics HTTP/1.1\r\n", 0),
            (b"", 0),
            (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
            (b"\x16\x03\x01 hello", 400),
            (b"GET /metrics HTTP/9\r\n\r\n", 400),
            (&long[..HEAD_BYTES_MAX], 431),
            (many.as_bytes(), 431),
        ] {
            assert_eq!(status(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn fields_are_found() {
        let head = b"GET /metrics?name=x HTTP/1.1\r\nACCEPT: a;q=1\r\nAccept: b\r\n\r\n";
        let expected = Request { path: "/metrics".into(), accept: "a;q=1,b".into() };
        assert_eq!(parse(head), Parsed::Request(expected));
    }
}
