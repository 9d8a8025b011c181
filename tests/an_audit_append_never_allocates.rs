//! Appending to the audit log allocates nothing in steady state: framing, chain, ratchet, leaf and tree use memory that
//! is kept. Counted by a global allocator.
#![cfg(feature = "audit")]
#![allow(unsafe_code, reason = "a global allocator cannot be had without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ringseal::audit::entry::{Body, Parser};
use ringseal::audit::store::{AuditLog, Host, LogOptions};

thread_local! {
    static COUNTED: Cell<Option<u64>> = const { Cell::new(None) };
}

struct Counting;

fn count() {
    let _ = COUNTED.try_with(|counted| counted.set(counted.get().map(|count| count + 1)));
}

// SAFETY: all calls are forwarded to the system's allocator; counting uses only a thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's contract is passed on.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Number of allocations on this thread while `f` runs.
fn allocations(f: impl FnOnce()) -> u64 {
    COUNTED.with(|counted| counted.set(Some(0)));
    f();
    COUNTED.with(|counted| counted.replace(None)).unwrap_or(0)
}

#[test]
fn an_append_and_its_check_allocate_nothing() {
    let top = tempfile::tempdir().expect("a directory");
    let dir = top.path().join("log");
    AuditLog::create(&mut Host::system(), &dir, top.path(), "count.example/audit").expect("keys");
    let options = LogOptions { segment_bytes_max: u64::MAX, ..LogOptions::default() };
    let mut log = AuditLog::open(Host::system(), &dir, options).expect("a log");
    let members =
        br#""event_type":"user.login","actor":{"type":"user","id":"ann"},"n":[1,2.5,null,"x\n"]"#;
    let mut parser = Parser::new();
    let mut append = |log: &mut AuditLog| {
        for _ in 0..1000 {
            let body = Body::new(members, &mut parser).expect("a body");
            log.append(body, 1_795_360_160_123_456_789).expect("room");
        }
    };
    for _ in 0..10 {
        append(&mut log);
        log.commit().expect("a commit");
        log.maintain().expect("maintenance");
    }
    // The counter works.
    assert!(allocations(|| drop(std::hint::black_box(vec![1]))) > 0);
    assert_eq!(allocations(|| append(&mut log)), 0);
    assert_eq!(allocations(|| assert!(log.commit().expect("a commit").is_some())), 0);
}
