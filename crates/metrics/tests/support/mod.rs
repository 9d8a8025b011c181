//! Shared by the tests: an engine with rules, requests, and Prometheus's own checker.
#![allow(dead_code, reason = "each test uses some of it")]
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use ringseal::sink::memory::MemorySink;
use ringseal::{Config, Engine, Output};
use ringseal_metrics::{EventMetrics, RuleSet, Server, ServerConfig, TextFormat};

/// An engine that applies rules.
pub struct Measured {
    pub engine: Engine,
    pub metrics: EventMetrics,
}

impl Measured {
    pub fn new(rules: &RuleSet) -> Measured {
        Measured::with(rules, Config::new().output(Output::custom(MemorySink::new())))
    }

    pub fn with(rules: &RuleSet, config: Config) -> Measured {
        let metrics = EventMetrics::new(rules).unwrap();
        let engine = Engine::start(metrics.install(config)).unwrap();
        Measured { engine, metrics }
    }

    /// The metrics of all events so far.
    pub fn text(&self, format: TextFormat) -> String {
        self.engine.flush().unwrap();
        ringseal_metrics::render(&self.engine, &self.metrics, format)
    }

    pub fn has_line(&self, line: &str) -> bool {
        self.text(TextFormat::Prometheus).lines().any(|one| one == line)
    }

    pub fn serve(&self) -> Server {
        Server::start(&self.engine, &self.metrics, ServerConfig::new().port(0)).unwrap()
    }
}

/// Sends bytes and returns all that is answered.
pub fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// A request without a body.
pub fn request(address: SocketAddr, method: &str, path: &str, fields: &str) -> String {
    exchange(address, format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n").as_bytes())
}

/// The program, or `None` with a printed reason.
pub fn installed(program: &str) -> Option<Command> {
    match Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
    {
        Ok(status) if status.success() => Some(Command::new(program)),
        _ => {
            println!("skipped: {program} is not installed (Debian: prometheus)");
            None
        }
    }
}

/// Passes a text to `promtool check metrics`, which must have nothing to say.
pub fn assert_promtool_accepts(text: &str) {
    let Some(mut promtool) = installed("promtool") else { return };
    let mut child = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
}
