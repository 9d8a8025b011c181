//! Homes of runs that were killed, and what a damaged one may lead to.
//!
//! The scene has two homes of one log: the golden one of `tests/golden`, and one of a run of this program that is
//! copied while its writer is held. The log says of the second home how far it is, and its last lines are in a spool.
pub mod change;
pub mod peek;
pub mod recover;
mod scene;

pub use scene::{Identity, LOG, LOG_ID, RINGS, Scene, scene};

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;

/// Names and bytes.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What makes a logged event itself; `None` for those of the engine.
///
/// # Panics
/// If the line is not one of the events of the scene.
pub fn identity_of(line: &Json) -> Option<Identity> {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let event = text("event");
    if event.starts_with("ringseal.") {
        return None;
    }
    let number = |key: &str| line[key].as_u64().unwrap_or(0);
    Some(Identity { run: text("run_id"), event, lane: number("lane"), number: number("number") })
}
