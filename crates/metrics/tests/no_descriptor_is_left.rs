//! Without free file descriptors the endpoint neither spins nor hangs. A separate process: the limit is for all of it.
#![cfg(target_os = "linux")]
mod support;

use std::fs::File;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ringseal_metrics::RuleSet;
use rustix::process::{Resource, getrlimit, setrlimit};
use support::{Measured, request};

/// The processor time of this process, in clock ticks.
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(11).take(2).map(|it| it.parse::<u64>().unwrap()).sum()
}

#[test]
fn the_endpoint_recovers_and_stops() {
    let measured = Measured::new(&RuleSet::new());
    let server = measured.serve();
    assert!(request(server.address(), "GET", "/healthz", "").starts_with("HTTP/1.1 200"));
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(64);
    setrlimit(Resource::Nofile, limit).unwrap();
    let spare = File::open("/dev/null").unwrap();
    let before = cpu_ticks();
    let mut taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    // The client takes the only descriptor, so that none is left to accept it with.
    drop(spare);
    let waiting = TcpStream::connect(server.address()).unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(50));
    }
    taken.push(File::from(std::os::fd::OwnedFd::from(waiting)));
    taken.truncate(taken.len() / 2);
    let ticks = cpu_ticks() - before;
    assert!(ticks < 50, "{ticks} ticks of processor time while nothing could be accepted");
    assert!(request(server.address(), "GET", "/healthz", "").starts_with("HTTP/1.1 200"));
    let _all: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    drop(server);
}
