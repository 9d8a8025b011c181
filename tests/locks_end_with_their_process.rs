//! A log's lock ends with the process that took it: a forked child that outlives a killed parent does not keep the
//! restarted service out, while a second process is refused as long as the first one lives. The processes are this
//! test binary again, in a role.
#![cfg(unix)]
#![allow(unsafe_code, reason = "fork is what is tested")]
mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Stdio};

use ringseal::sink::SinkError;
use ringseal::{Config, Engine, InitError};
use support::{child, role};

/// Whether `path` can be taken, by opening what the test is about.
type Opens = fn(&Path) -> Result<Box<dyn std::any::Any>, ()>;

/// Descriptor of the pipe to the test: the test harness writes to standard output.
const TO_TEST: i32 = 2;

/// A process that holds a log, and its forked child, which answers as long as it lives.
struct Family {
    parent: Child,
    to_child: ChildStdin,
    answers: BufReader<ChildStderr>,
}

impl Family {
    fn start(test: &str, path: &Path) -> Family {
        let mut command = child(test, "parent", path);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut parent = command.spawn().unwrap();
        let to_child = parent.stdin.take().unwrap();
        let answers = BufReader::new(parent.stderr.take().unwrap());
        let mut family = Family { parent, to_child, answers };
        family.expect("the parent holds it");
        family
    }

    fn expect(&mut self, expected: &str) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), expected);
    }

    fn assert_child_lives(&mut self) {
        writeln!(self.to_child, "are you there?").unwrap();
        self.expect("are you there?");
    }

    fn kill_parent(&mut self) {
        self.parent.kill().unwrap();
        self.parent.wait().unwrap();
    }

    /// Ends the child and waits until it has ended: then the pipe has no writer.
    fn end_child(mut self) {
        drop(self.to_child);
        let mut line = String::new();
        assert_eq!(self.answers.read_line(&mut line).unwrap(), 0, "{line}");
    }
}

fn put(bytes: &[u8]) {
    // SAFETY: the pointer and the length are those of a slice.
    let written = unsafe { libc::write(TO_TEST, bytes.as_ptr().cast(), bytes.len()) };
    assert_eq!(written, bytes.len() as isize);
}

/// Sends back what it reads, until there is no writer.
fn echo() -> ! {
    let mut buffer = [0_u8; 64];
    loop {
        // SAFETY: the pointer and the length are those of a buffer.
        let read = unsafe { libc::read(0, buffer.as_mut_ptr().cast(), buffer.len()) };
        if read <= 0 {
            // SAFETY: ends this process at once.
            unsafe { libc::_exit(0) };
        }
        put(&buffer[..read as usize]);
    }
}

/// The parent: holds the log, forks, and waits to be killed.
fn hold(path: &Path, opens: Opens) -> ! {
    let _held = opens(path).expect("the log is free");
    // SAFETY: the child makes system calls only and ends by `_exit`.
    match unsafe { libc::fork() } {
        0 => echo(),
        -1 => panic!("{}", std::io::Error::last_os_error()),
        _ => {}
    }
    put(b"the parent holds it\n");
    loop {
        std::thread::park();
    }
}

/// The service is killed while its forked child lives, and starts again.
fn killed_and_restarted(test: &str, name: &str, create: fn(&Path), opens: Opens) {
    if let Some((_, path)) = role() {
        hold(&path, opens);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    create(&path);
    let mut family = Family::start(test, &path);
    family.assert_child_lives();
    assert!(opens(&path).is_err(), "the first process lives");
    family.kill_parent();
    family.assert_child_lives();
    let restarted = opens(&path).expect("the killed process has released it");
    assert!(opens(&path).is_err(), "a second one in this process");
    family.assert_child_lives();
    drop(restarted);
    drop(opens(&path).expect("released by a drop"));
    family.end_child();
}

fn open_engine(path: &Path) -> Result<Box<dyn std::any::Any>, ()> {
    match Engine::start(Config::new().file(path)) {
        Ok(engine) => Ok(Box::new(engine)),
        Err(InitError::Sink(SinkError::InUse { .. })) => Err(()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_restart_gets_the_file_sinks_lock() {
    let test = "a_restart_gets_the_file_sinks_lock";
    killed_and_restarted(test, "app.log", |_| {}, open_engine);
}

#[cfg(feature = "audit")]
#[test]
fn a_restart_gets_the_audit_logs_lock() {
    use ringseal::audit::store::{AuditLog, Host, LogOptions, StoreError};
    let create = |path: &Path| {
        let keys = path.parent().unwrap();
        AuditLog::create(&mut Host::system(), path, keys, "lock.example/audit").unwrap();
    };
    let opens: Opens = |path| match AuditLog::open(Host::system(), path, LogOptions::default()) {
        Ok(log) => Ok(Box::new(log)),
        Err(StoreError::Locked { .. }) => Err(()),
        Err(error) => panic!("{error}"),
    };
    killed_and_restarted("a_restart_gets_the_audit_logs_lock", "log", create, opens);
}
