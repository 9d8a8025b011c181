//! Maps other programs' level names and numbers to ringseal's levels.
use ringseal::Level;

/// Returns the level that a word means, in any case: ringseal's names, those of syslog, log4j, Python and Go, and
/// their abbreviations.
pub fn level_of_word(word: &str) -> Option<Level> {
    const WORDS: [(&str, Level); 22] = [
        ("info", Level::Info),
        ("debug", Level::Debug),
        ("error", Level::Error),
        ("warn", Level::Warn),
        ("warning", Level::Warn),
        ("trace", Level::Trace),
        ("critical", Level::Critical),
        ("fatal", Level::Critical),
        ("information", Level::Info),
        ("notice", Level::Info),
        ("err", Level::Error),
        ("severe", Level::Error),
        ("crit", Level::Critical),
        ("alert", Level::Critical),
        ("emerg", Level::Critical),
        ("emergency", Level::Critical),
        ("panic", Level::Critical),
        ("dbg", Level::Debug),
        ("verbose", Level::Debug),
        ("fine", Level::Debug),
        ("finest", Level::Trace),
        ("wrn", Level::Warn),
    ];
    WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|&(_, level)| level)
}

/// Returns the level of a number as bunyan and pino write it: 10, 20, … 60.
pub fn level_of_number(number: &str) -> Option<Level> {
    let tens = number.strip_suffix('0')?.parse::<u8>().ok()?;
    Level::from_u8(tens.checked_sub(1)?)
}

/// Returns the level of a syslog severity (RFC 5424): 0 emergency to 7 debug.
pub fn level_of_severity(severity: u8) -> Option<Level> {
    Some(match severity {
        0..=2 => Level::Critical,
        3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        7 => Level::Debug,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_own_level_name_is_accepted() {
        for level in Level::ALL {
            assert_eq!(level_of_word(level.as_str()), Some(level));
            assert_eq!(level_of_word(&level.as_str().to_uppercase()), Some(level));
        }
        assert_eq!(level_of_word("information!"), None);
        assert_eq!(level_of_word(""), None);
    }

    #[test]
    fn numbers_are_pino_levels_or_syslog_severities() {
        let tens = ["10", "20", "30", "40", "50", "60"].map(level_of_number);
        assert_eq!(tens, Level::ALL.map(Some));
        for wrong in ["0", "70", "3", "35", "", "-10", "3000"] {
            assert_eq!(level_of_number(wrong), None, "{wrong}");
        }
        assert_eq!(level_of_severity(3), Some(Level::Error));
        assert_eq!(level_of_severity(8), None);
    }
}
