//! Notices that this process is a forked child.
//!
//! Promises: [`generation`] is one relaxed load where the C library reports forks (Linux, macOS), and one system call
//! elsewhere. Children of `clone(2)` and `vfork(2)` called directly are not noticed. [`watch`] may allocate, once per
//! process.
//!
//! Invariants:
//! 1. `forked` takes no arguments, never unwinds, makes no call, and is part of the same library as the call of
//!    `pthread_atfork`, which the C library uses to forget it when that library is unloaded.
#![allow(unsafe_code)]
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// 0 if forks are not reported; else 1, and one more for each fork among this process and its ancestors.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// A number that differs between a process and its forked child, once [`watch`] was called in the former.
#[inline]
pub fn generation() -> u32 {
    // ORDER: relaxed; `forked` stores it on the only thread that a forked child begins with.
    match GENERATION.load(Ordering::Relaxed) {
        0 => std::process::id(),
        generation => generation,
    }
}

/// Begins to notice forks. Further calls do nothing.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
pub fn watch() {
    static WATCH: OnceLock<()> = OnceLock::new();
    WATCH.get_or_init(|| {
        // SAFETY: invariant 1.
        if unsafe { libc::pthread_atfork(None, None, Some(forked)) } == 0 {
            // ORDER: relaxed; pairs with the load in `generation`, whose callers have called `watch` before.
            GENERATION.store(1, Ordering::Relaxed);
        }
    });
}

/// Begins to notice forks. Further calls do nothing.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub fn watch() {}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
/// Counts a fork.
///
/// # Safety
/// None is needed: the type of `pthread_atfork` asks for an unsafe function.
unsafe extern "C" fn forked() {
    // ORDER: relaxed; pairs with the load in `generation`, on this thread or on one that it starts.
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

#[cfg(all(test, unix))]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::random;

    /// The next numbers of this thread, and the generation.
    fn numbers() -> [u64; 5] {
        let mut numbers = [0; 5];
        numbers[..4].fill_with(random::word);
        numbers[4] = u64::from(generation());
        numbers
    }

    /// What a forked child finds, which has a copy of this thread's generator.
    fn of_child() -> [u64; 5] {
        let mut ends = [0; 2];
        // SAFETY: the array has room for two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        // SAFETY: the child neither allocates nor takes a lock before it ends.
        let process = unsafe { libc::fork() };
        if process == 0 {
            let found = numbers().map(u64::to_ne_bytes);
            let bytes = found.as_flattened();
            // SAFETY: the pointer and the length are those of the slice.
            unsafe { libc::write(ends[1], bytes.as_ptr().cast(), bytes.len()) };
            // SAFETY: ends the child without running the parent's hooks.
            unsafe { libc::_exit(0) };
        }
        assert!(process > 0, "fork: {}", std::io::Error::last_os_error());
        let mut found = [[0; 8]; 5];
        let bytes = found.as_flattened_mut();
        // SAFETY: the pointer and the length are those of the slice.
        let read = unsafe { libc::read(ends[0], bytes.as_mut_ptr().cast(), bytes.len()) };
        assert_eq!(read, 40, "a pipe passes a short write on whole");
        for end in ends {
            // SAFETY: a descriptor of this function.
            unsafe { libc::close(end) };
        }
        // SAFETY: a null pointer is allowed.
        assert_eq!(unsafe { libc::waitpid(process, std::ptr::null_mut(), 0) }, process);
        found.map(u64::from_ne_bytes)
    }

    #[test]
    fn a_forked_child_has_other_random_numbers() {
        random::word();
        let all = [of_child(), of_child(), numbers()];
        let words: HashSet<u64> = all.iter().flat_map(|found| found[..4].to_vec()).collect();
        assert_eq!(words.len(), 12, "{all:x?}");
        assert!(all[..2].iter().all(|child| child[4] != all[2][4]), "{all:?}");
    }
}
