//! SIGXFSZ: the system sends it to a thread that writes beyond the limit on the size of files (`ulimit -f`,
//! `RLIMIT_FSIZE`), and it ends the process unless the host handles it. While it is blocked in that thread, the write
//! returns an error (`EFBIG`) like any other failing write.
//!
//! Promises: only the calling thread's mask changes; what the host does with the signal elsewhere stays as it is. A
//! process that a thread starts does not inherit the mask: the standard library resets it.
//!
//! Invariants:
//! 1. What is passed to a system call is valid for its time: pointers are null or refer to initialised values of the
//!    right type, for which all zeros are valid.
#![allow(unsafe_code)]
use std::cell::Cell;
#[cfg(unix)]
use std::ptr;

thread_local! {
    /// The signal is blocked for as long as this thread lives.
    static IS_BLOCKED: Cell<bool> = const { Cell::new(false) };
}

/// Blocks the signal in this thread, which the engine has started, for as long as the thread lives.
pub fn block_in_this_thread() {
    IS_BLOCKED.set(true);
    #[cfg(unix)]
    let _ = change(libc::SIG_BLOCK, &only_this());
}

/// The signal is blocked in the thread that made this, until it is dropped. For the host's threads; on the engine's own
/// it does nothing, because [`block_in_this_thread`] was called there.
#[derive(Debug)]
#[must_use = "the signal is blocked until this is dropped"]
pub struct Blocked {
    #[cfg(unix)]
    is_restored: bool,
    /// A thread's mask: not for other threads.
    _thread: std::marker::PhantomData<*const ()>,
}

impl Blocked {
    /// Blocks the signal.
    pub fn new() -> Blocked {
        Blocked {
            #[cfg(unix)]
            is_restored: !IS_BLOCKED.get()
                && change(libc::SIG_BLOCK, &only_this()).is_some_and(|before| !has(&before)),
            _thread: std::marker::PhantomData,
        }
    }
}

impl Default for Blocked {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        #[cfg(unix)]
        if self.is_restored && take_pending() {
            let _ = change(libc::SIG_UNBLOCK, &only_this());
        }
    }
}

#[cfg(unix)]
fn only_this() -> libc::sigset_t {
    // SAFETY: invariant 1.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: invariant 1.
    unsafe { libc::sigemptyset(&raw mut set) };
    // SAFETY: invariant 1.
    unsafe { libc::sigaddset(&raw mut set, libc::SIGXFSZ) };
    set
}

#[cfg(unix)]
fn has(set: &libc::sigset_t) -> bool {
    // SAFETY: invariant 1.
    unsafe { libc::sigismember(ptr::from_ref(set), libc::SIGXFSZ) == 1 }
}

/// Changes the thread's mask; returns the earlier one.
#[cfg(unix)]
fn change(how: libc::c_int, set: &libc::sigset_t) -> Option<libc::sigset_t> {
    if cfg!(miri) {
        return None;
    }
    // SAFETY: invariant 1.
    let mut before: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: invariant 1.
    let result = unsafe { libc::pthread_sigmask(how, ptr::from_ref(set), &raw mut before) };
    (result == 0).then_some(before)
}

/// Takes the signal of a write that failed meanwhile. Returns whether none is left, so that it can be unblocked.
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd"
))]
fn take_pending() -> bool {
    // SAFETY: invariant 1.
    let no_wait: libc::timespec = unsafe { std::mem::zeroed() };
    let set = only_this();
    // The signal is pending at most once for the thread, and once for the process.
    for _ in 0..3 {
        // SAFETY: invariant 1.
        let taken =
            unsafe { libc::sigtimedwait(&raw const set, ptr::null_mut(), &raw const no_wait) };
        if taken < 0 {
            break;
        }
    }
    true
}

/// This system cannot take a signal without waiting: if one is pending, it stays blocked in this thread.
#[cfg(all(
    unix,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_os = "netbsd"
    ))
))]
fn take_pending() -> bool {
    // SAFETY: invariant 1.
    let mut pending: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: invariant 1.
    unsafe { libc::sigpending(&raw mut pending) == 0 && !has(&pending) }
}

#[cfg(all(test, unix, not(miri)))]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::process::Command;

    use super::*;

    const ROLE: &str = "RINGSEAL_TEST_FILE_SIZE";

    fn is_blocked() -> bool {
        // SAFETY: the tests pass valid values.
        let empty: libc::sigset_t = unsafe { std::mem::zeroed() };
        change(libc::SIG_BLOCK, &empty).is_some_and(|mask| has(&mask))
    }

    #[test]
    fn a_mask_is_restored_as_it_was() {
        std::thread::spawn(|| {
            {
                let _outer = Blocked::new();
                drop(Blocked::new());
                assert!(is_blocked());
            }
            assert!(!is_blocked());
            block_in_this_thread();
            drop(Blocked::new());
            assert!(is_blocked());
        })
        .join()
        .unwrap();
        assert!(!is_blocked());
    }

    /// In a separate process, because the limit holds for the whole process.
    #[test]
    fn a_write_beyond_the_limit_is_an_error() {
        let test = "process::file_size::tests::a_write_beyond_the_limit_is_an_error";
        let Some(dir) = std::env::var_os(ROLE) else {
            let dir = tempfile::tempdir().unwrap();
            let mut child = Command::new(std::env::current_exe().unwrap());
            let child = child.args(["--exact", test, "--nocapture"]).env(ROLE, dir.path());
            let output = child.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            return;
        };
        let limit = libc::rlimit { rlim_cur: 1 << 20, rlim_max: 1 << 20 };
        // SAFETY: the pointer refers to a valid limit.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
        let mut file = File::create(std::path::Path::new(&dir).join("file")).unwrap();
        let full = vec![b'x'; 1 << 20];
        file.write_all(&full).unwrap();
        for _ in 0..3 {
            let _blocked = Blocked::new();
            let error = file.write_all(b"x").unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EFBIG), "{error}");
        }
        assert!(!is_blocked());
    }
}
