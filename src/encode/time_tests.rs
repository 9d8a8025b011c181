//! Times, compared with a loop over days.
use super::*;
use proptest::prelude::*;

/// Counts the calendar one day at a time.
struct SlowCalendar {
    year: i64,
    month: u8,
    day: u8,
}

impl SlowCalendar {
    fn month_len(&self) -> u8 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        match self.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn next(&mut self) {
        self.day += 1;
        if self.day > self.month_len() {
            (self.day, self.month) = (1, self.month + 1);
        }
        if self.month > 12 {
            (self.month, self.year) = (1, self.year + 1);
        }
    }

    fn previous(&mut self) {
        self.day -= 1;
        if self.day == 0 {
            self.month -= 1;
            if self.month == 0 {
                (self.month, self.year) = (12, self.year - 1);
            }
            self.day = self.month_len();
        }
    }

    fn check(&self, days: i64) {
        let second = (days * 7_919).rem_euclid(SECS_PER_DAY);
        let moment = Moment::from_unix(days * SECS_PER_DAY + second);
        assert_eq!((moment.year, moment.month, moment.day), (self.year, self.month, self.day));
        let of_day = [moment.hour, moment.minute, moment.second].map(i64::from);
        assert_eq!(of_day[0] * 3_600 + of_day[1] * 60 + of_day[2], second);
    }
}

#[test]
fn every_day_from_year_minus_800_to_12000() {
    let epoch = || SlowCalendar { year: 1970, month: 1, day: 1 };
    let (mut forward, mut backward) = (epoch(), epoch());
    for days in 0..3_664_000 {
        forward.check(days);
        forward.next();
    }
    assert!(forward.year > 12_000);
    for days in 0..1_012_000 {
        backward.check(-days);
        backward.previous();
    }
    assert!(backward.year < -800);
}

fn timestamp(cache: &mut TimeCache, nanos: i64, digits: Subsecond) -> String {
    let mut line = Vec::new();
    Out::new(&mut line).timestamp(cache, nanos, digits);
    String::from_utf8(line).unwrap()
}

fn system_time(secs: i64, nanos: u32, digits: Subsecond) -> String {
    let mut line = Vec::new();
    Out::new(&mut line).system_time(secs, nanos, digits);
    String::from_utf8(line).unwrap()
}

#[test]
fn a_table_of_points_in_time() {
    let table = [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_795_360_160_123_456_789, "2026-11-22T15:09:20.123456789Z"),
        (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
        (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
        (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        (-9_223_372_036_000_000_000, "1677-09-21T00:12:44.000000000Z"),
        (9_223_372_036_000_000_000, "2262-04-11T23:47:16.000000000Z"),
    ];
    // In every order of two, so that each time follows each other one in the cache.
    for (first, first_text) in table {
        for (second, second_text) in table {
            let mut cache = TimeCache::new();
            assert_eq!(timestamp(&mut cache, first, Subsecond::Nanos), first_text);
            assert_eq!(timestamp(&mut cache, second, Subsecond::Nanos), second_text);
            assert_eq!(timestamp(&mut cache, second, Subsecond::Nanos), second_text);
        }
    }
}

#[test]
fn digits_are_cut_not_rounded() {
    let mut cache = TimeCache::new();
    for (digits, text) in [
        (Subsecond::Millis, "1969-12-31T23:59:59.999Z"),
        (Subsecond::Micros, "1969-12-31T23:59:59.999999Z"),
        (Subsecond::Nanos, "1969-12-31T23:59:59.999999999Z"),
    ] {
        assert_eq!(timestamp(&mut cache, -1, digits), text);
        assert_eq!(system_time(-1, 999_999_999, digits), text);
    }
}

#[test]
fn years_outside_rfc_3339_have_sign_and_digits() {
    for (secs, text) in [
        (-62_167_219_200, "0000-01-01T00:00:00.007Z"),
        (-62_167_219_201, "-000001-12-31T23:59:59.007Z"),
        (253_402_300_799, "9999-12-31T23:59:59.007Z"),
        (253_402_300_800, "+010000-01-01T00:00:00.007Z"),
        (i64::MAX, "+292277026596-12-04T15:30:07.007Z"),
        (i64::MIN, "-292277022657-01-27T08:29:52.007Z"),
    ] {
        assert_eq!(system_time(secs, 7_999_999, Subsecond::Millis), text);
    }
}

#[test]
fn too_many_nanoseconds_carry_into_the_seconds() {
    let found = system_time(59, 4_000_000_001, Subsecond::Nanos);
    assert_eq!(found, "1970-01-01T00:01:03.000000001Z");
    assert!(system_time(i64::MAX, u32::MAX, Subsecond::Nanos).ends_with("07.294967295Z"));
}

proptest! {
    #[test]
    fn the_cache_never_changes_the_output(
        start: i64,
        steps in proptest::collection::vec(-2_000_000_000i64..2_000_000_000, 1..20),
    ) {
        let (mut cache, mut nanos) = (TimeCache::new(), start);
        for step in steps {
            nanos = nanos.saturating_add(step);
            let second = i64::from(NANOS_PER_SEC);
            let (secs, rest) = (nanos.div_euclid(second), nanos.rem_euclid(second) as u32);
            for digits in [Subsecond::Millis, Subsecond::Micros, Subsecond::Nanos] {
                let found = timestamp(&mut cache, nanos, digits);
                prop_assert_eq!(&found, &timestamp(&mut TimeCache::new(), nanos, digits));
                prop_assert_eq!(&found, &system_time(secs, rest, digits));
            }
        }
    }
}
