//! Requests over loopback: axum's server on one thread of one core, with what the candidate starts, and a generator of
//! load on the other core, with connections that stay open. Each request has an id, which names it; its response must
//! have the same id and the order that it has asked for.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use axum::serve::ListenerExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::stack::{Stack, Started, opentelemetry_layer, ringseal_layer, tower_http_layers};
use crate::{Measured, sys};

/// Connections, each with one request at a time.
const CONNECTIONS: usize = 64;

/// A run that takes longer has failed.
const TIME_MAX: Duration = Duration::from_secs(300);

/// The most bytes of a response.
const RESPONSE_BYTES_MAX: usize = 1024;

async fn order(Path(order): Path<u64>) -> String {
    format!("order {order}")
}

/// The service with the layer of a candidate.
fn router(stack: Stack, started: &Started) -> Result<Router, String> {
    let router = Router::new().route("/orders/{order}", get(order));
    match (stack, started) {
        (Stack::Bare, _) => Ok(router),
        (Stack::Ringseal, Started::Ringseal(engine)) => Ok(router.layer(ringseal_layer(engine))),
        (Stack::TowerHttp, _) => Ok(router.layer(tower_http_layers())),
        (Stack::OpenTelemetry, _) => Ok(router.layer(opentelemetry_layer())),
        (Stack::Ringseal, _) => Err("ringseal was not started".to_owned()),
    }
}

/// Measures a candidate with this number of requests, after a tenth of it.
pub fn measure(stack: Stack, started: &Started, requests: u64) -> Result<Measured, String> {
    // On the core of this thread, with what the candidate has started.
    let server = Server::start(router(stack, started)?)?;
    sys::pin(sys::PRODUCER_CORE)?;
    let client = runtime()?;
    let mut load = Load { address: server.address, has_ids: stack.has_ids(), next: 0 };
    let warm = requests / 10;
    client.block_on(load.run(warm))?;
    let before = Reading::now()?;
    client.block_on(load.run(requests))?;
    let seconds = before.at.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_millis(50));
    let after = Reading::now()?;
    server.stop()?;
    let server_ns = (after.all_ns - before.all_ns) - (after.own_ns - before.own_ns);
    Ok(Measured {
        requests: warm + requests,
        record: json!({
            "requests_per_s": requests as f64 / seconds,
            "cpu_ns_per_event": server_ns as f64 / requests as f64,
        }),
    })
}

/// Processor time at a moment.
struct Reading {
    at: Instant,
    /// Of all threads.
    all_ns: u64,
    /// Of the generator of load.
    own_ns: u64,
}

impl Reading {
    fn now() -> Result<Reading, String> {
        let (all_ns, own_ns) = (sys::threads_cpu_ns()?, sys::thread_cpu_ns()?);
        Ok(Reading { at: Instant::now(), all_ns, own_ns })
    }
}

fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread().enable_all().build().map_err(|e| format!("a runtime: {e}"))
}

/// The server's thread.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), String>>,
}

impl Server {
    fn start(router: Router) -> Result<Server, String> {
        let (send_address, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            // The receiver waits for it.
            let _ = send_address.send(address);
            let listener = listener.tap_io(|stream| {
                // Without it, the responses are as good.
                let _ = stream.set_nodelay(true);
            });
            let stopped = async { drop(stopped.await) };
            axum::serve(listener, router).with_graceful_shutdown(stopped).await
        };
        let run = move || runtime()?.block_on(serve).map_err(|e: std::io::Error| e.to_string());
        let thread = std::thread::spawn(run);
        match address.recv() {
            Ok(address) => Ok(Server { address, stop, thread }),
            Err(_) => Err(ended(thread).err().unwrap_or_else(|| "the server has ended".to_owned())),
        }
    }

    /// Ends the server once its connections are closed.
    fn stop(self) -> Result<(), String> {
        // A server that has ended needs no signal.
        let _ = self.stop.send(());
        ended(self.thread)
    }
}

fn ended(thread: JoinHandle<Result<(), String>>) -> Result<(), String> {
    thread.join().unwrap_or_else(|_| Err("the server has panicked".to_owned()))
}

/// The generator of load.
struct Load {
    address: SocketAddr,
    has_ids: bool,
    /// The number of the next request.
    next: u64,
}

impl Load {
    /// Sends this number of requests; each connection sends one as soon as it has the response to the one before.
    async fn run(&mut self, requests: u64) -> Result<(), String> {
        let end = self.next + requests;
        let next = Arc::new(AtomicU64::new(self.next));
        let mut tasks = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(self.address).await.map_err(|e| e.to_string())?;
            stream.set_nodelay(true).map_err(|e| e.to_string())?;
            let connection = Connection { stream, has_ids: self.has_ids };
            tasks.push(tokio::spawn(connection.run(Arc::clone(&next), end)));
        }
        self.next = end;
        let all = async {
            for task in tasks {
                task.await.map_err(|e| e.to_string())??;
            }
            Ok(())
        };
        let late = |_| format!("the requests take longer than {TIME_MAX:?}");
        tokio::time::timeout(TIME_MAX, all).await.map_err(late)?
    }
}

struct Connection {
    stream: TcpStream,
    has_ids: bool,
}

impl Connection {
    async fn run(mut self, next: Arc<AtomicU64>, end: u64) -> Result<(), String> {
        let (mut out, mut response) = (Vec::new(), [0; RESPONSE_BYTES_MAX]);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= end {
                return Ok(());
            }
            out.clear();
            write_request(&mut out, number);
            self.stream.write_all(&out).await.map_err(|e| e.to_string())?;
            self.receive(number, &mut response).await?;
        }
    }

    async fn receive(&mut self, number: u64, buffer: &mut [u8]) -> Result<(), String> {
        let mut length = 0;
        loop {
            let room = &mut buffer[length..];
            let read = self.stream.read(room).await.map_err(|e| e.to_string())?;
            length += read;
            match is_answer(&buffer[..length], number, self.has_ids) {
                Some(true) => return Ok(()),
                None if read > 0 => {}
                _ => {
                    let text = String::from_utf8_lossy(&buffer[..length]);
                    return Err(format!("request {number} was answered with: {text}"));
                }
            }
        }
    }
}

fn write_request(out: &mut Vec<u8>, number: u64) {
    let mut digits = itoa::Buffer::new();
    let number = digits.format(number).as_bytes();
    out.extend_from_slice(b"GET /orders/");
    out.extend_from_slice(number);
    out.extend_from_slice(
        b"?page=2 HTTP/1.1\r\nhost: shop.example\r\nuser-agent: curl/8.5.0\r\nx-request-id: r-",
    );
    out.extend_from_slice(number);
    out.extend_from_slice(b"\r\n\r\n");
}

/// Whether it is the whole response to the request of this number; `None` if it is not complete.
fn is_answer(response: &[u8], number: u64, has_ids: bool) -> Option<bool> {
    let mut digits = itoa::Buffer::new();
    let number = digits.format(number).as_bytes();
    let head_bytes = memchr::memmem::find(response, b"\r\n\r\n")? + 4;
    let (head, body) = response.split_at(head_bytes);
    if body.len() < b"order ".len() + number.len() {
        return None;
    }
    let is_body = body.strip_prefix(b"order ") == Some(number);
    let has_id = match memchr::memmem::find(head, b"\r\nx-request-id: r-") {
        Some(at) => {
            let rest = &head[at + b"\r\nx-request-id: r-".len()..];
            rest.strip_prefix(number).is_some_and(|rest| rest.starts_with(b"\r\n"))
        }
        None => !has_ids,
    };
    Some(head.starts_with(b"HTTP/1.1 200 ") && is_body && has_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_the_request_is_one() {
        const OK: &str = "HTTP/1.1 200 OK\r\nx-request-id: r-17\r\n\r\norder 17";
        let table = [
            ("the answer", OK.to_owned(), Some(true)),
            ("a part of the head", OK[..20].to_owned(), None),
            ("a part of the body", OK[..OK.len() - 1].to_owned(), None),
            ("another body", OK.replace("order 17", "order 18"), Some(false)),
            ("more than the body", format!("{OK}7"), Some(false)),
            ("another id", OK.replace("r-17", "r-1"), Some(false)),
            ("a longer id", OK.replace("r-17", "r-170"), Some(false)),
            ("no id", OK.replace("x-request-id", "x-other"), Some(false)),
            ("another status", OK.replace("200", "500"), Some(false)),
        ];
        for (name, response, expected) in table {
            assert_eq!(is_answer(response.as_bytes(), 17, true), expected, "{name}");
        }
        assert_eq!(is_answer(b"HTTP/1.1 200 OK\r\n\r\norder 17", 17, false), Some(true));
    }
}
