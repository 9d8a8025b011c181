//! Promise: in steady state a redacted value's token is made without allocating, while keysets are exchanged
//! beside it. Counted by a global allocator, for one thread.
#![cfg(feature = "tokens")]
#![allow(unsafe_code, reason = "a global allocator cannot be had without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ringseal::redact::token::{
    Keyset, KeysetKind, Refresh, SystemRandomness, TokenKeys, TokenKeysConfig,
};
use ringseal::redact::{KeyClass, Profile, RedactOutcome, Redactor, RuleSet, Rules};
use ringseal::system::OsStorage;

thread_local! {
    static IS_COUNTED: Cell<bool> = const { Cell::new(false) };
}

static COUNT: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: everything is passed on to the system's allocator; counting touches only an atomic and a thread-local without
// a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IS_COUNTED.try_with(Cell::get) == Ok(true) {
            COUNT.fetch_add(1, Ordering::SeqCst);
        }
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Redacts a few values of each kind; how many allocations that took on this thread.
fn allocations(redactor: &mut Redactor, out: &mut Vec<u8>) -> u64 {
    let before = COUNT.load(Ordering::SeqCst);
    IS_COUNTED.set(true);
    let mut replaced = 0;
    for (class, value) in [
        (KeyClass::Name, "John Doe"),
        (KeyClass::Email, " Ann@Example.com "),
        (KeyClass::Email, "J\u{D6}RG@b\u{FC}cher.example"),
        (KeyClass::Phone, "+965 1234-5678"),
        (KeyClass::Plain, "sent to ann@example.com and +1 402 555 1212 at once"),
    ] {
        out.clear();
        let outcome = redactor.value(class, value.as_bytes(), false, out);
        replaced += u32::from(
            outcome == RedactOutcome::Replaced && out.windows(8).any(|w| w == b"ptok:v1:"),
        );
    }
    IS_COUNTED.set(false);
    // Five, or it counts as a failure: a panic here would leave the other thread alone.
    COUNT.load(Ordering::SeqCst) - before + u64::from(replaced != 5)
}

#[test]
fn tokens_do_not_allocate_while_keysets_change() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("token-keyset.json");
    Keyset::generate(KeysetKind::Token, "tk1", "", &SystemRandomness)?.create(&OsStorage, &path)?;
    let pii = Arc::new(TokenKeys::open(&TokenKeysConfig::new(&path).reread_every(Duration::ZERO))?);
    let mut set = RuleSet::default();
    set.profile = Profile::Ecs;
    let tokenizer = Arc::clone(&pii);
    let mut redactor = Redactor::new(Arc::new(Rules::compile(&set)?)).with_tokenizer(tokenizer);
    let mut out = Vec::new();
    // Buffers grow, and the thread registers with the pointer to the keys.
    assert!(allocations(&mut redactor, &mut out) > 0, "the allocator counts");
    let is_done = AtomicBool::new(false);
    let (reloads, allocated) = std::thread::scope(|scope| {
        let reloads = scope.spawn(|| {
            let mut reloads = 0;
            // At least some exchanges, and as many as there is time for.
            for look in 0u64.. {
                let did = pii.refresh(Duration::from_secs(10 * look));
                reloads += u64::from(matches!(did, Ok(Refresh::Reloaded)));
                if reloads >= 20 && is_done.load(Ordering::SeqCst) {
                    break;
                }
            }
            reloads
        });
        let rounds = (0..1000).map(|_| allocations(&mut redactor, &mut out));
        let allocated: u64 = rounds.sum();
        is_done.store(true, Ordering::SeqCst);
        (reloads.join().expect("no panic"), allocated)
    });
    assert_eq!(allocated, 0);
    assert!(reloads >= 20, "{reloads}");
    assert_eq!(pii.status().failures, 0);
    Ok(())
}
