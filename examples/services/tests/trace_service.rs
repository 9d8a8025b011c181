//! The example service continues traces, and passes the test suite of W3C Trace Context.
//!
//! The suite is Python with the package `aiohttp`, and not part of this repository. It runs if `TRACE_CONTEXT_SUITE` is
//! the directory of its `test.py`; `PYTHON` names an interpreter other than `python3`.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// Far longer than any step takes, even on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// The service; killed when the test ends.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(log: &Path) -> Service {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trace_service"));
        command.arg("127.0.0.1:0").arg(log).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the service starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut service = Service { child, address: String::new() };
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = sender.send(line);
        });
        let line = receiver.recv_timeout(WAIT_MAX).expect("the service prints its address");
        let address = line.trim_end().strip_prefix("listening on ").expect("an address");
        service.address = address.to_owned();
        service
    }

    /// Sends a request with these headers and this body; returns the whole response.
    fn post(&self, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the service listens");
        stream.set_read_timeout(Some(WAIT_MAX)).expect("a timeout");
        let head =
            format!("POST /test HTTP/1.1\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).expect("the request is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("the response is received");
        response
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers one request; returns its head.
fn answer_one(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().expect("a call");
    stream.set_read_timeout(Some(WAIT_MAX)).expect("a timeout");
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        request.extend(byte);
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("the response is sent");
    String::from_utf8(request).expect("ASCII")
}

fn events(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn calls_and_lines_have_the_callers_trace() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = dir.path().join("app.log");
    let service = Service::start(&log);
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/callback", other.local_addr().expect("an address"));
    let called = std::thread::spawn(move || answer_one(&other));
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let headers = format!(
        "TraceParent: 00-{trace}-b7ad6b7169203331-01\r\ntracestate: a=1\r\ntracestate: b=2\r\nx-request-id: r-17\r\n"
    );
    let response = service.post(&headers, &format!(r#"[{{"url": "{url}", "arguments": []}}]"#));
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    let head = called.join().expect("a call");
    let value = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("{name} in {head}")).to_owned()
    };
    let parent = value("traceparent");
    assert!(parent.starts_with(&format!("00-{trace}-")) && parent.ends_with("-01"), "{parent}");
    assert_eq!(value("tracestate"), "a=1,b=2");

    let response = service.post("", "not JSON");
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    let start = std::time::Instant::now();
    let finished = loop {
        let events = events(&log);
        let is_finished = |event: &&Value| event["event"] == "request_finished";
        if let Some(event) = events.iter().find(is_finished) {
            break event.clone();
        }
        assert!(start.elapsed() < WAIT_MAX, "no event in {events:?}");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!((&finished["trace_id"], &finished["request_id"]), (&trace.into(), &"r-17".into()));
    let span = finished["span_id"].as_str().expect("a span id");
    assert!(!parent.contains(span) && span != "b7ad6b7169203331", "{finished} {parent}");
}

#[test]
fn the_suite_of_the_specification_passes() {
    let Some(suite) = std::env::var_os("TRACE_CONTEXT_SUITE").map(PathBuf::from) else {
        println!("skipped: TRACE_CONTEXT_SUITE is not set to the directory of the suite's test.py");
        return;
    };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = Service::start(&dir.path().join("app.log"));
    // A port for the suite's own server.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = port.expect("a port").port().to_string();
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(python)
        .arg(suite.join("test.py"))
        .arg(format!("http://{}/test", service.address))
        .env("SPEC_LEVEL", "2")
        .env("STRICT_LEVEL", "2")
        .env("HARNESS_PORT", port)
        .current_dir(&suite)
        .output()
        .expect("the interpreter starts");
    let text = String::from_utf8_lossy(&output.stderr);
    println!("{}{text}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}: {text}", output.status);
    let summary = text.lines().find(|line| line.starts_with("Ran ")).expect("a summary");
    assert!(summary.starts_with("Ran 41 tests "), "{summary}");
    assert!(!text.contains("skipped"), "{text}");
}
