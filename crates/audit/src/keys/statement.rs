//! Statements: entries of the log that an epoch's key signs (a new key, a recovery, a removal).
//!
//! The signed text names the log, so that a statement cannot be moved to another log. Its prefix prevents that a
//! checkpoint is accepted as a statement. Promises: one allocation per call, of the message's size.
use super::super::note::{Signer, Verifier};

const PREFIX: &str = "ringseal audit statement v1\n";

fn message(origin: &str, statement: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX.len() + origin.len() + 1 + statement.len());
    bytes.extend_from_slice(PREFIX.as_bytes());
    bytes.extend_from_slice(origin.as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(statement);
    bytes
}

/// Signs `statement`: an entry's line up to `,"signature":"`. The origin is the key's name.
pub fn sign_statement(signer: &Signer, statement: &[u8]) -> [u8; 64] {
    signer.sign_bytes(&message(signer.verifier().name(), statement))
}

/// Whether `signature` is a signature of `statement` by `key`.
pub fn verify_statement(key: &Verifier, statement: &[u8], signature: &[u8; 64]) -> bool {
    key.verify(&message(key.name(), statement), signature)
}
