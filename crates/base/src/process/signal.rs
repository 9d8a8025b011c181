//! Watches SIGHUP, SIGINT and SIGTERM without taking them from others.
//!
//! A handler writes the signal's number to the socket of each watcher and then calls the handler that was there before.
//! A host's handler, such as that of an async runtime, may be registered before or after: [`ending`] finds either.
//! Crates for signals share one handler among their users, which hides whether there are any; so this handler is
//! registered by itself.
//!
//! Several copies of this module can be in one process: two versions in one program, or a plugin with its own. Each
//! watches for itself and calls the one before. [`ending`] finds out which of them may end the process: a copy marks
//! its handler by its mask if nothing but marked handlers is before it. The registered handler is also how they take
//! turns: the copy that was registered last is done first, restores the one before ([`pass_on`]) and raises the signal
//! again; [`is_turn`] reports to a copy that all after it are done.
//!
//! Promises: watching changes nothing for other handlers. When the last watcher of a signal ends and no other handler
//! was registered since, the earlier disposition is restored. If one was, ours stays without a watcher. If it is the
//! registered one again later, as when copies end in the order in which they started, the signal does what it would do
//! without this module. So it does in a forked child, which has no watcher. Sockets are kept for the next watcher and
//! never closed, because a handler may be writing to them.
//!
//! Invariants:
//! 1. The handler calls nothing but async-signal-safe functions, takes no lock, allocates nothing, touches no memory
//!    except atomic statics, and leaves `errno` unchanged.
//! 2. What is passed to a system call is valid for the time of the call: pointers are null or refer to initialised
//!    values of the right type, for which all zeros are valid too.
//! 3. A disposition of `PREVIOUS` is stored before the handler is registered. It is one that the system returned, with
//!    the flags that say how it is called.
#![allow(unsafe_code)]
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering};

use libc::c_int;
pub use libc::{SIGHUP, SIGINT, SIGTERM};
use parking_lot::Mutex;

/// The signals that can be watched.
const SIGNALS: [c_int; 3] = [SIGHUP, SIGINT, SIGTERM];

/// How many watchers there can be at a time, in the whole process.
const WATCHERS_MAX: usize = 32;

/// A disposition as it was before ours.
struct Previous {
    handler: AtomicUsize,
    flags: AtomicI32,
    /// It is that of another copy of this module, with no host's before it.
    is_copy: AtomicBool,
    is_replaced: AtomicBool,
}

/// The mask of a handler of this module that has no host's before it. A host has hardly a reason to block these three
/// and nothing else; that they are blocked while the handler runs has no effect.
const MARK: [c_int; 3] = [libc::SIGURG, libc::SIGVTALRM, libc::SIGPROF];

/// What ends the process after a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The host handles or ignores the signal: it alone decides.
    Host,
    /// This copy of the module, which was there before all others.
    Here,
    /// Another copy was there before. If it has lost its watchers, nothing else ends the process.
    OtherCopy,
}

static PREVIOUS: [Previous; SIGNALS.len()] = [const {
    Previous {
        handler: AtomicUsize::new(libc::SIG_DFL),
        flags: AtomicI32::new(0),
        is_copy: AtomicBool::new(false),
        is_replaced: AtomicBool::new(false),
    }
}; SIGNALS.len()];

/// How often each signal was received.
static RECEIVED: [AtomicU32; SIGNALS.len()] = [const { AtomicU32::new(0) }; SIGNALS.len()];

/// A watcher's place. `wanted` has a bit for each signal, 0 while the place is free.
struct Place {
    wanted: AtomicU32,
    /// For each signal, the count up to which the watcher is done.
    done: [AtomicU32; SIGNALS.len()],
    socket: AtomicI32,
    pair: OnceLock<(UnixStream, UnixStream)>,
}

static PLACES: [Place; WATCHERS_MAX] = [const {
    Place {
        wanted: AtomicU32::new(0),
        done: [const { AtomicU32::new(0) }; SIGNALS.len()],
        socket: AtomicI32::new(-1),
        pair: OnceLock::new(),
    }
}; WATCHERS_MAX];

/// The process whose signals are watched.
static PROCESS: AtomicI32 = AtomicI32::new(0);

/// Held while dispositions and places change.
static CHANGING: Mutex<()> = Mutex::new(());

fn index_of(signal: c_int) -> Option<usize> {
    SIGNALS.iter().position(|known| *known == signal)
}

/// Receives signals until it is dropped.
#[derive(Debug)]
pub struct Watch(usize);

impl Watch {
    /// Watches `signals`, which must be among SIGHUP, SIGINT and SIGTERM.
    pub fn start(signals: &[c_int]) -> io::Result<Watch> {
        let _one_at_a_time = CHANGING.lock();
        // ORDER: relaxed, here and in the following functions; places change under the lock, and a handler that is late
        // by a moment writes to a socket that is never closed.
        let is_free = |place: &&Place| place.wanted.load(Ordering::Relaxed) == 0;
        let place = PLACES.iter().position(|place| is_free(&place));
        let place = place.ok_or_else(|| io::Error::other("too many watchers of signals"))?;
        let entry = &PLACES[place];
        if entry.pair.get().is_none() {
            let (reader, writer) = UnixStream::pair()?;
            writer.set_nonblocking(true)?;
            // ORDER: relaxed; see above.
            entry.socket.store(writer.as_raw_fd(), Ordering::Relaxed);
            let _ = entry.pair.set((reader, writer));
        }
        let wanted = signals.iter().filter_map(|signal| index_of(*signal));
        let wanted = wanted.fold(0, |bits, index| bits | 1 << index);
        // ORDER: relaxed; the handler is registered afterwards.
        PROCESS.store(std::process::id().cast_signed(), Ordering::Relaxed);
        for (done, received) in entry.done.iter().zip(&RECEIVED) {
            // ORDER: relaxed; an earlier signal was not for this watcher.
            done.store(received.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        entry.wanted.store(wanted, Ordering::Relaxed);
        let watch = Watch(place);
        signals.iter().filter_map(|signal| index_of(*signal)).try_for_each(register)?;
        Ok(watch)
    }

    /// Waits for the next signal. `None` after [`Watch::wake`].
    pub fn wait(&self) -> Option<c_int> {
        let (reader, _) = PLACES[self.0].pair.get()?;
        let mut byte = [0];
        let mut reader: &UnixStream = reader;
        loop {
            match reader.read(&mut byte) {
                Ok(1) if byte[0] != 0 => return Some(c_int::from(byte[0])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return None,
            }
        }
    }

    /// Records that all is done that the signals up to this count ask for.
    pub fn set_done(&self, signal: c_int, count: u32) {
        if let Some(index) = index_of(signal) {
            // ORDER: release, with the acquire in `is_turn`: what was done comes before the end of the process.
            PLACES[self.0].done[index].store(count, Ordering::Release);
        }
    }

    /// Wakes the thread that waits.
    pub fn wake(&self) {
        if let Some((_, writer)) = PLACES[self.0].pair.get() {
            let mut writer: &UnixStream = writer;
            // A full socket wakes the thread, too.
            let _ = writer.write(&[0]);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _one_at_a_time = CHANGING.lock();
        // ORDER: relaxed; see `start`.
        PLACES[self.0].wanted.store(0, Ordering::Relaxed);
        for index in 0..SIGNALS.len() {
            // ORDER: relaxed; see `start`.
            let is_wanted = |place: &Place| place.wanted.load(Ordering::Relaxed) & 1 << index != 0;
            if !PLACES.iter().any(is_wanted) {
                restore(index);
            }
        }
    }
}

/// What ends the process after a signal that is watched here. A host's handler counts whether it was registered before
/// or after.
pub fn ending(signal: c_int) -> Ending {
    let Some(index) = index_of(signal) else { return Ending::Host };
    let previous = &PREVIOUS[index];
    let current = current(signal).ok();
    let is_ours = current.is_none_or(|current| current.sa_sigaction == ours());
    if !is_ours && current.is_some_and(|current| !is_marked(&current)) {
        return Ending::Host;
    }
    // ORDER: relaxed, here and below; stored before the handler was registered.
    if previous.is_copy.load(Ordering::Relaxed) {
        return Ending::OtherCopy;
    }
    match previous.handler.load(Ordering::Relaxed) {
        libc::SIG_DFL => Ending::Here,
        _ => Ending::Host,
    }
}

/// How often the signal was received so far.
pub fn count_of(signal: c_int) -> u32 {
    // ORDER: relaxed; read after the handler has written to a socket.
    index_of(signal).map_or(0, |index| RECEIVED[index].load(Ordering::Relaxed))
}

/// Whether all watchers of this copy, and all copies that were registered later, are done with the signals up to this
/// count.
pub fn is_turn(signal: c_int, count: u32) -> bool {
    let Some(index) = index_of(signal) else { return true };
    let is_done = |place: &Place| {
        // ORDER: acquire; see `set_done`. Relaxed for the wish: see `Watch::start`.
        place.wanted.load(Ordering::Relaxed) & 1 << index == 0
            || place.done[index].load(Ordering::Acquire) >= count
    };
    PLACES.iter().all(is_done) && is_registered(signal, ours())
}

/// Lets the copy that was there before decide: restores its handler and raises the signal again. Does nothing if there
/// is none, or if another handler was registered over this one.
pub fn pass_on(signal: c_int) {
    let Some(index) = index_of(signal) else { return };
    let _one_at_a_time = CHANGING.lock();
    // ORDER: relaxed; under the lock, and stored before the handler was registered.
    let is_copy = PREVIOUS[index].is_copy.load(Ordering::Relaxed);
    if is_copy && is_registered(signal, ours()) {
        restore(index);
        raise(signal);
    }
}

/// Whether a disposition is that of a copy of this module without a host's handler before it.
fn is_marked(action: &libc::sigaction) -> bool {
    // The real-time signals after 31 differ between systems.
    (1..32).all(|signal| {
        // SAFETY: invariant 2.
        let is_member = unsafe { libc::sigismember(&raw const action.sa_mask, signal) } == 1;
        is_member == MARK.contains(&signal)
    })
}

fn mark(action: &mut libc::sigaction) {
    // SAFETY: invariant 2.
    unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    for signal in MARK {
        // SAFETY: invariant 2.
        unsafe { libc::sigaddset(&raw mut action.sa_mask, signal) };
    }
}

/// Ends the process as the signal does by default.
pub fn end_by_default(signal: c_int) -> ! {
    set_default_and_raise(signal);
    // The signal is blocked in every thread.
    std::process::exit(128 + signal)
}

fn set_default_and_raise(signal: c_int) {
    // SAFETY: invariant 2: all zeros are a valid disposition, the default one.
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: invariant 2.
    unsafe { libc::sigaction(signal, &raw const default, ptr::null_mut()) };
    raise(signal);
}

/// Sends the signal to this process.
fn raise(signal: c_int) {
    // SAFETY: invariant 2: no pointers, and none below.
    let process = unsafe { libc::getpid() };
    // SAFETY: as above.
    unsafe { libc::kill(process, signal) };
}

fn ours() -> usize {
    handle as *const () as usize
}

fn current(signal: c_int) -> io::Result<libc::sigaction> {
    // SAFETY: invariant 2.
    let mut current: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: invariant 2.
    match unsafe { libc::sigaction(signal, ptr::null(), &raw mut current) } {
        0 => Ok(current),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Registers the handler unless it is registered or others call it.
fn register(index: usize) -> io::Result<()> {
    let (signal, previous) = (SIGNALS[index], &PREVIOUS[index]);
    // ORDER: relaxed; under the lock.
    if previous.is_replaced.load(Ordering::Relaxed) {
        return Ok(());
    }
    let before = current(signal)?;
    // ORDER: relaxed; the system call that follows orders it before the handler's first run (invariant 3).
    previous.handler.store(before.sa_sigaction, Ordering::Relaxed);
    previous.flags.store(before.sa_flags, Ordering::Relaxed);
    let is_copy = before.sa_sigaction > libc::SIG_IGN && is_marked(&before);
    previous.is_copy.store(is_copy, Ordering::Relaxed);
    let mut action = before;
    if is_copy || before.sa_sigaction == libc::SIG_DFL {
        mark(&mut action);
    }
    action.sa_sigaction = ours();
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: invariants 1 and 2; the handler has the signature that SA_SIGINFO asks for.
    if unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // ORDER: relaxed; under the lock.
    previous.is_replaced.store(true, Ordering::Relaxed);
    Ok(())
}

/// Restores the earlier disposition unless another handler was registered over ours.
fn restore(index: usize) {
    let (signal, previous) = (SIGNALS[index], &PREVIOUS[index]);
    let Ok(mut action) = current(signal) else { return };
    // ORDER: relaxed; under the lock.
    if !previous.is_replaced.load(Ordering::Relaxed) || action.sa_sigaction != ours() {
        return;
    }
    // ORDER: relaxed; under the lock.
    action.sa_sigaction = previous.handler.load(Ordering::Relaxed);
    action.sa_flags = previous.flags.load(Ordering::Relaxed);
    // ORDER: relaxed; under the lock.
    if !previous.is_copy.load(Ordering::Relaxed) && is_marked(&action) {
        // SAFETY: invariant 2.
        unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    }
    // SAFETY: invariants 2 and 3.
    if unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } == 0 {
        // ORDER: relaxed; under the lock.
        previous.is_replaced.store(false, Ordering::Relaxed);
    }
}

extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(index) = index_of(signal) else { return };
    // SAFETY: invariant 1: the address of a thread-local of the C library.
    let place = unsafe { errno_place() };
    // SAFETY: as above.
    let errno = unsafe { *place };
    // ORDER: relaxed; stored before the handler was registered, here and below (invariant 3).
    let handler = PREVIOUS[index].handler.load(Ordering::Relaxed);
    let flags = PREVIOUS[index].flags.load(Ordering::Relaxed);
    // SAFETY: invariant 1: no arguments.
    let is_forked = unsafe { libc::getpid() } != PROCESS.load(Ordering::Relaxed);
    // ORDER: relaxed; the write to a socket orders it before the watcher's work.
    RECEIVED[index].fetch_add(1, Ordering::Relaxed);
    let is_watched = !is_forked && tell_watchers(index, signal as u8);
    // Under another handler, that one decides: it may be a copy that has watchers.
    let is_left = !is_forked && !is_watched && is_registered(signal, ours());
    match handler {
        libc::SIG_DFL if is_forked || is_left => set_default_and_raise(signal),
        libc::SIG_DFL | libc::SIG_IGN => {}
        // ORDER: relaxed; see above.
        handler if is_left && PREVIOUS[index].is_copy.load(Ordering::Relaxed) => {
            call_registered(handler, flags, signal, info, context);
        }
        handler => call(handler, flags, signal, info, context),
    }
    // SAFETY: as above.
    unsafe { *place = errno };
}

#[cfg(target_os = "linux")]
use libc::__errno_location as errno_place;

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
use libc::__errno as errno_place;

#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
use libc::__error as errno_place;

/// Returns whether there is a watcher.
fn tell_watchers(index: usize, byte: u8) -> bool {
    let mut is_watched = false;
    for place in &PLACES {
        // ORDER: relaxed; a socket is stored before its place is first taken, and never closed.
        if place.wanted.load(Ordering::Relaxed) & 1 << index != 0 {
            let socket = place.socket.load(Ordering::Relaxed);
            // SAFETY: invariants 1 and 2: the byte is valid, and the socket is open.
            unsafe { libc::write(socket, (&raw const byte).cast(), 1) };
            is_watched = true;
        }
    }
    is_watched
}

fn is_registered(signal: c_int, handler: usize) -> bool {
    current(signal).is_ok_and(|current| current.sa_sigaction == handler)
}

/// Calls the handler of the copy that was there before as the registered one, so that it, too, finds out whether it was
/// left without a watcher.
fn call_registered(
    handler: usize,
    flags: c_int,
    signal: c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let Ok(own) = current(signal) else { return call(handler, flags, signal, info, context) };
    let mut action = own;
    (action.sa_sigaction, action.sa_flags) = (handler, flags);
    // SAFETY: invariants 2 and 3.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    call(handler, flags, signal, info, context);
    // Otherwise it has ended the process, or someone has registered another handler.
    if is_registered(signal, handler) {
        // SAFETY: invariant 2: `own` is what the system returned.
        unsafe { libc::sigaction(signal, &raw const own, ptr::null_mut()) };
    }
}

/// Calls the handler that was there before.
fn call(
    handler: usize,
    flags: c_int,
    signal: c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    if flags & libc::SA_SIGINFO != 0 {
        type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void);
        // SAFETY: invariant 3.
        let handler: Handler = unsafe { std::mem::transmute::<usize, Handler>(handler) };
        handler(signal, info, context);
    } else {
        type Handler = extern "C" fn(c_int);
        // SAFETY: invariant 3.
        let handler: Handler = unsafe { std::mem::transmute::<usize, Handler>(handler) };
        handler(signal);
    }
}
