//! The times that are shown: in UTC, or in the local zone.
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::time::write_millis;

/// The zone of shown times.
#[derive(Debug, Clone, Default)]
pub(crate) enum ShownTime {
    /// `2026-11-22T15:09:20.123Z`
    #[default]
    Utc,
    /// `2026-11-22T16:09:20.123+01:00`
    In(TimeZone),
}

impl ShownTime {
    /// The zone that `TZ` names, or that of the system.
    pub(crate) fn local() -> Self {
        ShownTime::In(TimeZone::system())
    }

    /// The text of a moment.
    pub(crate) fn text(&self, unix_nanos: i64) -> String {
        let utc = |nanos| String::from_utf8_lossy(&write_millis(nanos)).into_owned();
        let ShownTime::In(zone) = self else { return utc(unix_nanos) };
        let Ok(moment) = Timestamp::from_nanosecond(i128::from(unix_nanos)) else {
            return utc(unix_nanos);
        };
        let seconds = i64::from(zone.to_offset(moment).seconds());
        // At the end of the range of times.
        let Some(shifted) = unix_nanos.checked_add(seconds * 1_000_000_000) else {
            return utc(unix_nanos);
        };
        let mut text = utc(shifted);
        text.pop();
        let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
        text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_offset_of_their_season() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let newfoundland = TimeZone::posix("NST3:30NDT,M3.2.0,M11.1.0").expect("a zone");
        let (winter, summer) = (1_763_823_600_123_000_000, 1_753_023_600_000_000_000);
        let rows = [
            ("UTC", ShownTime::Utc, winter, "2025-11-22T15:00:00.123Z"),
            ("winter", ShownTime::In(berlin.clone()), winter, "2025-11-22T16:00:00.123+01:00"),
            ("summer", ShownTime::In(berlin.clone()), summer, "2025-07-20T17:00:00.000+02:00"),
            ("half hours", ShownTime::In(newfoundland), winter, "2025-11-22T11:30:00.123-03:30"),
            ("the limit", ShownTime::In(berlin), i64::MAX, "2262-04-11T23:47:16.854Z"),
        ];
        for (name, zone, nanos, text) in rows {
            assert_eq!(zone.text(nanos), text, "{name}");
        }
    }
}
