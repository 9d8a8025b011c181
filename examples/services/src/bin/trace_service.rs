//! An HTTP service that continues the traces of its callers (W3C Trace Context), on the standard library alone.
//!
//! ```sh
//! cargo run -p ringseal-examples --bin trace_service -- 127.0.0.1:5000 trace.log
//! ```
//!
//! It is the service that the test suite of the specification drives: the body of a request is a JSON list of
//! `{"url": …, "arguments": …}`; the service sends the arguments to each URL by POST, with the headers of the trace.
//! Each line that it logs has the ids of its request. A connection serves one request.
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use ringseal::trace_context::{Propagation, RequestIds, TraceContext, Trust};
use ringseal::{Config, Context, Start, fields, info, since, warn};
use serde::Deserialize;
use serde_json::Value;

const USAGE: &str = "usage: trace_service ADDRESS LOG_FILE";

/// Limits of a request.
const LINE_BYTES_MAX: u64 = 32 << 10;
const HEADERS_MAX: usize = 200;
const BODY_BYTES_MAX: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);

type Failure = Box<dyn Error + Send + Sync>;

/// What is the same for all requests.
struct Service {
    propagation: Propagation,
    request_ids: RequestIds,
}

/// A request or a response. Values of headers are bytes, because callers send what they like.
struct Message {
    /// `POST /test HTTP/1.1`, or the status line.
    first_line: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// A call that the service is asked to make.
#[derive(Deserialize)]
struct Call {
    url: String,
    #[serde(default)]
    arguments: Value,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (address, path) = (arguments.next().ok_or(USAGE)?, arguments.next().ok_or(USAGE)?);
    let _engine = ringseal::init(Config::new().file(path))?;
    let trust = Trust::from_networks(["127.0.0.0/8", "::1"])?;
    let service = Arc::new(Service {
        propagation: Propagation::new().trust(trust),
        request_ids: RequestIds::new(),
    });
    let listener = TcpListener::bind(&address)?;
    let address = listener.local_addr()?;
    info!("service_started", server.address = %address);
    writeln!(io::stdout(), "listening on {address}")?;
    for connection in listener.incoming() {
        let service = Arc::clone(&service);
        let served = connection
            .and_then(|stream| std::thread::Builder::new().spawn(move || service.serve(stream)));
        if let Err(error) = served {
            warn!("connection_failed", error = &error);
        }
    }
    Ok(())
}

impl Service {
    fn serve(&self, mut stream: TcpStream) {
        if let Err(error) = self.answer(&mut stream) {
            warn!("request_failed", error = error);
            let _ = respond(&mut stream, "400 Bad Request", &error.to_string());
        }
    }

    /// Reads a request, and handles it in the scope of its trace and its id.
    fn answer(&self, stream: &mut TcpStream) -> Result<(), Failure> {
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let request = Message::read(stream)?;
        let trace = self.propagation.receive(&request.headers, Some(stream.peer_addr()?.ip()));
        let request_id = self.request_ids.of_request(&request.headers);
        let context = Context::new().with(fields! { request_id = request_id.as_str() });
        context.with_trace(&trace).run(|| {
            if let Some(fault) = trace.fault() {
                warn!("trace_header_ignored", reason = %fault);
            }
            let start = Start::now();
            let calls = make_calls(&request, &trace)?;
            info!("request_finished", calls, duration_ms = since(start));
            Ok(respond(stream, "200 OK", "")?)
        })
    }
}

/// Makes the calls that the request asks for; returns how many.
fn make_calls(request: &Message, trace: &TraceContext<'_>) -> Result<usize, Failure> {
    let calls: Vec<Call> = serde_json::from_slice(&request.body)?;
    for call in &calls {
        let status = post(call, trace)?;
        info!("call_finished", url.full = call.url.as_str(), status = status.as_str());
    }
    Ok(calls.len())
}

/// Sends a POST request with the headers of the trace; returns the status line.
fn post(call: &Call, trace: &TraceContext<'_>) -> Result<String, Failure> {
    let unexpected = || format!("expected http://HOST/PATH, found {:?}", call.url);
    let (host, path) = call
        .url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(unexpected)?;
    let body = serde_json::to_string(&call.arguments)?;
    let mut head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n",
        body.len()
    );
    for (name, value) in trace.outgoing().iter() {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
    Ok(Message::read(&mut stream)?.first_line)
}

fn respond(stream: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    let body = serde_json::to_string(text)?;
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes())
}

impl Message {
    /// Reads a message with a body of known length.
    fn read(stream: &mut TcpStream) -> Result<Message, Failure> {
        let mut reader = BufReader::new(stream);
        let first_line = String::from_utf8(read_line(&mut reader)?)?;
        let mut headers = Vec::new();
        loop {
            let line = read_line(&mut reader)?;
            if line.is_empty() {
                break;
            }
            if headers.len() == HEADERS_MAX {
                return Err(format!("expected at most {HEADERS_MAX} headers").into());
            }
            let colon = line.iter().position(|byte| *byte == b':');
            let colon = colon.ok_or("expected a header with a colon")?;
            let name = str::from_utf8(&line[..colon])?.to_owned();
            headers.push((name, line[colon + 1..].to_vec()));
        }
        let mut message = Message { first_line, headers, body: Vec::new() };
        message.body = vec![0; message.body_bytes()?];
        reader.read_exact(&mut message.body)?;
        Ok(message)
    }

    /// The length of the body: a header `content-length`, or nothing.
    fn body_bytes(&self) -> Result<usize, Failure> {
        let is_length = |name: &str| name.eq_ignore_ascii_case("content-length");
        let length = self.headers.iter().find(|(name, _)| is_length(name));
        let Some((_, value)) = length else { return Ok(0) };
        match str::from_utf8(value)?.trim().parse()? {
            bytes @ ..=BODY_BYTES_MAX => Ok(bytes),
            bytes => Err(format!("expected at most {BODY_BYTES_MAX} bytes, found {bytes}").into()),
        }
    }
}

/// The next line, without its end.
fn read_line(reader: &mut impl BufRead) -> Result<Vec<u8>, Failure> {
    let mut line = Vec::new();
    reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\n") {
        Some(text) => Ok(text.strip_suffix(b"\r").unwrap_or(text).to_vec()),
        None => Err(format!("expected a line of at most {LINE_BYTES_MAX} bytes").into()),
    }
}
