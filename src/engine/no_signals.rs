//! The feature `signals` on a system without signals of Unix: asking for a reaction is an error at the start.
use std::io;
use std::sync::Arc;

use super::config::Reactions;
use crate::emit::shared::Shared;

/// Nothing waits.
#[derive(Debug)]
pub(super) struct Signals;

impl Signals {
    pub(super) fn start(_: &Arc<Shared>, reactions: Reactions) -> io::Result<Option<Signals>> {
        match reactions {
            Reactions::None => Ok(None),
            Reactions::Hangup | Reactions::All => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this system has no signals; flush or stop the engine where the program ends",
            )),
        }
    }
}
