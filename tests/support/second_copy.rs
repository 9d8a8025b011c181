//! A library with a copy of the engine, loaded into a process that has another one.
use std::ffi::{CStr, c_char};
use std::sync::Mutex;

static ENGINE: Mutex<Option<ringseal::Engine>> = Mutex::new(None);

/// Starts a global engine that writes to `path`. Returns whether it runs.
#[unsafe(no_mangle)]
pub extern "C" fn second_start(path: *const c_char) -> bool {
    // SAFETY: the caller passes a text that ends with a NUL.
    let path = unsafe { CStr::from_ptr(path) }.to_str().unwrap_or_default();
    let engine = ringseal::init(ringseal::Config::new().file(path).signals(true));
    let is_running = engine.is_ok();
    *ENGINE.lock().unwrap() = engine.ok();
    is_running
}

#[unsafe(no_mangle)]
pub extern "C" fn second_log(number: u64) {
    ringseal::info!("second", number);
}

/// Ends the engine.
#[unsafe(no_mangle)]
pub extern "C" fn second_end() {
    *ENGINE.lock().unwrap() = None;
}
