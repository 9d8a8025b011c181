//! The axum service logs its requests and drains on SIGTERM.
#![cfg(unix)]
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far longer than any step takes, even on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// The service; killed if a test fails before it ends.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(log: &std::path::Path) -> Service {
        let mut command = Command::new(env!("CARGO_BIN_EXE_axum_service"));
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

    /// Sends a GET request; returns the whole response.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the service listens");
        stream.set_read_timeout(Some(WAIT_MAX)).expect("a timeout");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("the response is received");
        response
    }

    /// Sends SIGTERM and waits for the end of the service.
    fn terminate(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &id]).status();
        assert!(status.expect("kill runs").success());
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the service is a child") {
                return status;
            }
            assert!(start.elapsed() < WAIT_MAX, "the service does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn requests_are_logged_and_drained_on_sigterm() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("app.log");
    let mut service = Service::start(&path);
    let response = service.get("/orders/7");
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("order 7\n"), "{response}");
    let response = service.get("/orders/seven");
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(service.terminate().success());

    let text = std::fs::read_to_string(&path).expect("a log");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().expect("a name")).collect();
    let expected = [
        "logging.configured",
        "service_started",
        "order_read",
        "request_finished",
        "order_id_malformed",
        "request_finished",
        "service_stopped",
    ];
    assert_eq!(events, expected, "{text}");
    for (line, path, number) in
        [(2, "/orders/7", 0), (3, "/orders/7", 0), (4, "/orders/seven", 1), (5, "/orders/seven", 1)]
    {
        let line = &lines[line];
        assert_eq!(line["http.request.method"], "GET", "{line}");
        assert_eq!((&line["url.path"], &line["request_number"]), (&path.into(), &number.into()));
    }
    assert_eq!((&lines[2]["order_id"], &lines[4]["level"]), (&7.into(), &"warn".into()));
    assert_eq!(lines[3]["http.response.status_code"], 200);
    assert_eq!(lines[5]["http.response.status_code"], 400);
}
