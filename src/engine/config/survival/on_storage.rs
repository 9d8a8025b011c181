//! Recovery on any storage: the steps of a start that has a log and homes, without threads that log and without a home
//! of its own. For fuzzing, which damages the homes.
//!
//! Promises: what recovery writes is in the log when this returns. A damaged home is an entry of the report; only a log
//! that cannot be opened is an error.
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::bounded;

use super::facts_of;
use crate::engine::config::output::Destination;
use crate::engine::config::{Config, Format, Output};
use crate::engine::recovery;
use crate::sink::{Sink, SinkError};

use crate::sink::file::{FileConfig, FileSink};
use crate::writer::control::Control;
use crate::writer::link::Link;
use crate::writer::recovery::{Recovering, RecoveryReport, RecoveryState};
use crate::writer::{OutputConfig, RedactionConfig, Writer, WriterConfig};
use ringseal_base::clock::Clock;
use ringseal_base::storage::Storage;

/// Recovers the homes in `ring_dir` into a log of JSON lines, as the next start of `program` does.
///
/// # Errors
/// If the log cannot be opened.
pub fn recover_on(
    storage: &Arc<dyn Storage>,
    ring_dir: &Path,
    program: &str,
    log: FileConfig,
    clock: &Arc<dyn Clock>,
) -> Result<RecoveryReport, SinkError> {
    let (now, state) = (clock.now(), Arc::<RecoveryState>::default());
    let mut outputs = vec![Output::file(log)];
    let expected = recovery::expected(&**storage, &outputs);
    let claimed = recovery::claim(storage, ring_dir, program, &expected, (&*state, now.unix_nanos));
    outputs.iter_mut().for_each(|output| output.discard_torn(!claimed.is_empty()));
    let mut config = Config::new();
    config.flat.run_id = "recover-on".to_owned();
    let writer = WriterConfig {
        outputs: open(&config, outputs, storage, clock)?,
        batch_bytes_max: 1 << 16,
        held_bytes_max: 1 << 20,
        reorder_window_nanos: 0,
        publishes_time: false,
        redaction: RedactionConfig::default(),
        static_fields: Vec::new(),
        hooks: Vec::new(),
        observing: Default::default(),
    };
    let facts = facts_of(&writer.outputs);
    let adopt = |one| config.adoption(one, &facts, &[(Format::Json, false)], &writer.outputs);
    let adoptions = claimed.into_iter().map(adopt).collect();
    let clock_again = Arc::clone(clock);
    let mut recovering = Recovering::new(RedactionConfig::default(), Vec::new(), clock_again);
    (recovering.adoptions, recovering.state) = (adoptions, Arc::clone(&state));
    run(writer, recovering, clock);
    Ok(state.report().unwrap_or_default())
}

fn open(
    config: &Config,
    outputs: Vec<Output>,
    storage: &Arc<dyn Storage>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<OutputConfig>, SinkError> {
    let mut opened = Vec::new();
    for Output { destination, level, filter, .. } in outputs {
        let Destination::File(file) = destination else { continue };
        let sink = FileSink::open_on(Arc::clone(storage), file, clock.now())?;
        let sinks: Vec<Box<dyn Sink>> = vec![Box::new(sink)];
        opened.push(OutputConfig {
            layout: config.layout(Format::Json, false),
            level,
            filter,
            sinks,
        });
    }
    Ok(opened)
}

/// Runs a writer that recovers and ends.
fn run(config: WriterConfig, recovering: Recovering, clock: &Arc<dyn Clock>) {
    let (link, inbox) = Link::new();
    let writer = Writer::new(config, Arc::clone(&link), inbox, Arc::clone(clock));
    let mut writer = writer.with_recovery(Some(recovering));
    writer.recover();
    let (reply, _answer) = bounded(1);
    if link.call(Control::Stop(reply)).is_ok() {
        writer.step(clock.ticks());
    }
}
