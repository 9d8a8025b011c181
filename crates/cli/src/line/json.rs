//! Level, time and name of a line that is a JSON object: ringseal's own, ECS, and those of other programs.
//!
//! Keys are compared without regard to case and to the separators `_`, `-`, `.` and `@`. Of a key that occurs twice,
//! the last occurrence counts. Of several spellings of a key, the first whose value is understood counts: a logger
//! writes its own members before the fields of the event.
use super::chosen_keys::{self, ChosenKey};
use super::keys::{
    DATE, EVENT_KEYS, FIELDS, Hint, LEVEL_KEYS, LEVEL_NAMES, LEVEL_PARENTS, LevelKey, PlainKey,
    RECORD, Roles, SYSLOG, TIME, TIME_KEYS, TIME_KEYS_SURE, roles_of,
};
use super::level::{LevelReading, Scale, level_of_number, level_of_text_value};
use super::text_format::level_of_text;
use super::time::{TimeReading, join_date_and_clock, time_of_number, time_of_value};
use crate::json::{Entries, Entry, Kind};

/// The places of a line's level, time and name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Places {
    /// The entry with the level; `None` if it is inside another entry.
    pub level: Option<usize>,
    /// The entry with the time.
    pub time: Option<usize>,
    /// The entry with the name.
    pub name: Option<usize>,
    /// The entry whose map holds the name, if no entry does.
    pub name_parent: Option<usize>,
}

/// What the entries of a line say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its level.
    pub level: LevelReading,
    /// Its time.
    pub time: TimeReading,
    /// Where they are.
    pub places: Places,
}

/// Reads the facts of a line's entries. `now` decides about years that are not written, in nanoseconds since
/// 1970-01-01T00:00:00Z. `keys` precede those of the well-known loggers.
pub fn read(entries: &Entries, text: &str, now: i64, keys: &[ChosenKey]) -> Facts {
    let known = Known::of(entries, text);
    let chosen = chosen_keys::places(keys, entries, text);
    let (level, level_at) =
        known.chosen_level(chosen, entries, text).unwrap_or_else(|| known.level(entries, text));
    let chosen_time = chosen.time.and_then(|at| Some((time_in(&entries.get(at, text)?, now), at)));
    let (time, time_at) = match chosen_time {
        Some((TimeReading::At(time), at)) => (TimeReading::At(time), Some(at)),
        _ => known.time(entries, text, now),
    };
    let (name, name_parent) = match chosen.name {
        Some(at) => (Some(at), None),
        None => known.name(entries, text),
    };
    let places = Places { level: level_at, time: time_at, name, name_parent };
    Facts { level, time, places }
}

/// By rank: the entry with that key.
struct Known {
    levels: [Option<u16>; LEVEL_KEYS.len()],
    parents: [Option<u16>; LEVEL_PARENTS.len()],
    times: [Option<u16>; TIME_KEYS.len()],
    names: [Option<u16>; EVENT_KEYS.len()],
    hints: Hints,
    /// Whether a key of the tables is there in several spellings.
    has_spellings: bool,
}

/// Keys of certain loggers, which decide about the meaning of small numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Hints {
    python: bool,
    serilog: bool,
    windows: bool,
    zap: bool,
    gelf: bool,
    nextcloud: bool,
    /// MongoDB's one-letter severity.
    s: Option<u16>,
    l: Option<u16>,
    /// Docker's log driver: the line is inside `log`.
    stream: bool,
}

impl Known {
    fn of(entries: &Entries, text: &str) -> Self {
        let mut known = Known {
            levels: [None; LEVEL_KEYS.len()],
            parents: [None; LEVEL_PARENTS.len()],
            times: [None; TIME_KEYS.len()],
            names: [None; EVENT_KEYS.len()],
            hints: Hints::default(),
            has_spellings: false,
        };
        for (index, entry) in entries.iter(text).enumerate() {
            let (Ok(index), Some(key)) = (u16::try_from(index), PlainKey::of(&entry)) else {
                continue;
            };
            known.note(&key, (index, &entry), |at| entries.get(at.into(), text));
        }
        known
    }

    /// Remembers an entry. A later one replaces it if its key is spelt the same.
    fn note<'t>(
        &mut self,
        key: &PlainKey,
        (index, entry): (u16, &Entry<'t>),
        entry_at: impl Fn(u16) -> Option<Entry<'t>>,
    ) {
        let Some(roles) = roles_of(key.as_bytes()) else { return };
        let has_spellings = &mut self.has_spellings;
        let mut mark = |rank: Option<u8>, places: &mut [Option<u16>]| {
            let Some(place) = rank.and_then(|rank| places.get_mut(usize::from(rank))) else {
                return;
            };
            let first = place.and_then(&entry_at);
            match first.is_none_or(|first| is_same_key(&first, entry)) {
                true => *place = Some(index),
                false => *has_spellings = true,
            }
        };
        mark(roles.level, &mut self.levels);
        mark(roles.parent, &mut self.parents);
        mark(roles.time, &mut self.times);
        mark(roles.name, &mut self.names);
        let hints = &mut self.hints;
        match roles.hint {
            Some(Hint::Python) => hints.python = true,
            Some(Hint::Serilog) => hints.serilog = true,
            Some(Hint::Windows) => hints.windows = true,
            Some(Hint::Zap) => hints.zap = true,
            Some(Hint::Gelf) => hints.gelf = true,
            Some(Hint::Nextcloud) => hints.nextcloud = true,
            Some(Hint::Stream) => hints.stream = true,
            Some(Hint::S) => hints.s = Some(index),
            // Serilog's own key is `@l`; `l` is a field beside it.
            Some(Hint::L) => {
                let own = hints.l.and_then(&entry_at).is_some_and(|first| first.key.is("@l"));
                if !own || entry.key.is("@l") {
                    hints.l = Some(index);
                }
            }
            None => {}
        }
    }

    /// The entry with a key of a table, then those with other spellings of it.
    fn spellings<'t>(
        &self,
        first: u16,
        entries: &'t Entries,
        text: &'t str,
        rank_in: fn(&Roles) -> Option<u8>,
    ) -> impl Iterator<Item = (usize, Entry<'t>)> {
        let first = usize::from(first);
        let rank_of = move |entry: &Entry<'_>| {
            PlainKey::of(entry).and_then(|key| rank_in(roles_of(key.as_bytes())?))
        };
        let found = entries.get(first, text);
        let rank = found.filter(|_| self.has_spellings).and_then(|first| rank_of(&first));
        let others = rank.into_iter().flat_map(move |rank| {
            let all = entries.iter(text).enumerate();
            all.filter(move |(at, entry)| *at != first && rank_of(entry) == Some(rank))
        });
        found.map(|entry| (first, entry)).into_iter().chain(others)
    }

    /// The level under the chosen key, if it is understood.
    fn chosen_level(
        &self,
        chosen: Places,
        entries: &Entries,
        text: &str,
    ) -> Option<(LevelReading, Option<usize>)> {
        let entry = entries.get(chosen.level?, text)?;
        let readings = [true, false].map(|words| self.level_in(Scale::Level, &entry, words));
        let known = readings.into_iter().find(|reading| reading.level().is_some())?;
        Some((known, chosen.level))
    }

    fn level(&self, entries: &Entries, text: &str) -> (LevelReading, Option<usize>) {
        let mut unknown = (LevelReading::Missing, None);
        let ranked = || {
            let ranked = LEVEL_KEYS.iter().zip(&self.levels);
            ranked.filter_map(|(key, at)| Some((key, (*at)?))).flat_map(|(key, at)| {
                let spellings = self.spellings(at, entries, text, |roles| roles.level);
                spellings.map(move |(at, entry)| (key, at, entry))
            })
        };
        for wants_words in [true, false] {
            for (LevelKey(_, scale, counts), at, entry) in ranked() {
                match self.level_in(*scale, &entry, wants_words) {
                    LevelReading::Known(level) => return (LevelReading::Known(level), Some(at)),
                    LevelReading::Unknown if *counts && unknown.1.is_none() => {
                        unknown = (LevelReading::Unknown, Some(at));
                    }
                    _ => {}
                }
            }
        }
        match self.level_elsewhere(entries, text) {
            (LevelReading::Missing, _) => unknown,
            found if unknown.1.is_none() || found.0.level().is_some() => found,
            _ => unknown,
        }
    }

    /// The level that a value means. Words come before numbers: a line may have both, and the scale of a number is a
    /// convention.
    fn level_in(&self, scale: Scale, entry: &Entry<'_>, wants_words: bool) -> LevelReading {
        match entry.kind {
            Kind::Plain | Kind::Escaped => {
                let mut decoded = String::new();
                let Some(string) = entry.string() else { return LevelReading::Missing };
                let word = string.plain().unwrap_or_else(|| {
                    string.decode_into(&mut decoded);
                    &decoded
                });
                if word.trim().is_empty() {
                    return LevelReading::Missing;
                }
                match wants_words {
                    true => {
                        level_of_text_value(word).map_or(LevelReading::Missing, LevelReading::Known)
                    }
                    false => level_of_number(self.scale(scale, word), word),
                }
            }
            Kind::Number if wants_words => LevelReading::Missing,
            Kind::Number => level_of_number(self.scale(scale, entry.raw), entry.raw),
            Kind::Map if wants_words => level_of_map(entry.raw),
            Kind::Null => LevelReading::Missing,
            _ if wants_words => LevelReading::Missing,
            _ => LevelReading::Unknown,
        }
    }

    /// The scale of a number, by the other keys of the line.
    fn scale(&self, scale: Scale, number: &str) -> Scale {
        let hints = &self.hints;
        let is_small = number.trim().len() == 1;
        match scale {
            Scale::FromTrace if !is_small => Scale::Level,
            Scale::Level if hints.python => Scale::Python,
            Scale::Level if hints.serilog => Scale::FromTrace,
            Scale::Level if hints.windows && is_small => Scale::Windows,
            Scale::Level if hints.nextcloud && is_small => Scale::FromDebug,
            Scale::Level if hints.zap && !hints.gelf && is_small => Scale::Zap,
            scale => scale,
        }
    }

    /// Levels that are not the value of a level key.
    fn level_elsewhere(&self, entries: &Entries, text: &str) -> (LevelReading, Option<usize>) {
        for (at, name) in self.parents.iter().zip(LEVEL_PARENTS) {
            let Some(entry) = at.and_then(|at| entries.get(at.into(), text)) else { continue };
            let reading = match entry.kind {
                Kind::Map => level_below(entry.raw),
                Kind::Plain | Kind::Escaped if name == "log" && self.hints.stream => {
                    level_of_logged_line(&entry)
                }
                _ => LevelReading::Missing,
            };
            if reading != LevelReading::Missing {
                return (reading, None);
            }
        }
        self.level_of_short_key(entries, text)
    }

    /// `s` of MongoDB, `@l` of Serilog.
    fn level_of_short_key(&self, entries: &Entries, text: &str) -> (LevelReading, Option<usize>) {
        let time = entries.iter(text).find(|entry| entry.key.is("t"));
        let is_mongo = time.is_some_and(|entry| entry.kind == Kind::Map);
        for at in [self.hints.s.filter(|_| is_mongo), self.hints.l].into_iter().flatten() {
            let Some(entry) = entries.get(at.into(), text) else { continue };
            let is_own = entry.key.is("@l");
            let word = entry.string().and_then(|text| text.plain());
            match word.and_then(level_of_text_value) {
                Some(level) => return (LevelReading::Known(level), Some(at.into())),
                None if is_own => return (LevelReading::Unknown, Some(at.into())),
                None => {}
            }
        }
        (LevelReading::Missing, None)
    }

    fn time(&self, entries: &Entries, text: &str, now: i64) -> (TimeReading, Option<usize>) {
        let mut unknown = (TimeReading::Missing, None);
        if let Some(found) = self.date_and_clock(entries, text, now) {
            return found;
        }
        let ranked = self.times.iter().enumerate().filter_map(|(rank, at)| Some((rank, (*at)?)));
        let spelt = ranked.flat_map(|(rank, at)| {
            let spellings = self.spellings(at, entries, text, |roles| roles.time);
            spellings.map(move |(at, entry)| (rank, at, entry))
        });
        for (rank, at, entry) in spelt {
            let is_sure = rank < TIME_KEYS_SURE;
            match time_in(&entry, now) {
                TimeReading::At(time) => return (TimeReading::At(time), is_sure.then_some(at)),
                TimeReading::Unknown if is_sure && unknown.1.is_none() => {
                    unknown = (TimeReading::Unknown, Some(at));
                }
                _ => {}
            }
        }
        unknown
    }

    /// A day under `date` and a clock under `time`.
    fn date_and_clock(
        &self,
        entries: &Entries,
        text: &str,
        now: i64,
    ) -> Option<(TimeReading, Option<usize>)> {
        let (date_at, clock_at) = (self.times[DATE]?, self.times[TIME]?);
        let string = |at: u16| entries.get(at.into(), text)?.string()?.plain();
        let joined = join_date_and_clock(string(date_at)?, string(clock_at)?)?;
        let time = time_of_value(&joined, now)?;
        Some((TimeReading::At(time), None))
    }

    fn name(&self, entries: &Entries, text: &str) -> (Option<usize>, Option<usize>) {
        let string_of = |at: Option<u16>| {
            let mut spellings = self.spellings(at?, entries, text, |roles| roles.name);
            spellings.find(|(_, entry)| entry.string().is_some()).map(|(at, _)| at)
        };
        // A logger writes its message before the fields, one of which may have the other's name.
        let [event, message, ..] = self.names;
        let first = string_of(event).into_iter().chain(string_of(message)).min();
        if let Some(at) = first.or_else(|| self.names.into_iter().find_map(string_of)) {
            return (Some(at), None);
        }
        // tracing's JSON has the message among the fields.
        let parents = [self.parents[FIELDS], self.parents[RECORD]];
        let holds_name = |at: &u16| {
            let entry = entries.get((*at).into(), text);
            entry.is_some_and(|entry| name_below(&entry).is_some())
        };
        (None, parents.into_iter().flatten().find(holds_name).map(Into::into))
    }
}

/// Whether two keys are the same text.
fn is_same_key(one: &Entry<'_>, other: &Entry<'_>) -> bool {
    match (one.key.plain(), other.key.plain()) {
        (Some(one), Some(other)) => one == other,
        _ => one.key.decode() == other.key.decode(),
    }
}

/// The index of the name among the entries of a map, with these entries.
pub fn name_below(entry: &Entry<'_>) -> Option<(Entries, usize)> {
    if entry.kind != Kind::Map {
        return None;
    }
    let mut inner = Entries::default();
    inner.find(entry.raw).ok()?;
    let known = Known::of(&inner, entry.raw);
    let is_string =
        |at: &u16| inner.get((*at).into(), entry.raw).is_some_and(|entry| entry.string().is_some());
    let at = known.names.iter().flatten().find(|at| is_string(at)).copied()?;
    Some((inner, at.into()))
}

/// The level inside a map that is not itself a level: `{"log":{"level":"info"}}`, `{"log":{"syslog":{…}}}`.
fn level_below(raw: &str) -> LevelReading {
    let mut inner = Entries::default();
    if inner.find(raw).is_err() {
        return LevelReading::Missing;
    }
    let mut known = Known::of(&inner, raw);
    // ECS has one map more; deeper ones are data.
    let syslog = known.parents[SYSLOG].and_then(|at| inner.get(at.into(), raw));
    known.parents = [None; LEVEL_PARENTS.len()];
    match known.level(&inner, raw).0 {
        LevelReading::Missing => syslog
            .filter(|entry| entry.kind == Kind::Map)
            .map_or(LevelReading::Missing, |entry| level_below(entry.raw)),
        reading => reading,
    }
}

/// A level that is a map: `{"name":"INFO","no":20}`.
fn level_of_map(raw: &str) -> LevelReading {
    let mut inner = Entries::default();
    if inner.find(raw).is_err() {
        return LevelReading::Unknown;
    }
    for name in LEVEL_NAMES {
        for entry in inner.iter(raw) {
            let is_key = PlainKey::of(&entry).is_some_and(|key| key.as_bytes() == name.as_bytes());
            let word = if is_key { entry.string().and_then(|text| text.plain()) } else { None };
            if let Some(level) = word.and_then(level_of_text_value) {
                return LevelReading::Known(level);
            }
        }
    }
    LevelReading::Unknown
}

/// The level of a line inside a string: JSON or text.
fn level_of_logged_line(entry: &Entry<'_>) -> LevelReading {
    let mut line = String::new();
    let Some(string) = entry.string() else { return LevelReading::Missing };
    string.decode_into(&mut line);
    match line.trim_start().starts_with('{') {
        true => level_below(line.trim()),
        false => level_of_text(&line),
    }
}

/// The time that a value means.
fn time_in(entry: &Entry<'_>, now: i64) -> TimeReading {
    match entry.kind {
        Kind::Number => time_of_number(entry.raw).map_or(TimeReading::Unknown, TimeReading::At),
        Kind::Plain | Kind::Escaped => {
            let mut decoded = String::new();
            let Some(string) = entry.string() else { return TimeReading::Missing };
            let text = string.plain().unwrap_or_else(|| {
                string.decode_into(&mut decoded);
                &decoded
            });
            match text.trim() {
                "" | "-" => TimeReading::Missing,
                text => time_of_value(text, now).map_or(TimeReading::Unknown, TimeReading::At),
            }
        }
        Kind::Map => time_of_map(entry.raw, now).map_or(TimeReading::Unknown, TimeReading::At),
        Kind::Null => TimeReading::Missing,
        Kind::List | Kind::Bool => TimeReading::Unknown,
    }
}

/// A time that is a map: MongoDB's `$date`, protobuf's seconds and nanos, log4j's instant, loguru's timestamp.
fn time_of_map(raw: &str, now: i64) -> Option<i64> {
    let mut inner = Entries::default();
    inner.find(raw).ok()?;
    let value = |names: &[&str]| {
        let entry = inner.iter(raw).find(|entry| names.iter().any(|name| entry.key.is(name)))?;
        match time_in(&entry, now) {
            TimeReading::At(time) => Some(time),
            _ => None,
        }
    };
    let number = |names: &[&str]| {
        let entry = inner.iter(raw).find(|entry| names.iter().any(|name| entry.key.is(name)))?;
        let digits = entry.string().and_then(|text| text.plain()).unwrap_or(entry.raw);
        digits.parse::<i64>().ok()
    };
    if let Some(seconds) = number(&["seconds", "epochSecond", "_seconds", "secs"]) {
        let nanos = number(&["nanos", "nanoOfSecond", "_nanoseconds", "nanoseconds"]).unwrap_or(0);
        return seconds.checked_mul(1_000_000_000)?.checked_add(nanos);
    }
    value(&[
        "$date",
        "date",
        "$numberLong",
        "timestamp",
        "iso",
        "value",
        "repr",
        "@timestamp",
        "time",
    ])
}
