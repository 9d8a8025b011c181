//! The shop under load: each request has one access event, ids are never mixed, and SIGTERM drains everything.
#![cfg(unix)]
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far longer than any step takes, even on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(120);
const REQUESTS: usize = 1000;

/// The service; killed if a test fails before it ends.
struct Shop {
    child: Child,
    address: String,
}

impl Shop {
    fn start(dir: &Path) -> Shop {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command.arg("127.0.0.1:0").arg(dir).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the service starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut shop = Shop { child, address: String::new() };
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = sender.send(line);
        });
        let line = receiver.recv_timeout(WAIT_MAX).expect("the service prints its address");
        shop.address = line.trim_end().strip_prefix("listening on ").expect("an address").into();
        shop
    }

    /// Sends a request; returns the whole response.
    fn request(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the service listens");
        stream.set_read_timeout(Some(WAIT_MAX)).expect("a timeout");
        let head = format!("{method} {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("the request is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("the response is received");
        response
    }

    fn load(&self) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop_load"));
        command.args([&self.address, "--requests", &REQUESTS.to_string(), "--connections", "16"]);
        let output = command.output().expect("the load runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    fn terminate(&mut self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &id]).status();
        assert!(status.expect("kill runs").success());
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the service is a child") {
                return assert!(status.success());
            }
            assert!(start.elapsed() < WAIT_MAX, "the service does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join("app.log")).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn each_request_is_logged_once_with_its_ids() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut shop = Shop::start(dir.path());
    let report = shop.load();
    shop.terminate();

    let lines = lines(dir.path());
    let named = |name: &'static str| lines.iter().filter(move |line| line["event"] == name);
    let mut access: HashMap<&str, &Value> = HashMap::new();
    for line in named("http.access") {
        let id = line["request_id"].as_str().expect("an id");
        assert!(access.insert(id, line).is_none(), "{id} twice");
    }
    assert_eq!(access.len(), REQUESTS, "{report}");
    // An order's events, also those of the library that logs with `tracing`, have the ids of its request.
    let orders: Vec<&Value> = named("ORDER_PLACED_SUCCESS").chain(named("stock taken")).collect();
    assert_eq!(orders.len(), 2 * REQUESTS * 8 / 50, "{report}");
    for order in orders {
        let request = access[order["request_id"].as_str().expect("an id")];
        assert_eq!(order["trace_id"], request["trace_id"], "{order}");
        assert_eq!((&request["route"], &request["status"]), (&"/orders".into(), &201.into()));
    }
    assert!(named("ORDER_PLACED_SUCCESS").all(|order| order["customer"] == "<name>"));
    let outcomes =
        |outcome: &str| access.values().filter(|line| line["outcome"] == outcome).count();
    assert_eq!((outcomes("panicked"), outcomes("completed")), (REQUESTS / 50, REQUESTS * 49 / 50));
    assert_eq!(lines.last().expect("a line")["event"], "service_stopped");
}

#[test]
fn levels_are_raised_for_a_time() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut shop = Shop::start(dir.path());
    let product = || shop.request("GET", "/products/7");
    assert!(product().starts_with("HTTP/1.1 200 "));
    let changed = shop.request("PUT", "/admin/levels?level=debug&target=shop&for=10m");
    assert!(
        changed.starts_with("HTTP/1.1 200 ") && changed.contains("\"shop=debug\""),
        "{changed}"
    );
    assert!(product().starts_with("HTTP/1.1 200 "));
    let restored = shop.request("DELETE", "/admin/levels");
    assert!(restored.contains("\"override\":null"), "{restored}");
    assert!(product().starts_with("HTTP/1.1 200 "));
    let refused = shop.request("PUT", "/admin/levels?level=loud&for=10m");
    assert!(refused.starts_with("HTTP/1.1 400 ") && refused.contains("loud"), "{refused}");
    shop.terminate();

    let lines = lines(dir.path());
    let named = |name: &'static str| lines.iter().filter(move |line| line["event"] == name);
    assert_eq!(named("looked up").count(), 1);
    assert_eq!(named("ringseal.level_changed").next().expect("it")["by"], "admin@127.0.0.1");
    assert_eq!(named("ringseal.level_restored").next().expect("it")["reason"], "cancelled");
}
