//! Before the sinks are opened: finds the homes of runs that were killed, and asks the logs' files how far each was.
//!
//! Opening a log cuts torn lines, finishes rotations and removes old segments, so the files are asked before that. The
//! answer is settled in the home before anything changes.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::Output;
use crate::recover::boot::boot_id;
use crate::recover::dead::{ClaimError, DeadHome, Plan, Seen, candidates, remove_remains};
use crate::recover::engine_file::{SinkFacts, State};
use crate::recover::sink_place::{lines_written, stage_done};
use crate::sink::file::read_log_id;
use crate::writer::recovery::RecoveryState;
use ringseal_base::storage::Storage;

/// A home to recover.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) home: DeadHome,
    /// For each of its sinks, how many lines of its stage are in place already; `None` for a sink that this run does
    /// not have.
    pub(super) lines_done: Vec<Option<u64>>,
}

/// A sink of this run before it is open.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) facts: SinkFacts,
    pub(super) path: Option<PathBuf>,
}

/// The sinks that these outputs will have.
pub(super) fn expected(storage: &dyn Storage, outputs: &[Output]) -> Vec<Expected> {
    let facts = |output: &Output| {
        let path = output.log_path().map(Path::to_owned);
        let log_id = path.as_ref().and_then(|path| read_log_id(storage, path).ok().flatten());
        Expected { facts: SinkFacts { name: output.sink_name(), log_id, output: 0 }, path }
    };
    outputs.iter().map(facts).collect()
}

/// Claims the homes in `ring_dir` that are to be recovered, oldest first.
pub(super) fn claim(
    storage: &Arc<dyn Storage>,
    ring_dir: &Path,
    program: &str,
    expected: &[Expected],
    (state, now_unix_nanos): (&RecoveryState, i64),
) -> Vec<Claimed> {
    remove_remains(storage, ring_dir, now_unix_nanos);
    let dirs = match candidates(&**storage, ring_dir) {
        Ok(dirs) => dirs,
        Err(error) => {
            state.note_left(ring_dir.to_owned(), error.to_string());
            return Vec::new();
        }
    };
    let mut claimed = Vec::new();
    for dir in dirs {
        match claim_one(storage, &dir, program, expected) {
            Ok(Ok(one)) => claimed.push(one),
            Ok(Err("")) => {}
            Ok(Err(reason)) => state.note_left(dir, reason.to_owned()),
            Err(error) => state.note_left(dir, error.to_string()),
        }
    }
    claimed.sort_by_key(|one| one.home.image.run.started_unix_nanos);
    claimed
}

/// Claims a home; or why it is left alone, without words if there is nothing to tell.
fn claim_one(
    storage: &Arc<dyn Storage>,
    dir: &Path,
    program: &str,
    expected: &[Expected],
) -> io::Result<Result<Claimed, &'static str>> {
    let home = match DeadHome::claim(storage, dir) {
        Ok(home) => home,
        Err(ClaimError::Locked) => return Ok(Err("")),
        Err(ClaimError::Home(error)) => return Err(io::Error::other(error)),
        Err(ClaimError::Io(error)) => return Err(error),
    };
    let find = |facts: &SinkFacts| expected.iter().find(|sink| facts.is_same(&sink.facts));
    // Streams have no identity but their name, which all programs share.
    let is_ours = |facts: &SinkFacts| {
        find(facts).is_some() && (facts.log_id.is_some() || home.image.run.program == program)
    };
    let seen = Seen {
        is_locked: false,
        is_readable: true,
        state: home.image.state,
        has_failed: home.has_failed(),
        is_ours: home.image.sinks.iter().any(|sink| is_ours(&sink.facts)),
        is_same_boot: home.image.run.boot == boot_id(),
    };
    match seen.plan() {
        Plan::LeaveToOwner => Ok(Err("")),
        Plan::LeaveUnread => Ok(Err("its state is unknown")),
        Plan::LeaveToItsLog => Ok(Err("its log is another one")),
        Plan::LeaveOldBoot => Ok(Err(
            "it was made before the machine started, so its pages may be from any time; use ringseal recover \
             --after-power-loss",
        )),
        Plan::Remove => home.remove().map(|()| Err("")),
        Plan::SetAside => {
            home.set_aside().map(|_| Err("its recovery has failed too often; it was set aside"))
        }
        Plan::Recover => {
            let places: Vec<Option<&Expected>> =
                home.image.sinks.iter().map(|sink| find(&sink.facts)).collect();
            let places: Vec<Option<Option<PathBuf>>> =
                places.into_iter().map(|place| place.map(|sink| sink.path.clone())).collect();
            settle(home, &places).map(Ok)
        }
    }
}

/// Asks the files how far the sinks are, and notes the answers in the home.
fn settle(mut home: DeadHome, places: &[Option<Option<PathBuf>>]) -> io::Result<Claimed> {
    let mut lines_done = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let Some(place) = place else {
            lines_done.push(None);
            continue;
        };
        let done = match home.image.state {
            Some(State::Running) => {
                let (lines, unsure) = lines_written(&home, index, place.as_deref())?;
                home.settle(index, lines, unsure)?;
                0
            }
            Some(State::Delivering) => stage_done(&home, index, place.as_deref())?,
            _ => 0,
        };
        lines_done.push(Some(done));
    }
    if home.image.state == Some(State::Running) {
        home.set_state(State::Collecting)?;
    }
    Ok(Claimed { home, lines_done })
}
