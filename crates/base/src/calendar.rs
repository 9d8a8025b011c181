//! Dates of the proleptic Gregorian calendar as days since 1970-01-01.
//!
//! Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". The calendar repeats every 400 years of
//! 146,097 days (an era), and years are taken to start on 1 March so that the leap day is the last one.
//!
//! Promises: safe code; nothing allocates or blocks. Every day that an `i64` of seconds can express is converted
//! correctly, before 1970 too.

const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// Year, month and day of the date `days` after 1970-01-01.
///
/// ```
/// use ringseal_base::calendar::civil_from_days;
/// assert_eq!(civil_from_days(0), (1970, 1, 1));
/// assert_eq!(civil_from_days(20_782), (2026, 11, 25));
/// ```
pub const fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + EPOCH_DAYS;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA) as u32;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era as i64 + (month <= 2) as i64, month, day)
}

/// Days from 1970-01-01 to a date.
///
/// The result is meaningless for a month or a day that does not exist; [`civil_from_days`] then returns another
/// date.
///
/// ```
/// use ringseal_base::calendar::days_from_civil;
/// assert_eq!(days_from_civil(2026, 11, 25), 20_782);
/// ```
pub const fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = ((month as i64) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day as i64 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - EPOCH_DAYS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_follows_the_day_before() {
        let mut last = (1599, 12, 31);
        for days in -135_140..300_000 {
            let today = civil_from_days(days);
            let (year, month, day) = today;
            let next_day = (last.0, last.1, last.2 + 1);
            let next_month = (last.0, last.1 + 1, 1);
            assert!([next_day, next_month, (last.0 + 1, 1, 1)].contains(&today), "{today:?}");
            assert_eq!(days_from_civil(year, month, day), days);
            last = today;
        }
    }
}
