//! Settings of sampling: by builder, and from variables.
use super::super::env::EnvError;
use super::Config;
use crate::sample::{SampleError, Sampling};

/// The chosen settings of sampling.
#[derive(Debug, Default)]
pub(super) struct Choice {
    sampling: Sampling,
    seed: Option<u64>,
}

impl Choice {
    /// The rate of successes as `logging.configured` reports it.
    pub(super) fn success(&self) -> String {
        self.sampling.success_rate().to_string()
    }

    /// The policy as `logging.configured` reports it.
    pub(super) fn described(&self) -> String {
        self.sampling.to_string()
    }
}

impl Config {
    /// Sets which share of the events below warn is kept. Default: all. [`crate::Engine::set_sampling`] changes it at
    /// run time.
    #[must_use]
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling.sampling = sampling;
        self
    }

    /// The seed of the randomness that events without a trace id are sampled by, for tests.
    #[must_use]
    pub fn random_for_tests(mut self, seed: u64) -> Self {
        self.sampling.seed = Some(seed);
        self
    }

    pub(in crate::engine) fn sampling_and_seed(&self) -> (Sampling, Option<u64>) {
        (self.sampling.sampling.clone(), self.sampling.seed)
    }

    /// The sampling settings from the variables.
    pub(in crate::engine) fn sampling_from(
        self,
        read: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, EnvError> {
        type Add = fn(Sampling, &str) -> Result<Sampling, SampleError>;
        let variables: [(&'static str, Add); 4] = [
            ("LOG_SAMPLE_SUCCESS", Sampling::success_from),
            ("LOG_SAMPLE_LEVELS", Sampling::levels_from),
            ("LOG_SAMPLE_TARGETS", Sampling::targets_from),
            ("LOG_SAMPLE_LIMIT", Sampling::limit_from),
        ];
        let mut sampling = Sampling::new();
        for (variable, add) in variables {
            if let Some(found) = read(variable) {
                sampling = add(sampling, &found).map_err(|error| EnvError {
                    variable: variable.into(),
                    found,
                    expected: error.to_string(),
                })?;
            }
        }
        Ok(self.sampling(sampling))
    }
}
