//! The process: a hook that runs at its normal exit, signals that others may handle, too, and whether it was forked.
//!
//! Promises: nothing here decides that the process ends, except [`signal::end_by_default`], which its caller calls.
//! Registering is the control plane; the signal handler makes one system call for each watcher.
pub mod exit;
pub mod file_size;
pub mod fork;
#[cfg(unix)]
pub mod signal;
