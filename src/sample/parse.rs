//! Parses rules from text, for variables and files.
use std::time::Duration;

use super::error::SampleError;
use super::policy::Sampling;

impl Sampling {
    /// Adds [`Sampling::success`] from a text: a rate, `0.01` or `1%`; 0 keeps all.
    pub fn success_from(self, text: &str) -> Result<Self, SampleError> {
        self.success(rate(text)?)
    }

    /// Adds rates by level: `debug=0.01,info=10%`, or the word `production` for those of
    /// [`Sampling::production`].
    pub fn levels_from(self, text: &str) -> Result<Self, SampleError> {
        let mut sampling = self;
        for word in words(text) {
            if word.eq_ignore_ascii_case("production") {
                for (rule, rate) in Self::production().rules() {
                    if let super::Rule::Level(level) = rule {
                        sampling = sampling.level(*level, rate)?;
                    }
                }
                continue;
            }
            let (level, rate) = pair(word)?;
            sampling = sampling.level(level.parse()?, rate)?;
        }
        Ok(sampling)
    }

    /// Adds rates by target: `app::db=0.1,hyper=0,*=50%`. An item `scope=info` extends them to info; see
    /// [`Sampling::target_scope`].
    pub fn targets_from(self, text: &str) -> Result<Self, SampleError> {
        let mut sampling = self;
        for word in words(text) {
            sampling = match word.split_once('=').map(|(name, value)| (name.trim(), value)) {
                Some(("scope", level)) => sampling.target_scope(level.parse()?)?,
                _ => {
                    let (target, rate) = pair(word)?;
                    sampling.target(target, rate)?
                }
            };
        }
        Ok(sampling)
    }

    /// Adds a limit: `100/1s`, `5/m`, `20 / 500ms`. Intervals are in ms, s, m or h.
    pub fn limit_from(self, text: &str) -> Result<Self, SampleError> {
        let refuse = || SampleError::Limit { found: text.into() };
        let (count, interval) = text.split_once('/').ok_or_else(refuse)?;
        let count = count.trim().parse().map_err(|_| refuse())?;
        let interval = interval.trim();
        let unit = interval.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
        let (number, unit) = interval.split_at(unit);
        let number: u64 =
            if number.is_empty() { Ok(1) } else { number.parse() }.map_err(|_| refuse())?;
        let millis: u64 = match unit.trim() {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(refuse()),
        };
        let interval = Duration::from_millis(number.saturating_mul(millis));
        self.limit(count, interval).map_err(|_| refuse())
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// `name=rate`
fn pair(word: &str) -> Result<(&str, f64), SampleError> {
    let (name, text) =
        word.split_once('=').ok_or_else(|| SampleError::Rule { found: word.into() })?;
    Ok((name.trim(), rate(text)?))
}

/// `0.01` or `1%`, from 0 to 1.
fn rate(text: &str) -> Result<f64, SampleError> {
    let word = text.trim();
    let (number, whole) =
        word.strip_suffix('%').map_or((word, 1.0), |number| (number.trim(), 100.0));
    match number.parse::<f64>().map(|number| number / whole) {
        Ok(rate) if (0.0..=1.0).contains(&rate) => Ok(rate),
        _ => Err(SampleError::RateText { found: text.into() }),
    }
}
