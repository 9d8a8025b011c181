//! Recovery of the homes of dead runs: what their rings still have goes to this run's sinks, each line once.
//!
//! Recovery is the dead writer resumed: a writer over copies of the dead run's rings, with its clock, call sites and
//! contexts, collects the missing lines of each sink in a file of the home, the *stage* ([`collect`]). Once all stages
//! are complete, they are written to the sinks, whose progress goes to the dead run's own commit records ([`deliver`]).
//! So a crash during recovery is one more crash: before the stages are complete they are made again, and afterwards
//! the sinks' files say how far the stages were written.
//!
//! A sink has two records of how far it is: this run's and the dead one's. Only one follows the sink at a time. The
//! other is *closed*: it names no place in a file, so that its number of lines counts whatever the file has.
//!
//! Promises: runs on the writer thread before its first turn, so that old lines precede new ones. Producers log
//! meanwhile; those whose rings fill up have turns in between ([`give_way`]). Memory: what waits in the rings, once. A
//! home whose recovery fails is left to the next start, and after three failures set aside; nothing here fails the
//! service.
#[cfg(feature = "audit")]
pub mod audit;
mod collect;
mod deliver;
mod give_way;
mod report;
pub mod show;
mod stage;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use self::report::{RecoveredRun, RecoveryReport, RecoveryState};
use super::{RedactionConfig, Writer};
use crate::core::filter::Filter;
use crate::core::level::LevelFilter;
use crate::encode::layout::Layout;
use crate::recover::dead::DeadHome;
use crate::recover::engine_file::State;
use ringseal_base::clock::{Clock, Now};
use ringseal_base::panic::panic_message;

/// A home to recover, and where its lines go.
#[derive(Debug)]
pub struct Adoption {
    /// The home. How far its sinks are is settled.
    pub home: DeadHome,
    /// The sinks of this run that are sinks of the home.
    pub sinks: Vec<AdoptedSink>,
    /// It has events of an audit log that is not this run's.
    pub has_other_audit: bool,
    /// Why its audit events could not be collected.
    pub failed: Option<String>,
}

impl Adoption {
    /// Notes how far each sink is, whatever its files have.
    fn close_sinks(&self) -> io::Result<()> {
        for sink in &self.sinks {
            if let Some(image) = self.home.image.sinks.get(sink.dead) {
                self.home.close_commit_at(sink.dead, image.stage_first + sink.lines_done)?;
            }
        }
        Ok(())
    }
}

/// A sink of this run that was a sink of the dead one.
#[derive(Debug)]
pub struct AdoptedSink {
    /// The output, by number.
    pub output: usize,
    /// The sink in it, by number.
    pub sink: usize,
    /// The sink in the home, by number.
    pub dead: usize,
    /// Whether it writes files, which say how far they are.
    pub is_file: bool,
    /// How the dead run's lines look: with its run id.
    pub layout: Option<Layout>,
    /// Whether lines are JSON objects.
    pub is_json: bool,
    /// The levels that the output takes.
    pub level: LevelFilter,
    /// The targets that it takes.
    pub filter: Option<Filter>,
    /// Lines of the stage that are in place already, if an earlier recovery was interrupted.
    pub lines_done: u64,
}

/// What recovery needs besides the homes.
#[derive(Debug)]
pub struct Recovering {
    /// The homes, oldest first.
    pub adoptions: Vec<Adoption>,
    /// How events are redacted now.
    pub redaction: RedactionConfig,
    /// Fields of every line: the entries of a map.
    pub static_fields: Vec<u8>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Receives the report.
    pub state: Arc<RecoveryState>,
    /// Bytes of lines that are recovered before rings that fill up have a turn.
    slice_bytes: usize,
    /// Called after each slice, which a turn follows in any case.
    #[cfg(test)]
    between: Option<Between>,
}

impl Recovering {
    /// Of no home.
    pub fn new(redaction: RedactionConfig, static_fields: Vec<u8>, clock: Arc<dyn Clock>) -> Self {
        Recovering {
            adoptions: Vec::new(),
            redaction,
            static_fields,
            clock,
            state: Arc::default(),
            slice_bytes: SLICE_BYTES,
            #[cfg(test)]
            between: None,
        }
    }

    /// Calls a function after each slice of this many bytes, and takes a turn then.
    #[cfg(test)]
    pub fn interrupt(&mut self, slice_bytes: usize, between: impl FnMut() + Send + 'static) {
        self.slice_bytes = slice_bytes;
        self.between = Some(Between(parking_lot::Mutex::new(Box::new(between))));
    }
}

/// Bytes of lines in a slice: what takes about a millisecond.
const SLICE_BYTES: usize = 256 << 10;

/// A function that a test calls in recovery.
#[cfg(test)]
struct Between(parking_lot::Mutex<Box<dyn FnMut() + Send>>);

#[cfg(test)]
impl std::fmt::Debug for Between {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Between")
    }
}

/// Whether an error says that the home cannot be recovered. Those of sinks have no kind.
fn is_of_home(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, Other, QuotaExceeded, StorageFull};
    !matches!(error.kind(), FileTooLarge | Other | QuotaExceeded | StorageFull)
}

impl Writer {
    /// Recovers the homes. Called once, before the first turn.
    pub(crate) fn recover(&mut self) {
        let Some(mut recovering) = self.recovering.take() else { return };
        self.attach_commits();
        let adoptions = std::mem::take(&mut recovering.adoptions);
        // Before the first line of this run.
        let is_delivering = |one: &&Adoption| one.home.image.state == Some(State::Delivering);
        for adoption in adoptions.iter().filter(is_delivering) {
            // If this fails, lines of this run may be taken for those of the dead one after another crash.
            let _ = adoption.close_sinks();
        }
        let mut runs = Vec::new();
        for adoption in adoptions {
            let now = recovering.clock.now();
            let run = self.recover_home(adoption, &recovering, now);
            self.tell(&run, recovering.clock.now());
            runs.push(run);
        }
        recovering.state.finish(runs);
    }

    /// Recovers one home.
    fn recover_home(
        &mut self,
        mut adoption: Adoption,
        settings: &Recovering,
        now: Now,
    ) -> RecoveredRun {
        let mut run = RecoveredRun::of(&adoption.home.image);
        // A record that makes the code panic is a failure of this home, not of the engine.
        let recover = || self.try_recover(&mut adoption, settings, &mut run, now);
        let result = catch_unwind(AssertUnwindSafe(recover));
        let (error, is_of_home) = match result {
            Ok(Ok(())) if adoption.has_other_audit => {
                run.error = Some("it has events of another audit log".to_owned());
                run.set_aside = adoption.home.set_aside().ok();
                return run;
            }
            Ok(Ok(())) => {
                // A home that stays is empty, which its state says.
                let _ = adoption.home.remove();
                return run;
            }
            Ok(Err(error)) => (error.to_string(), is_of_home(&error)),
            Err(panic) => {
                (format!("panicked: {}", panic_message(&*panic).unwrap_or_default()), true)
            }
        };
        run.error = Some(error);
        self.end_delivery(&adoption);
        // A full disk is not the home's fault: the next start has another try.
        if is_of_home && adoption.home.note_failure().unwrap_or(false) {
            run.set_aside = adoption.home.set_aside().ok();
        }
        let _ = adoption.home.end_attempt();
        run
    }

    fn try_recover(
        &mut self,
        adoption: &mut Adoption,
        settings: &Recovering,
        run: &mut RecoveredRun,
        now: Now,
    ) -> io::Result<()> {
        adoption.home.begin()?;
        if adoption.home.image.state != Some(State::Delivering) {
            collect::collect(adoption, (settings, self), run, now)?;
            self.tell_recovered(run, settings.clock.now());
            // From now on the records count lines of the stages.
            adoption.close_sinks()?;
            adoption.home.set_state(State::Delivering)?;
        }
        self.deliver_stages(adoption, settings, run)?;
        if let Some(error) = adoption.failed.take() {
            return Err(io::Error::other(error));
        }
        if adoption.home.has_unsealed() {
            return Err(io::Error::other("its audit events could not be sealed"));
        }
        adoption.home.set_state(State::Drained)
    }
}
