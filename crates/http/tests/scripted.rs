//! The client against servers that answer with scripted bytes: framing, reuse, bounds and deadlines.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ringseal_http::{Client, Error, ErrorKind, Limits, Origin, Phase, Request, Response};

/// What a server does with one connection.
enum Step {
    /// Waits for the end of a request's head (and reads what came with it).
    Request,
    Send(&'static str),
    /// Sends one byte about every 10 ms until the client closes.
    Trickle(&'static str),
    /// Waits until the client closes.
    Hang,
}
use Step::{Hang, Request as Wait, Send, Trickle};

/// A server with one script for each connection; returns what it was sent on each.
struct Server {
    origin: Origin,
    heads: Receiver<(usize, String)>,
    thread: JoinHandle<()>,
}

impl Server {
    fn start(scripts: Vec<Vec<Step>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, heads) = channel();
        let thread = std::thread::spawn(move || {
            for (at, script) in scripts.into_iter().enumerate() {
                let (mut stream, _) = listener.accept().expect("a connection");
                let limit = Some(Duration::from_secs(60));
                stream.set_read_timeout(limit).expect("a timeout");
                for step in script {
                    if !play(&mut stream, step, &mut |head| drop(sender.send((at, head)))) {
                        break;
                    }
                }
            }
        });
        Server { origin: Origin::parse(&origin).expect("an origin"), heads, thread }
    }

    /// The connection and the head of each request, after the client has gone.
    fn end(self) -> Vec<(usize, String)> {
        self.thread.join().expect("the server");
        self.heads.try_iter().collect()
    }
}

fn play(stream: &mut TcpStream, step: Step, report: &mut dyn FnMut(String)) -> bool {
    let mut bytes = [0; 4096];
    match step {
        Wait => {
            let mut head = String::new();
            while !head.contains("\r\n\r\n") {
                match stream.read(&mut bytes) {
                    Ok(0) | Err(_) => return false,
                    Ok(read) => head.push_str(&String::from_utf8_lossy(&bytes[..read])),
                }
            }
            report(head);
            true
        }
        Send(text) => stream.write_all(text.as_bytes()).is_ok(),
        Trickle(text) => text.bytes().cycle().all(|byte| {
            std::thread::sleep(Duration::from_millis(10));
            stream.write_all(&[byte]).is_ok()
        }),
        Hang => {
            while stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
            false
        }
    }
}

fn limits() -> Limits {
    Limits {
        timeout: Duration::from_secs(60),
        head_bytes_max: 1000,
        body_bytes_max: 100,
        ..Limits::default()
    }
}

fn send(client: &Client, server: &Server, method: &str) -> Result<Response, Error> {
    let request = Request::new(method, "/path?query=s3cret").expect("a request");
    client.send(&server.origin, &request.secret_header("x-token", "s3cret").expect("a header"))
}

/// One request to a server that sends this and closes.
fn answer(method: &str, text: &'static str) -> Result<Response, Error> {
    let server = Server::start(vec![vec![Wait, Send(text)]]);
    let found = send(&Client::new(limits()), &server, method);
    server.end();
    found
}

#[test]
fn each_response_is_framed() {
    for (name, method, text, status, body) in [
        ("length", "GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, "ok"),
        (
            "chunks",
            "GET",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
            200,
            "ok",
        ),
        ("until close", "GET", "HTTP/1.1 200 OK\r\n\r\nok", 200, "ok"),
        ("1.0", "GET", "HTTP/1.0 200 OK\r\n\r\nok", 200, "ok"),
        ("HEAD", "HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n", 200, ""),
        ("204", "GET", "HTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\n", 204, ""),
        ("304", "GET", "HTTP/1.1 304 No\r\ncontent-length: 5\r\n\r\n", 304, ""),
        (
            "interim",
            "GET",
            "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            200,
            "ok",
        ),
        ("redirect", "GET", "HTTP/1.1 302 F\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", 302, ""),
        ("error", "POST", "HTTP/1.1 503 S\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n", 503, ""),
    ] {
        let response = answer(method, text).expect(name);
        assert_eq!((response.status(), response.body()), (status, body.as_bytes()), "{name}");
    }
}

#[test]
fn ambiguous_and_cut_responses_are_errors() {
    let long: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(2000)).into_boxed_str());
    let interim: &'static str = Box::leak("HTTP/1.1 100 C\r\n\r\n".repeat(100).into_boxed_str());
    for (name, text, phase, expected) in [
        (
            "both",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            Phase::Head,
            "both Content-Length",
        ),
        (
            "differ",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
            Phase::Head,
            "two lengths",
        ),
        ("fold", "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", Phase::Head, "folded line"),
        ("other protocol", "SSH-2.0-x\r\n", Phase::Head, "expected an HTTP/1.1 response"),
        ("upgrade", "HTTP/1.1 101 S\r\n\r\n", Phase::Head, "a switch of protocols"),
        ("no answer", "", Phase::Head, "it ended early"),
        ("half a head", "HTTP/1.1 200 OK\r\n", Phase::Head, "it ended early"),
        ("long head", long, Phase::Head, "1000 bytes at most"),
        ("only interim", interim, Phase::Head, "1000 bytes at most"),
        (
            "half a body",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
            Phase::Body,
            "it ended early",
        ),
        (
            "half a chunk",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab",
            Phase::Body,
            "it ended early",
        ),
        (
            "no last chunk",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
            Phase::Body,
            "it ended early",
        ),
        (
            "bad chunk",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\ns3cret\r\n",
            Phase::Body,
            "hexadecimal",
        ),
        (
            "long body",
            "HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n",
            Phase::Body,
            "100 bytes at most",
        ),
        (
            "long chunks",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfff\r\nssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss",
            Phase::Body,
            "100 bytes at most",
        ),
    ] {
        let error = answer("GET", text).expect_err(name);
        assert_eq!(error.phase(), phase, "{name}");
        assert!(error.may_have_been_processed(), "{name}");
        let shown = format!("{error} {error:?} {:?}", error.kind());
        assert!(shown.contains(expected), "{name}: {shown}");
        assert!(!shown.contains("s3cret") && !shown.contains("query"), "{name}: {shown}");
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn only_clean_connections_are_reused() {
    for (name, first, is_reused) in [
        ("complete", OK, true),
        (
            "chunks",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            true,
        ),
        ("close", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", false),
        ("1.0", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", false),
        ("garbage", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n", false),
        ("more than 204", "HTTP/1.1 204 N\r\n\r\nok", false),
    ] {
        let scripts = if is_reused {
            vec![vec![Wait, Send(first), Wait, Send(OK)]]
        } else {
            vec![vec![Wait, Send(first), Hang], vec![Wait, Send(OK)]]
        };
        let server = Server::start(scripts);
        let client = Client::new(limits());
        for _ in 0..2 {
            assert!(send(&client, &server, "GET").expect(name).is_success());
        }
        let connections: Vec<usize> = server.end().iter().map(|(at, _)| *at).collect();
        assert_eq!(connections, if is_reused { [0, 0] } else { [0, 1] }, "{name}");
    }
}

#[test]
fn a_request_on_a_dead_connection_is_repeated() {
    // The server closes when it has read the second request: the client cannot know that before it sends.
    let first = || vec![Wait, Send(OK), Wait];
    for (method, is_repeated) in [("GET", true), ("PUT", true), ("POST", false)] {
        let mut scripts = vec![first()];
        scripts.extend(is_repeated.then(|| vec![Wait, Send(OK)]));
        let server = Server::start(scripts);
        let client = Client::new(limits());
        send(&client, &server, "GET").expect("a first response");
        let second = send(&client, &server, method);
        assert_eq!(second.is_ok(), is_repeated, "{method}");
        if let Err(error) = second {
            let is_io = matches!(error.kind(), ErrorKind::Io(_));
            assert!(error.may_have_been_processed() && is_io, "{error}");
        }
        server.end();
    }
    let server = Server::start(vec![first(), vec![Wait, Send(OK)]]);
    let client = Client::new(limits());
    send(&client, &server, "GET").expect("a first response");
    let request = Request::new("POST", "/").expect("a request").repeatable();
    assert!(client.send(&server.origin, &request).expect("a second one").is_success());
    server.end();
}

#[test]
fn each_phase_ends_at_its_deadline() {
    for (name, script, phase) in [
        ("no answer", vec![Wait, Hang], Phase::Head),
        ("half a head", vec![Wait, Send("HTTP/1.1 200 OK\r\n"), Hang], Phase::Head),
        ("a trickling head", vec![Wait, Send("HTTP/1.1 200 OK\r\na: "), Trickle("x")], Phase::Head),
        (
            "half a body",
            vec![Wait, Send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na"), Hang],
            Phase::Body,
        ),
        (
            "a trickling body",
            vec![Wait, Send("HTTP/1.1 200 OK\r\n\r\n"), Trickle("x")],
            Phase::Body,
        ),
        (
            "trickling chunks",
            vec![
                Wait,
                Send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
                Trickle("1\r\nx\r\n"),
            ],
            Phase::Body,
        ),
    ] {
        let server = Server::start(vec![script]);
        let limits = Limits {
            timeout: Duration::from_millis(300),
            body_bytes_max: 1 << 20,
            head_bytes_max: 1 << 20,
            ..limits()
        };
        let started = Instant::now();
        let error = send(&Client::new(limits), &server, "GET").expect_err(name);
        assert!(error.is_timeout(), "{name}: {error}");
        assert_eq!(error.phase(), phase, "{name}");
        assert!(started.elapsed() >= Duration::from_millis(290), "{name}: too early");
        assert!(error.may_have_been_processed(), "{name}");
        server.end();
    }
}

#[test]
fn a_server_that_does_not_read_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = Origin::parse(&format!("http://{}", listener.local_addr().expect("an address")))
        .expect("an origin");
    let limits = Limits { timeout: Duration::from_millis(300), ..limits() };
    let request = Request::new("POST", "/").expect("a request").body(vec![b'x'; 64 << 20]);
    let error = Client::new(limits).send(&origin, &request).expect_err("nothing reads");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.phase(), Phase::Send);
}

#[test]
fn unreachable_servers_have_typed_errors() {
    let port =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let client = Client::new(limits());
    let request = Request::new("GET", "/").expect("a request");
    let refused = Origin::parse(&format!("http://127.0.0.1:{port}")).expect("an origin");
    let error = client.send(&refused, &request).expect_err("nothing listens");
    assert!(matches!(error.kind(), ErrorKind::Connect(_)), "{error}");
    assert!(!error.may_have_been_processed());
    let unknown = Origin::parse("http://no-such-host.invalid").expect("an origin");
    let error = client.send(&unknown, &request).expect_err("no such host");
    assert!(matches!(error.kind(), ErrorKind::Lookup(_)) || error.is_timeout(), "{error}");
    assert_eq!(error.phase(), Phase::Lookup);
    assert!(!error.may_have_been_processed());
}

#[cfg(feature = "gzip")]
#[test]
fn compressed_bodies_come_back() {
    let server = Server::start(vec![vec![Wait, Send(OK)]]);
    let body = "a line of a log\n".repeat(100);
    let request = Request::new("POST", "/").expect("a request").gzip_body(body.as_bytes());
    assert!(Client::new(limits()).send(&server.origin, &request).expect("a response").is_success());
    let heads = server.end();
    assert!(heads[0].1.contains("content-encoding: gzip\r\n"), "{heads:?}");
}
