//! A configuration is checked, its outputs are opened, and it is taken apart for the engine.
use std::sync::Arc;
use std::time::Duration;

use super::survival::Look;
use super::{Config, Format, InitError, Output, Survivors, Timestamps};
use crate::core::filter::Filter;
use crate::core::level::Level;
use crate::emit::lane_settings::{LaneClock, LaneSettings};
use crate::emit::overflow::Overflow;
use crate::engine::panic_hook::PanicOutput;
use crate::engine::redaction;
use crate::writer::rotations::Rotations;
use crate::writer::run::ThreadConfig;
use crate::writer::stderr::Stderr;
use crate::writer::{OutputConfig, RedactionConfig, WriterConfig};
use ringseal_base::clock::{Clock, SystemClock, TickSource, tick_source};

/// A configuration taken apart for the engine.
pub(in crate::engine) struct Parts {
    pub(in crate::engine) filter: Filter,
    pub(in crate::engine) overflow: [Overflow; Level::COUNT],
    pub(in crate::engine) lanes: LaneSettings,
    pub(in crate::engine) writer: WriterConfig,
    pub(in crate::engine) thread: ThreadConfig,
    pub(in crate::engine) shutdown_timeout: Duration,
    pub(in crate::engine) flush_timeout: Duration,
    pub(in crate::engine) panic_hook: Option<PanicOutput>,
    #[cfg(feature = "signals")]
    pub(in crate::engine) reactions: super::Reactions,
    pub(in crate::engine) described: Described,
    pub(in crate::engine) survivors: Survivors,
    pub(in crate::engine) rotations: Option<Arc<Rotations>>,
}

/// The configuration as the event `logging.configured` reports it.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Described {
    pub(in crate::engine) level: String,
    /// Without the noisy targets.
    pub(in crate::engine) filter: String,
    pub(in crate::engine) quiet_targets: usize,
    pub(in crate::engine) sampling: String,
    pub(in crate::engine) format: &'static str,
    pub(in crate::engine) sink: String,
    pub(in crate::engine) schema_version: u32,
    pub(in crate::engine) is_redacting: bool,
    pub(in crate::engine) rules_hash: String,
    /// The rate of successes, 0 when all are kept.
    pub(in crate::engine) sample_success: String,
}

impl Config {
    /// Rejects settings with which no line could be written.
    pub(in crate::engine) fn check(&self) -> Result<(), InitError> {
        let outputs = self.outputs.iter().chain(&self.only_output);
        let formats = outputs.map(|output| output.format.unwrap_or(self.format));
        self.check_keys(formats.chain([self.format]))?;
        let refused = |(setting, expected, found)| InitError::Setting { setting, expected, found };
        self.ecs.check().map_err(refused)?;
        self.outputs.iter().chain(&self.only_output).try_for_each(Output::check)
    }

    pub(in crate::engine) fn clock(&self) -> Arc<dyn Clock> {
        self.injected.clone().unwrap_or_else(|| Arc::new(SystemClock))
    }

    /// The chosen outputs; none if the default is to be used.
    pub(super) fn take_outputs(&mut self) -> Vec<Output> {
        let outputs = std::mem::take(&mut self.outputs);
        self.only_output.take().map_or(outputs, |only| vec![only])
    }

    /// The names of the outputs that an engine would open.
    #[cfg(test)]
    pub(in crate::engine) fn output_names(mut self) -> Vec<String> {
        let outputs = self.take_outputs();
        let names = outputs.iter().map(|output| output.destination.name());
        if outputs.is_empty() { vec!["stdout".into()] } else { names.collect() }
    }

    /// Requires trace ids if a format does. They are required of a whole process, so only its global engine does this.
    pub(in crate::engine) fn requiring_trace_by_format(mut self) -> Config {
        let outputs = self.only_output.iter().chain(&self.outputs);
        let mut formats = outputs.map(|output| output.format.unwrap_or(self.format));
        let by_format = self.format.requires_trace() || formats.any(Format::requires_trace);
        self.requires_trace.get_or_insert(by_format);
        self
    }

    /// Opens the sinks and takes the configuration apart.
    pub(in crate::engine) fn build(
        mut self,
        (run_id, audit_name): (&str, &str),
        clock: &Arc<dyn Clock>,
        stderr: &Arc<Stderr>,
    ) -> Result<Parts, InitError> {
        self.flat.run_id = run_id.to_owned();
        let redaction = self.redaction.build()?;
        let outputs = match self.take_outputs() {
            none if none.is_empty() => vec![Output::stdout()],
            outputs => outputs,
        };
        let filter = self.whole_filter();
        let described = self.describe(&outputs, &redaction, &filter);
        let starting = self.begin_survival(&outputs, (clock.unix_nanos(), stderr))?;
        let mut outputs = outputs;
        // What a run that is recovered has torn is written again whole.
        let discards_torn = starting.has_claimed();
        outputs.iter_mut().for_each(|output| output.discard_torn(discards_torn));
        let rotations = std::mem::take(&mut self.rotations);
        let rotations = rotations.is_used().then(|| Arc::new(rotations));
        let (looks, outputs) = self.open(outputs, &**clock, (stderr, rotations.as_ref()))?;
        let writer = WriterConfig {
            outputs,
            batch_bytes_max: self.batch_bytes_max.clamp(4096, 256 << 20),
            held_bytes_max: self.retry_buffer_bytes_max,
            reorder_window_nanos: u64::try_from(self.reorder_window.as_nanos()).unwrap_or(u64::MAX),
            publishes_time: self.timestamps == Timestamps::Coarse,
            redaction,
            hooks: std::mem::take(&mut self.hooks),
            observing: std::mem::take(&mut self.observing),
            static_fields: self
                .static_fields
                .take()
                .map_or_else(Vec::new, |it| it.values().0.to_vec()),
        };
        let survivors =
            self.finish_survival(starting, (&looks, &writer), (clock, stderr, audit_name))?;
        Ok(Parts {
            lanes: LaneSettings {
                span_lines: self.span_lines,
                requires_trace: self.requires_trace.unwrap_or_default(),
                // A smaller ring would hold hardly any event, because a record may take at most a quarter of it.
                ring_bytes: self.ring_bytes.max(4096),
                lanes_max: self.rings_max.max(1),
                limits: self.limits,
                clock: self.lane_clock(),
                injected: self.injected,
                include_stack: self.include_stack,
            },
            filter,
            overflow: self.overflow,
            writer,
            survivors,
            rotations,
            thread: self.thread,
            shutdown_timeout: self.shutdown_timeout,
            flush_timeout: self.flush_timeout,
            panic_hook: self.panic_hook.unwrap_or(true).then_some(match self.replace_panic_hook {
                true => PanicOutput::Redacted,
                false => PanicOutput::EarlierHook,
            }),
            #[cfg(feature = "signals")]
            reactions: self.reactions,
            described,
        })
    }

    /// Opens the outputs' sinks. Outputs with the same format, level and filter share one rendering.
    fn open(
        &self,
        outputs: Vec<Output>,
        clock: &dyn Clock,
        shared: (&Arc<Stderr>, Option<&Arc<Rotations>>),
    ) -> Result<(Vec<Look>, Vec<OutputConfig>), InitError> {
        let is_alone = outputs.len() == 1;
        let mut opened: Vec<(Look, OutputConfig)> = Vec::new();
        for Output { destination, format, level, filter } in outputs {
            let format = format.unwrap_or(self.format);
            let is_colored = format.is_text() && destination.is_colored(self.color);
            let limits = (self.batch_bytes_max, self.backups);
            let sink = destination.open(clock, shared, is_alone, limits)?;
            let look = (format, is_colored);
            let same = opened.iter_mut().find(|(known, output)| {
                *known == look && output.level == level && output.filter == filter
            });
            match same {
                Some((_, output)) => output.sinks.push(sink),
                None => {
                    let layout = self.layout(format, is_colored);
                    opened.push((look, OutputConfig { layout, level, filter, sinks: vec![sink] }));
                }
            }
        }
        Ok(opened.into_iter().unzip())
    }

    fn describe(
        &self,
        outputs: &[Output],
        redaction: &RedactionConfig,
        filter: &Filter,
    ) -> Described {
        let names = outputs.iter().map(|output| output.destination.name());
        Described {
            level: filter.default_level().to_string(),
            filter: filter.without_quiet().to_string(),
            quiet_targets: filter.quiet().directives().count(),
            sampling: self.sampling.described(),
            format: self.format.as_str(),
            sink: names.collect::<Vec<_>>().join(","),
            schema_version: self.flat.schema_version,
            is_redacting: redaction.rules.is_some(),
            rules_hash: redaction::hash_of(redaction),
            sample_success: self.sampling.success(),
        }
    }

    fn lane_clock(&self) -> LaneClock {
        match (&self.injected, self.timestamps, tick_source()) {
            (Some(_), ..) => LaneClock::Injected,
            (None, Timestamps::Coarse, _) => LaneClock::Coarse,
            (None, Timestamps::Exact, TickSource::Tsc) => LaneClock::Tsc,
            (None, Timestamps::Exact, TickSource::Monotonic) => LaneClock::Monotonic,
        }
    }
}
