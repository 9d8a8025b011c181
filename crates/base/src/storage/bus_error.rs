//! Faults in mapped files: a page that its file no longer has becomes private memory, and the process goes on.
//!
//! A store into a mapped page whose file has become shorter, or for which the disk has no block, raises SIGBUS, which
//! by default ends the process. While a [`FaultGuard`] exists, a handler for SIGBUS replaces the missing page by an
//! anonymous one and marks the guard lost. journald and PulseAudio do the same. The handler is registered when the
//! first guard is made, and never before; faults outside of guards go to the previous handler. A host that registers
//! its own SIGBUS handler later must call the previous one in turn.
//!
//! Promises: at most [`WINDOWS_MAX`] guards can exist at a time; another one is an error. Making one takes no system
//! call after the first.
//!
//! Invariants:
//!
//! 1. A slot of `SLOTS` belongs to one guard, from `claim` (after the mapping is created) to `release` (before it is
//!    removed). Code that accesses the guarded memory keeps the guard alive meanwhile. So the slot is not released and
//!    its range is not given to another mapping while the handler runs.
//! 2. The handlers call nothing but async-signal-safe functions, take no lock, allocate nothing, touch no memory
//!    except atomic statics and the signal's own arguments, and leave `errno` unchanged.
//! 3. `PREVIOUS` is set before the handler is registered, and never changes.
//! 4. What is passed to a system call is valid for the time of the call: pointers are null or point to values of the
//!    right type, for which all zeros are valid too.
//! 5. The system calls the handler with a valid `siginfo_t` and, for SIGBUS, fills in the address (sigaction(2)).
//! 6. No reference to guarded memory exists while a page of it is replaced, except to words that are atomics and to
//!    bytes of a ring, for which a page of zeros is as valid as the page before.
#![allow(unsafe_code)]
use std::io;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many windows and shared regions there can be at a time, in the whole process.
pub const WINDOWS_MAX: usize = 2048;

/// Repairs faults in a range of memory until it is dropped, which the owner does before it removes the mapping.
#[derive(Debug)]
pub(super) struct FaultGuard(&'static Slot);

impl FaultGuard {
    /// For `len` bytes from `start` on.
    pub(super) fn new(start: usize, len: usize) -> io::Result<FaultGuard> {
        install_handler()?;
        claim(start, len).map(FaultGuard)
    }

    /// The same for memory that a forked child does not inherit: it gets private memory in its place.
    pub(super) fn for_region(start: usize, len: usize) -> io::Result<FaultGuard> {
        install_fork_handler()?;
        let guard = Self::new(start, len)?;
        // ORDER: relaxed; read in a forked child, by the thread that forked.
        guard.0.is_region.store(true, Ordering::Relaxed);
        Ok(guard)
    }

    /// Whether a page was replaced by private memory.
    #[inline]
    pub(super) fn is_lost(&self) -> bool {
        // ORDER: relaxed; set by the handler on the thread that took the fault, between two of its instructions.
        // Another thread may see it later.
        self.0.lost.load(Ordering::Relaxed)
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// One window, for the handler.
#[derive(Debug)]
struct Slot {
    taken: AtomicBool,
    /// 0 while there is no window.
    start: AtomicUsize,
    len: AtomicUsize,
    lost: AtomicBool,
    is_region: AtomicBool,
}

impl Slot {
    const fn free() -> Slot {
        Slot {
            taken: AtomicBool::new(false),
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
            is_region: AtomicBool::new(false),
        }
    }

    fn release(&self) {
        // ORDER: Relaxed; `holds` reads `start` twice, and the owner cannot be faulting now (invariant 1).
        self.start.store(0, Ordering::Relaxed);
        // ORDER: relaxed; as above.
        self.is_region.store(false, Ordering::Relaxed);
        // ORDER: Release, pairs with the Acquire of `claim`: the next owner's stores come after
        // ours.
        self.taken.store(false, Ordering::Release);
    }

    /// Whether an address lies in this window. Handlers on other threads may read while the slot changes owners; a
    /// reader that sees half of the change must not match a foreign address.
    fn holds(&self, address: usize) -> bool {
        // ORDER: Acquire, pairs with the Release of `start` in `claim`: the length is that
        // window's, or a later one's.
        let start = self.start.load(Ordering::Acquire);
        // ORDER: Acquire, so that the second read of `start` comes after it.
        let len = self.len.load(Ordering::Acquire);
        // ORDER: Relaxed; a later owner's length came after `start` was 0 in between.
        let start_again = self.start.load(Ordering::Relaxed);
        start != 0 && start == start_again && address.wrapping_sub(start) < len
    }
}

/// All windows, for the handler.
static SLOTS: [Slot; WINDOWS_MAX] = [const { Slot::free() }; WINDOWS_MAX];

fn claim(start: usize, len: usize) -> io::Result<&'static Slot> {
    let free = SLOTS.iter().find(|slot| {
        // ORDER: Acquire, pairs with the Release of `Slot::release`; on failure nothing is read.
        slot.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    });
    let slot = free.ok_or_else(|| {
        io::Error::new(io::ErrorKind::QuotaExceeded, "too many mapped files at a time")
    })?;
    // ORDER: Relaxed; read and written on the owner's thread alone, the handler included.
    slot.lost.store(false, Ordering::Relaxed);
    // ORDER: Release, so that a reader that sees this length sees the 0 that `release` left in `start` before.
    slot.len.store(len, Ordering::Release);
    // ORDER: Release, pairs with the Acquire of `start` in `holds`.
    slot.start.store(start, Ordering::Release);
    Ok(slot)
}

/// The action for faults outside of windows.
static PREVIOUS: OnceLock<Previous> = OnceLock::new();
/// Page size; 0 until the handler is installed.
static PAGE_BYTES: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy)]
struct Previous {
    /// A function's address, or `SIG_DFL`, `SIG_IGN`.
    action: libc::sighandler_t,
    takes_info: bool,
}

fn install_handler() -> io::Result<()> {
    static INSTALLED: parking_lot::Mutex<bool> = parking_lot::Mutex::new(false);
    let mut installed = INSTALLED.lock();
    if *installed {
        return Ok(());
    }
    let previous = current_action()?;
    let _ = PREVIOUS.set(Previous {
        action: previous.sa_sigaction,
        takes_info: previous.sa_flags & libc::SA_SIGINFO != 0,
    });
    // SAFETY: invariant 4; no memory is involved.
    let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // ORDER: Relaxed; the registration below is a system call, and a fault in a window comes after
    // it.
    PAGE_BYTES.store(usize::try_from(page_bytes).unwrap_or(4096), Ordering::Relaxed);
    register(&previous)?;
    *installed = true;
    Ok(())
}

/// Registers [`replace_regions`] once.
fn install_fork_handler() -> io::Result<()> {
    static INSTALLED: OnceLock<libc::c_int> = OnceLock::new();
    // SAFETY: the handler keeps to invariant 2, and is a function of this program, which is never unloaded.
    let install = || unsafe { libc::pthread_atfork(None, None, Some(replace_regions)) };
    match *INSTALLED.get_or_init(install) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// In a forked child: private memory of zeros in place of each shared region, which the child has not inherited. The
/// child's threads may have pointers into it.
///
/// # Safety
/// Called only by the system, in a child that has just been forked.
unsafe extern "C" fn replace_regions() {
    for slot in &SLOTS {
        // ORDER: relaxed; the only thread of the child sees what it saw before, or what another thread was changing:
        // then no pointer of this thread is into that region.
        let (start, len) = (slot.start.load(Ordering::Relaxed), slot.len.load(Ordering::Relaxed));
        // ORDER: relaxed; as above.
        if start == 0 || !slot.is_region.load(Ordering::Relaxed) {
            continue;
        }
        let (protection, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE
                | libc::MAP_ANONYMOUS
                | libc::MAP_NORESERVE
                | libc::MAP_FIXED_NOREPLACE,
        );
        // SAFETY: invariants 2 and 6: nothing is mapped there, because the region's memory is not inherited, and no
        // mapping is replaced.
        unsafe { libc::mmap(start as *mut libc::c_void, len, protection, flags, -1, 0) };
    }
}

fn current_action() -> io::Result<libc::sigaction> {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: invariant 4; a null new action changes nothing.
    let result = unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), action.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: invariant 4; written by the call above, and zeroed before.
    Ok(unsafe { action.assume_init() })
}

/// Registers the handler with the previous one's mask, on the alternate stack if the thread has
/// one.
fn register(previous: &libc::sigaction) -> io::Result<()> {
    let mut action = *previous;
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_bus_error;
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: the handler has the signature that SA_SIGINFO demands and keeps to invariants 2 and
    // 5; the old action is not asked for.
    let result = unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

extern "C" fn on_bus_error(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: invariant 5.
    let details = unsafe { &*info };
    // SAFETY: invariant 5.
    let address = unsafe { details.si_addr() } as usize;
    let mine = SLOTS.iter().find(|slot| slot.holds(address));
    match mine {
        Some(slot) if replace_page(address) => {
            // ORDER: Relaxed; read by the interrupted code on this same thread.
            slot.lost.store(true, Ordering::Relaxed);
        }
        _ => forward_fault(signal, info, context),
    }
}

/// Puts an anonymous page of zeros at the fault, so that the repeated access succeeds.
fn replace_page(address: usize) -> bool {
    // ORDER: Relaxed; stored before the handler was registered.
    let page_bytes = PAGE_BYTES.load(Ordering::Relaxed);
    if page_bytes == 0 {
        return false;
    }
    let page = address - address % page_bytes;
    // SAFETY: thread-local, always valid; invariant 2.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let errno_before = unsafe { *errno };
    // SAFETY: the page lies in a live window (invariant 1), which has no references (invariant 1); MAP_FIXED replaces
    // only this page, and dropping the window unmaps it with the rest.
    let mapped = unsafe {
        libc::mmap(
            page as *mut libc::c_void,
            page_bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    // SAFETY: as above.
    unsafe { *errno = errno_before };
    mapped != libc::MAP_FAILED
}

/// Forwards a fault outside of windows to the previous handler; without one, the default action follows when the access
/// is repeated.
fn forward_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    match PREVIOUS.get() {
        Some(previous) if is_function(previous.action) && previous.takes_info => {
            // SAFETY: invariant 3: the system returned it as a function of this signature.
            let function = unsafe {
                std::mem::transmute::<
                    libc::sighandler_t,
                    extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void),
                >(previous.action)
            };
            function(signal, info, context);
        }
        Some(previous) if is_function(previous.action) => {
            // SAFETY: invariant 3: the system returned it as a function of this signature.
            let function = unsafe {
                std::mem::transmute::<libc::sighandler_t, extern "C" fn(libc::c_int)>(
                    previous.action,
                )
            };
            function(signal);
        }
        // SAFETY: async-signal-safe (invariant 2).
        _ => unsafe {
            libc::signal(signal, libc::SIG_DFL);
        },
    }
}

fn is_function(action: libc::sighandler_t) -> bool {
    action != libc::SIG_DFL && action != libc::SIG_IGN
}
