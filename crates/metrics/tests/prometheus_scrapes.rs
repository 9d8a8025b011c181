//! A real Prometheus scrapes the endpoint, and a query returns the counter. Skipped without the program.
mod support;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ringseal::{Correlation, info};
use ringseal_metrics::{Rule, RuleSet};
use support::{Measured, installed, request};

/// Ends the program with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(mut prometheus: Command, directory: &std::path::Path, target: &str, port: u16) -> Ended {
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\nscrape_configs:\n- job_name: shop\n  \
         static_configs: [{{targets: ['{target}']}}]\n"
    );
    let path = directory.join("prometheus.yml");
    std::fs::write(&path, config).unwrap();
    prometheus.arg(format!("--config.file={}", path.display()));
    prometheus.arg(format!("--storage.tsdb.path={}", directory.join("data").display()));
    prometheus.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    prometheus.arg("--enable-feature=exemplar-storage");
    Ended(prometheus.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

#[test]
fn a_query_returns_the_counter() {
    let Some(prometheus) = installed("prometheus") else { return };
    let rule = Rule::counter("payments_total", "paid").label("currency");
    let took = Rule::histogram("pay_duration_seconds", "paid", "took_ms");
    let measured = Measured::new(&RuleSet::scans().rule(rule).rule(took));
    let server = measured.serve();
    Correlation::new([0xab; 16], [1; 16]).run(|| {
        for _ in 0..7 {
            info!(measured.engine, "paid", currency = "K\"W\\D\n", took_ms = 30);
        }
    });
    measured.engine.flush().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _running = start(prometheus, directory.path(), &server.address().to_string(), free.port());
    let wait = |path: &str, expected: &str| {
        let start = Instant::now();
        loop {
            let is_listening = std::net::TcpStream::connect(free).is_ok();
            let answer = match is_listening {
                true => request(free, "GET", path, "Connection: close\r\n"),
                false => String::new(),
            };
            if answer.contains(expected) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "{path}: {answer}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    wait("/api/v1/query?query=payments_total", "\"currency\":\"K\\\"W\\\\D\\n\"");
    wait("/api/v1/query?query=payments_total", ",\"7\"]");
    wait("/api/v1/query?query=pay_duration_seconds_bucket%7Ble%3D%220.05%22%7D", ",\"7\"]");
    wait("/api/v1/query?query=up", ",\"1\"]");
    // It asked for OpenMetrics, or there would be none.
    wait("/api/v1/query_exemplars?query=payments_total&start=0&end=9999999999", &"ab".repeat(16));
}
