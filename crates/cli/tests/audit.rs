//! `ringseal audit` and `ringseal demo --audit`, run as processes.
#[path = "audit/demo.rs"]
mod demo;
#[cfg(unix)]
#[path = "audit/differential.rs"]
mod differential;
#[cfg(unix)]
#[path = "audit/keyless_fsck.rs"]
mod keyless_fsck;
#[cfg(unix)]
#[path = "audit/operations.rs"]
mod operations;
#[cfg(unix)]
#[path = "audit/oracle.rs"]
mod oracle;
#[path = "audit/proofs.rs"]
mod proofs;
#[cfg(unix)]
#[path = "audit/random_differential.rs"]
mod random_differential;
#[path = "audit/reading.rs"]
mod reading;
#[path = "audit/support.rs"]
mod support;
#[path = "audit/tamper.rs"]
mod tamper;
#[path = "audit/timestamp.rs"]
mod timestamp;
