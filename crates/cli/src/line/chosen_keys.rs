//! Keys of level, time and name that the user names, for lines of loggers that no table has.
use super::json::Places;
use crate::json::Entries;

/// What the value of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The level.
    Level,
    /// The time.
    Time,
    /// The event's name.
    Name,
}

/// A key, and what its value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenKey {
    meaning: Meaning,
    key: String,
}

impl ChosenKey {
    /// Reads `level=KEY`, `time=KEY` or `name=KEY`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (meaning, key) = match text.split_once('=') {
            Some(("level", key)) => (Meaning::Level, key),
            Some(("time", key)) => (Meaning::Time, key),
            Some(("name", key)) => (Meaning::Name, key),
            _ => return Err("expected level=KEY, time=KEY or name=KEY".into()),
        };
        match key {
            "" => Err(format!("expected a key after {text}")),
            key => Ok(Self { meaning, key: key.to_owned() }),
        }
    }
}

/// The options of a command that reads lines.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct KeyOptions {
    /// The key of the level, time or name in JSON lines of a logger that is not known, or whose keys were renamed:
    /// level=KEY, time=KEY or name=KEY. May be given several times.
    #[arg(long = "key", value_name = "WHAT=KEY", value_parser = ChosenKey::parse)]
    pub keys: Vec<ChosenKey>,
}

/// The places of the chosen keys in a line. Of a key that occurs twice, the last occurrence counts.
pub(super) fn places(keys: &[ChosenKey], entries: &Entries, text: &str) -> Places {
    let mut places = Places::default();
    for chosen in keys {
        let at = entries.iter(text).enumerate().filter(|(_, entry)| entry.key.is(&chosen.key));
        let Some((index, entry)) = at.last() else { continue };
        match chosen.meaning {
            Meaning::Level => places.level = Some(index),
            Meaning::Time => places.time = Some(index),
            Meaning::Name if entry.string().is_some() => places.name = Some(index),
            Meaning::Name => {}
        }
    }
    places
}
