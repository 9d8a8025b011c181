//! The endpoint answers by the rules of HTTP, survives slow clients and a lack of descriptors, and stops at once.
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ringseal::info;
use ringseal_metrics::{Rule, RuleSet, Server, ServerConfig, ServerError};
use support::{Measured, exchange, request};

/// Far longer than anything takes, and shorter than a hang.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn requests_are_answered() {
    let measured = Measured::new(&RuleSet::new());
    let server = measured.serve();
    let head = "x".repeat(9_000);
    for (method, path, fields, status) in [
        ("GET", "/metrics", "", "200 OK"),
        ("GET", "/metrics?a=b", "Accept: */*\r\n", "200 OK"),
        ("GET", "/healthz", "", "200 OK"),
        ("GET", "/readyz", "", "200 OK"),
        ("GET", "/other", "", "404 Not Found"),
        ("POST", "/metrics", "Content-Length: 0\r\n", "405 Method Not Allowed"),
        ("GET", "/metrics", &format!("X: {head}\r\n"), "431 Request Header"),
        ("G=ET", "/metrics", "bad field\r\n", "400 Bad Request"),
    ] {
        let answer = request(server.address(), method, path, fields);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{method} {path}: {answer}");
        assert_eq!(answer.contains("Allow: GET, HEAD\r\n"), status.starts_with("405"));
    }
}

#[test]
fn heads_have_no_body() {
    let measured = Measured::new(&RuleSet::new());
    let server = measured.serve();
    let long = format!("X: {}\r\n", "x".repeat(9_000));
    for (path, fields) in
        [("/metrics", ""), ("/other", ""), ("/readyz", ""), ("/", &*long), ("/", "bad\r\n")]
    {
        let answer = request(server.address(), "HEAD", path, fields);
        assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
        assert!(!answer.contains("Content-Length: 0"), "it is that of GET: {answer}");
    }
}

#[test]
fn the_format_follows_the_header() {
    let measured = Measured::new(&RuleSet::new());
    let server = measured.serve();
    let open =
        request(server.address(), "GET", "/metrics", "Accept: application/openmetrics-text\r\n");
    assert!(open.contains("Content-Type: application/openmetrics-text; version=1.0.0"));
    assert!(open.ends_with("# EOF\n"));
    let plain = request(server.address(), "GET", "/metrics", "");
    assert!(plain.contains("Content-Type: text/plain; version=0.0.4"));
}

#[test]
fn a_taken_port_is_named() {
    let measured = Measured::new(&RuleSet::new());
    let first = measured.serve();
    let config = ServerConfig::new().port(first.address().port());
    let error = Server::start(&measured.engine, &measured.metrics, config).unwrap_err();
    assert!(matches!(error, ServerError::Taken { address, .. } if address == first.address()));
    assert!(error.to_string().contains("choose another port"));
}

#[test]
fn slow_clients_delay_no_scrape() {
    let measured = Measured::new(&RuleSet::new());
    let server = measured.serve();
    let mut slow: Vec<_> = (0..15).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /metr").unwrap();
    }
    assert!(request(server.address(), "GET", "/healthz", "").starts_with("HTTP/1.1 200"));
    // One more than there are places: served after the others are out of time.
    slow.push(TcpStream::connect(server.address()).unwrap());
    assert!(request(server.address(), "GET", "/healthz", "").starts_with("HTTP/1.1 200"));
    let mut rest = Vec::new();
    slow[0].set_read_timeout(Some(SOON)).unwrap();
    let _ = slow[0].read_to_end(&mut rest);
    assert!(rest.is_empty(), "it was closed without an answer");
}

#[test]
fn a_stop_waits_for_no_client() {
    let measured = Measured::new(&RuleSet::new());
    let server = measured.serve();
    let address = server.address();
    let _slow: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    exchange_nothing(address);
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(4), "less than the time of a connection");
    assert!(TcpStream::connect(address).is_err(), "nothing listens any more");
}

fn exchange_nothing(address: std::net::SocketAddr) {
    let _ = TcpStream::connect(address).unwrap().write_all(b"\r\n");
}

#[test]
fn overflows_are_reported_once() {
    let rules = RuleSet::new().rule(Rule::counter("seen_total", "seen").label("id").series_max(2));
    let metrics = ringseal_metrics::EventMetrics::new(&rules).unwrap();
    let (engine, capture) =
        ringseal::testing::Capture::start_with(metrics.install(ringseal::Config::new()));
    let server = Server::start(&engine, &metrics, ServerConfig::new().port(0)).unwrap();
    for id in 0..5 {
        info!(engine, "seen", id);
    }
    engine.flush().unwrap();
    for _ in 0..2 {
        exchange(server.address(), b"GET /metrics HTTP/1.1\r\n\r\n");
    }
    let event = capture.event("ringseal.metrics_overflow");
    assert_eq!((event.text("metric"), event.text("series")), ("seen_total", "2"));
}
