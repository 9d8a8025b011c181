//! Arguments that choose which share of the events is kept.
use ringseal::Sampling;
use ringseal::sample::SampleError;

use crate::console::Failure;

/// Which share of the events below warn is kept. By default, all of them.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct SamplingOptions {
    /// Keep these shares by level, for example debug=0.01,info=10%; `production` means exactly that.
    #[arg(long, value_name = "SHARES")]
    sample_levels: Option<String>,
    /// Keep this share of the events whose names end in _SUCCESS or _OK, for example 0.01 or 1%.
    #[arg(long, value_name = "SHARE")]
    sample_success: Option<String>,
    /// Keep at most this many events of one name and level per duration, for example 100/1s.
    #[arg(long, value_name = "COUNT/DURATION")]
    sample_limit: Option<String>,
}

impl SamplingOptions {
    /// Builds the sampling policy.
    ///
    /// # Errors
    /// If an argument is invalid; the message names it.
    pub(super) fn policy(&self) -> Result<Sampling, Failure> {
        type Add = fn(Sampling, &str) -> Result<Sampling, SampleError>;
        let options: [(&str, &Option<String>, Add); 3] = [
            ("--sample-levels", &self.sample_levels, Sampling::levels_from),
            ("--sample-success", &self.sample_success, Sampling::success_from),
            ("--sample-limit", &self.sample_limit, Sampling::limit_from),
        ];
        let mut sampling = Sampling::new();
        for (name, text, add) in options {
            if let Some(text) = text {
                sampling = add(sampling, text)
                    .map_err(|error| Failure::of(format_args!("{name} {text}: {error}")))?;
            }
        }
        Ok(sampling)
    }
}
