//! The end of a process: a hook that runs at a normal exit, and signals that others may handle, too.
//!
//! Promises: nothing here decides that the process ends, except [`signal::end_by_default`], which its caller calls.
//! Registering is the control plane; the signal handler makes one system call for each watcher.
pub mod exit;
pub mod file_size;
#[cfg(unix)]
pub mod signal;
