//! The library is in one process twice, as with a plugin that has its own copy: the global engines, the exit hooks, the
//! panic hooks and the signals of the two do not disturb each other.
#![cfg(all(target_os = "linux", feature = "signals"))]
#![allow(unsafe_code, reason = "a library is loaded at run time")]
mod support;

use std::ffi::{CString, c_char};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ringseal::{Config, info};
use support::{child, events_of, named, numbers, role};

const EVENTS: u64 = 500;

/// Builds the library against a copy of the engine that was built for the tests.
fn build(to: &Path) -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let is_engine = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("libringseal-") && name.ends_with(".rlib")
    };
    let found = std::fs::read_dir(&deps).unwrap().map(|entry| entry.unwrap().path());
    let mut engines: Vec<PathBuf> = found.filter(is_engine).collect();
    engines.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    let library = to.join("libsecond.so");
    // The newest that has the feature `signals`.
    for engine in engines.iter().rev() {
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--edition=2024", "--crate-type=cdylib", "--crate-name=second"]);
        rustc.arg("--extern").arg(format!("ringseal={}", engine.display()));
        rustc.arg("-L").arg(format!("dependency={}", deps.display())).arg("-o").arg(&library);
        rustc.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/second_copy.rs"));
        if rustc.output().unwrap().status.success() {
            return library;
        }
    }
    panic!("no copy of the engine in {}", deps.display());
}

/// The functions of the library.
struct Second {
    start: Start,
    log: Log,
    end: End,
}

type Start = extern "C" fn(*const c_char) -> bool;
type Log = extern "C" fn(u64);
type End = extern "C" fn();

impl Second {
    fn load(library: &Path) -> Second {
        let path = CString::new(library.to_str().unwrap()).unwrap();
        // SAFETY: the path ends with a NUL.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!handle.is_null());
        // SAFETY: the handle is that of a loaded library, and the names end with a NUL.
        let find = |name: &CString| unsafe { libc::dlsym(handle, name.as_ptr()) };
        let names = [c"second_start", c"second_log", c"second_end"];
        let [start, log, end] = names.map(|name| find(&name.into()));
        assert!(!start.is_null() && !log.is_null() && !end.is_null());
        // SAFETY: the library declares the functions with these types.
        let start = unsafe { std::mem::transmute::<*mut libc::c_void, Start>(start) };
        // SAFETY: as above.
        let log = unsafe { std::mem::transmute::<*mut libc::c_void, Log>(log) };
        // SAFETY: as above.
        let end = unsafe { std::mem::transmute::<*mut libc::c_void, End>(end) };
        Second { start, log, end }
    }
}

fn end(role: &str, dir: &Path) {
    let first = ringseal::init(Config::new().file(dir.join("first.log")).signals(true)).unwrap();
    let second = Second::load(&dir.join("libsecond.so"));
    let path = CString::new(dir.join("second.log").to_str().unwrap()).unwrap();
    assert!((second.start)(path.as_ptr()), "each copy has its own global engine");
    assert!(ringseal::init(Config::new()).is_err(), "and no more than one");
    for number in 0..EVENTS {
        info!("first", number);
        (second.log)(number);
    }
    match role {
        "exit" => {
            std::mem::forget(first);
            std::process::exit(0);
        }
        "panic" => {
            let _ = std::thread::spawn(|| panic!("in the first copy")).join();
            std::process::exit(0);
        }
        "signal" => {
            let id = std::process::id().to_string();
            std::fs::write(dir.join("signalled"), "").unwrap();
            assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
        other => panic!("no role {other}"),
    }
}

#[test]
fn two_copies_do_not_disturb_each_other() {
    if let Some((role, dir)) = role() {
        return end(&role, &dir);
    }
    let dir = tempfile::tempdir().unwrap();
    build(dir.path());
    for (role, signal) in [("exit", None), ("panic", None), ("signal", Some(15))] {
        for name in ["first.log", "second.log"] {
            let _ = std::fs::remove_file(dir.path().join(name));
        }
        let mut command = child("two_copies_do_not_disturb_each_other", role, dir.path());
        let output = command.stderr(std::process::Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), signal, "{role}: {said}");
        assert!(signal.is_some() || output.status.success(), "{role}: {said}");
        if signal.is_some() {
            // The copies report to each other when they are drained; without that, the end comes after five seconds.
            let signalled = std::fs::metadata(dir.path().join("signalled")).unwrap();
            let took = signalled.modified().unwrap().elapsed().unwrap();
            assert!(took.as_millis() < 4500, "the end came {took:?} after the signal");
        }
        for name in ["first", "second"] {
            let events = events_of(&dir.path().join(format!("{name}.log")));
            let own = numbers(&named(&events, name), "number");
            assert_eq!(own.len() as u64, EVENTS, "{role}, {name}: {said}");
            let other = if name == "first" { "second" } else { "first" };
            assert!(named(&events, other).is_empty(), "{role}, {name}");
            let panics = named(&events, "ringseal.panicked").len();
            assert_eq!(panics, usize::from(role == "panic" && name == "first"), "{role}, {name}");
        }
    }
}

/// Starts three copies, ends those in `order`, and raises SIGTERM. Exits with 9 if the process survives: if no copy is
/// left, the signal itself ends it; others drain first.
fn raise_after_ends(order: &str, dir: &Path) -> ! {
    let [second, third] = ["libsecond.so", "libthird.so"].map(|name| Second::load(&dir.join(name)));
    let mut first = ringseal::init(Config::new().file(dir.join("1.log")).signals(true)).ok();
    for (copy, name) in [(&second, "2.log"), (&third, "3.log")] {
        let path = CString::new(dir.join(name).to_str().unwrap()).unwrap();
        assert!((copy.start)(path.as_ptr()));
    }
    for copy in order.chars() {
        match copy {
            '1' => drop(first.take()),
            '2' => (second.end)(),
            '3' => (third.end)(),
            _ => {}
        }
    }
    // SAFETY: no pointers.
    unsafe { libc::raise(libc::SIGTERM) };
    if order == "none" || order.len() < 3 {
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
    std::process::exit(9)
}

/// Nothing else would end the process, such as an orchestrator's first signal to it.
#[test]
fn copies_may_end_in_any_order() {
    if let Some((order, dir)) = role() {
        raise_after_ends(&order, &dir);
    }
    let dir = tempfile::tempdir().unwrap();
    let library = build(dir.path());
    std::fs::copy(&library, dir.path().join("libthird.so")).unwrap();
    let orders = ["none", "1", "2", "3", "12", "13", "21", "23", "31", "32"];
    for order in orders.into_iter().chain(["123", "132", "213", "231", "312", "321"]) {
        let name = "copies_may_end_in_any_order";
        let mut command = child(name, order, dir.path());
        let output = command.stderr(std::process::Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(libc::SIGTERM), "ended {order}: {said}");
    }
}
