//! Settings of what survives a kill, and the parts of an engine that they lead to.
use std::sync::Arc;
use std::time::Duration;

use super::{Config, Format, InitError, Output};
use crate::core::filter::Filter;
use crate::core::level::LevelFilter;
use crate::encode::layout::Layout;
use crate::engine::recovery::{self, Claimed, Expected};
use crate::engine::rings::{Recovery, Rings};
use crate::engine::run_id;
use crate::recover::boot::boot_id;
use crate::recover::engine_file::{RunFacts, SinkFacts};
use crate::recover::home::{Home, WriterHome};
use crate::writer::recovery::{AdoptedSink, Adoption, Recovering, RecoveryState};
use crate::writer::stderr::Stderr;
use crate::writer::{OutputConfig, WriterConfig, tables_of};
use ringseal_base::clock::Clock;
use ringseal_base::storage::{OsStorage, Storage};

pub mod on_storage;

/// What the settings say.
#[derive(Debug, Clone, Default)]
pub(super) struct Survival {
    pub(super) rings: Option<Rings>,
    pub(super) recovery: Recovery,
}

/// What survives a kill, while the engine starts.
#[derive(Debug, Default)]
pub(super) struct Starting {
    /// The directory of homes.
    dir: Option<std::path::PathBuf>,
    program: String,
    claimed: Vec<Claimed>,
    state: Arc<RecoveryState>,
}

impl Starting {
    /// Whether events of an earlier run will be written.
    pub(super) fn has_claimed(&self) -> bool {
        !self.claimed.is_empty()
    }
}

/// The same once the sinks are open.
#[derive(Debug, Default)]
pub(in crate::engine) struct Survivors {
    pub(in crate::engine) home: Option<WriterHome>,
    pub(in crate::engine) recovering: Option<Recovering>,
    pub(in crate::engine) state: Arc<RecoveryState>,
    pub(in crate::engine) wait: Duration,
}

/// An output's format, and whether it is coloured.
pub(super) type Look = (Format, bool);

impl Config {
    /// Keeps events that a log call has returned from, whenever and however the process ends: the rings are in files of
    /// `rings`, and the next start with the same log writes what is missing there, each line once and marked
    /// `"recovered":true`. See docs/crash-recovery.md. Default: events that are still in rings are lost if the process
    /// is killed.
    ///
    /// A log call costs the same; the first event of a thread some system calls more.
    #[must_use]
    pub fn survive_kill(mut self, rings: Rings) -> Self {
        self.survival.rings = Some(rings);
        self
    }

    /// How this start treats the events of runs that were killed. Default [`Recovery::Background`].
    #[must_use]
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.survival.recovery = recovery;
        self
    }

    /// Finds what earlier runs have left, before the sinks are opened.
    pub(super) fn begin_survival(
        &self,
        outputs: &[Output],
        (now_unix_nanos, stderr): (i64, &Stderr),
    ) -> Result<Starting, InitError> {
        let mut starting = Starting::default();
        let Some(rings) = &self.survival.rings else { return Ok(starting) };
        match rings.open(self.ring_bytes) {
            Ok(dir) => starting.dir = Some(dir),
            Err(error) if rings.is_required => return Err(InitError::Rings(error)),
            Err(error) => {
                stderr.write(format_args!("events do not survive a kill: {error}"));
                return Ok(starting);
            }
        }
        starting.program = rings.program();
        if let (Some(dir), true) = (&starting.dir, self.survival.recovery != Recovery::Off) {
            let storage: Arc<dyn Storage> = Arc::new(OsStorage);
            let expected: Vec<Expected> = recovery::expected(&*storage, outputs);
            let Starting { program, state, .. } = &starting;
            starting.claimed =
                recovery::claim(&storage, dir, program, &expected, (state, now_unix_nanos));
        }
        Ok(starting)
    }

    /// Makes the home of this run, and passes on what is to be recovered.
    pub(super) fn finish_survival(
        &mut self,
        starting: Starting,
        (looks, writer): (&[Look], &WriterConfig),
        (clock, stderr, audit_name): (&Arc<dyn Clock>, &Stderr, &str),
    ) -> Result<Survivors, InitError> {
        let Starting { dir, program, claimed, state } = starting;
        let Some(dir) = dir else { return Ok(Survivors { state, ..Survivors::default() }) };
        let facts = facts_of(&writer.outputs);
        let run = RunFacts {
            run_id: self.flat.run_id.clone(),
            program,
            audit: audit_name.to_owned(),
            pid: std::process::id(),
            boot: boot_id(),
            started_unix_nanos: clock.unix_nanos(),
        };
        claimed.iter().for_each(|one| tell_missing_sinks(one, &state));
        let adoptions =
            claimed.into_iter().map(|one| self.adoption(one, &facts, looks, &writer.outputs));
        let adoptions = adoptions.collect();
        // Named after the time, so that a listing is in order.
        let name = format!("{:020}-{}", run.started_unix_nanos.max(0), run_id::generate());
        let home = match Home::create(&dir, &name, &run, (&facts, tables_of(writer))) {
            Ok(home) => Some(home),
            Err(source) if self.survival.rings.as_ref().is_some_and(|rings| rings.is_required) => {
                return Err(InitError::Home { dir, source });
            }
            Err(source) => {
                stderr.write(format_args!(
                    "events do not survive a kill: {}: {source}",
                    dir.display()
                ));
                None
            }
        };
        let (redaction, fields) = (writer.redaction.clone(), writer.static_fields.clone());
        let mut recovering = Recovering::new(redaction, fields, Arc::clone(clock));
        (recovering.adoptions, recovering.state) = (adoptions, Arc::clone(&state));
        let wait = match self.survival.recovery {
            Recovery::Wait(timeout) => timeout,
            _ => Duration::ZERO,
        };
        Ok(Survivors { home, recovering: Some(recovering), state, wait })
    }

    /// Which sinks of this run are sinks of a home, and how their lines look.
    fn adoption(
        &mut self,
        claimed: Claimed,
        facts: &[SinkFacts],
        looks: &[Look],
        outputs: &[OutputConfig],
    ) -> Adoption {
        let Claimed { home, lines_done } = claimed;
        let own_run = std::mem::replace(&mut self.flat.run_id, home.image.run.run_id.clone());
        let mut sinks = Vec::new();
        let mut places = outputs
            .iter()
            .enumerate()
            .flat_map(|(output, config)| (0..config.sinks.len()).map(move |sink| (output, sink)));
        for own in facts {
            let Some((output, sink)) = places.next() else { break };
            let dead = home.image.sinks.iter().position(|dead| dead.facts.is_same(own));
            let Some((dead, Some(lines_done))) = dead.map(|dead| (dead, lines_done[dead])) else {
                continue;
            };
            let (format, is_colored) = looks[output];
            let layout = self.layout(format, is_colored);
            let OutputConfig { level, filter, .. } = &outputs[output];
            sinks.push(adopted(
                (output, sink, dead),
                layout,
                (*level, filter.clone()),
                own,
                lines_done,
            ));
        }
        self.flat.run_id = own_run;
        Adoption { home, sinks, has_other_audit: false, failed: None }
    }
}

fn adopted(
    (output, sink, dead): (usize, usize, usize),
    layout: Layout,
    (level, filter): (LevelFilter, Option<Filter>),
    facts: &SinkFacts,
    lines_done: u64,
) -> AdoptedSink {
    let is_json = matches!(layout, Layout::Json(_) | Layout::Ecs(_));
    let (is_file, layout) = (facts.log_id.is_some(), Some(layout));
    AdoptedSink { output, sink, dead, is_file, layout, is_json, level, filter, lines_done }
}

/// Reports the sinks of a home that this run does not have: what they lack is not written.
fn tell_missing_sinks(claimed: &Claimed, state: &RecoveryState) {
    for (sink, done) in claimed.home.image.sinks.iter().zip(&claimed.lines_done) {
        if done.is_none() {
            let reason = "is not a sink of this run, so what it lacks is not written";
            let reason = format!("{} {reason}", sink.facts.name);
            state.note_left(claimed.home.dir().to_owned(), reason);
        }
    }
}

/// The sinks of these outputs, in their order.
fn facts_of(outputs: &[OutputConfig]) -> Vec<SinkFacts> {
    let sinks = outputs.iter().enumerate().flat_map(|(output, config)| {
        config.sinks.iter().map(move |sink| SinkFacts {
            name: sink.name().to_owned(),
            log_id: sink.log_id(),
            output,
        })
    });
    sinks.collect()
}

#[cfg(all(test, target_os = "linux", not(miri), not(loom)))]
mod tests;
