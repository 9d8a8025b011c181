//! The policy against a slow oracle, its text forms, and the statistics of random sampling.
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::policy::is_sampled;
use super::*;
use crate::core::level::Level;

const WHOLE: u64 = 1 << 56;

/// Every combination of matching rules, and the rule that applies.
#[test]
fn the_most_specific_rule_applies_alone() {
    let sampling = Sampling::new()
        .targets_from("app=0.1, app::db = 0.2, *=0.3")
        .and_then(|sampling| sampling.success(0.4))
        .and_then(|sampling| sampling.levels_from("trace=0.5, debug=0.6, info=0.7"))
        .unwrap();
    let wide = sampling.clone().target_scope(Level::Info).unwrap();
    let narrow = sampling.clone().target_scope(Level::Trace).unwrap();
    use Level::{Debug, Error, Info, Trace, Warn};
    for (policy, target, event, level, rate) in [
        (&sampling, "app::db::pool", "x", Debug, 0.2),
        (&sampling, "app.db", "x", Debug, 0.1),
        (&sampling, "app::db", "GET_OK", Trace, 0.2),
        (&sampling, "app::dbx", "x", Trace, 0.1),
        (&sampling, "application", "x", Debug, 0.3),
        (&sampling, "other", "x", Debug, 0.3),
        (&sampling, "other", "GET_SUCCESS", Debug, 0.4),
        (&sampling, "app::db", "get_success", Info, 0.4),
        (&sampling, "app::db", "x", Info, 0.7),
        (&sampling, "app::db", "GET_OK", Warn, 1.0),
        (&sampling, "app", "x", Error, 1.0),
        (&sampling, "app", "ringseal.suppressed", Info, 1.0),
        (&sampling, "boot", "logging.configured", Info, 1.0),
        (&sampling, "app", "logging.configured", Info, 0.7),
        (&wide, "app::db", "GET_OK", Info, 0.2),
        (&wide, "other", "GET_OK", Info, 0.4),
        (&wide, "other", "x", Info, 0.3),
        (&wide, "other", "x", Warn, 1.0),
        (&narrow, "app", "x", Trace, 0.1),
        (&narrow, "app", "x", Debug, 0.6),
        (&narrow, "other", "_ok", Debug, 0.4),
        (&narrow, "other", "OK", Debug, 0.6),
        (&narrow, "other", "done_ok_", Debug, 0.6),
    ] {
        let applied = policy.rate_of(target, event, level);
        assert_eq!(applied.rate, rate, "{target} {event} {level}");
        let rule = applied.rule.and_then(|index| policy.rules().nth(index));
        assert_eq!(rule.map_or(1.0, |(_, rate)| rate), rate);
    }
}

#[test]
fn success_matches_the_name_suffix_in_any_case() {
    let sampling = Sampling::new().success(0.5).unwrap();
    for (event, is_success) in [
        ("PAYMENT_SUCCESS", true),
        ("payment_success", true),
        ("Cache_Ok", true),
        ("_OK", true),
        ("OK", false),
        ("SUCCESS", false),
        ("BOOK", false),
        ("_OK_", false),
        ("K", false),
        ("", false),
        ("prüfung_ok", true),
        ("ß_OK", true),
        ("_Oß", false),
    ] {
        let rate = sampling.rate_of("t", event, Level::Info).rate;
        assert_eq!(rate == 0.5, is_success, "{event}");
    }
}

#[test]
fn a_success_rate_of_zero_keeps_all() {
    for sampling in [
        Sampling::new().success(0.0),
        Sampling::new().success_from("0"),
        Sampling::new().success(0.5).and_then(|sampling| sampling.success_from(" 0 ")),
    ] {
        let sampling = sampling.unwrap();
        assert_eq!(sampling, Sampling::new());
        assert_eq!((sampling.success_rate(), sampling.may_sample(Level::Info)), (0.0, false));
    }
}

#[test]
fn production_samples_debug_and_info_only() {
    let sampling = Sampling::production();
    let rates = Level::ALL.map(|level| sampling.rate_of("any", "any", level).rate);
    assert_eq!(rates, [0.01, 0.01, 0.1, 1.0, 1.0, 1.0]);
    assert_eq!(Sampling::new().levels_from("production").unwrap(), sampling);
    let own = Sampling::new().levels_from("Production, info=50%").unwrap();
    assert_eq!(own, sampling.level(Level::Info, 0.5).unwrap());
}

#[test]
fn texts_equal_the_builder() {
    let limit = |count, millis| Sampling::new().limit(count, Duration::from_millis(millis));
    for (text, built) in [
        (Sampling::new().success_from("0.01"), Sampling::new().success(0.01)),
        (Sampling::new().success_from(" 1 % "), Sampling::new().success(0.01)),
        (Sampling::new().success_from("1e-3"), Sampling::new().success(0.001)),
        (Sampling::new().levels_from("WARNING=1,error=100%,"), Ok(Sampling::new())),
        (Sampling::new().levels_from("debug=0"), Sampling::new().level(Level::Debug, 0.0)),
        (Sampling::new().targets_from("a::b=0.5"), Sampling::new().target("a::b", 0.5)),
        (Sampling::new().targets_from("*=0"), Sampling::new().target("*", 0.0)),
        (
            Sampling::new().targets_from("scope=info,a=0.5"),
            Sampling::new().target("a", 0.5).and_then(|s| s.target_scope(Level::Info)),
        ),
        (Sampling::new().limit_from("100/1s"), limit(100, 1000)),
        (Sampling::new().limit_from(" 5 / m "), limit(5, 60_000)),
        (Sampling::new().limit_from("1/250 ms"), limit(1, 250)),
        (Sampling::new().limit_from("7/24h"), limit(7, 86_400_000)),
    ] {
        assert_eq!(text.unwrap(), built.unwrap());
    }
}

#[test]
fn an_invalid_rule_names_the_expected_form() {
    let none = Sampling::new;
    let second = Duration::from_secs(1);
    for (result, words) in [
        (
            none().success(1.5),
            "expected a rate from 0 to 1 for success (the share that is kept), found 1.5",
        ),
        (none().success(f64::NAN), "found NaN"),
        (none().target("app", -0.1), "for target app"),
        (none().level(Level::Info, f64::INFINITY), "for level info"),
        (none().level(Level::Warn, 0.5), "warn is always kept"),
        (none().level(Level::Warn, 2.0), "for level warn (the share that is kept), found 2"),
        (none().target_scope(Level::Error), "error is always kept"),
        (none().target("", 0.5), "it is empty; use * for every target"),
        (none().target("a*", 0.5), "target \"a*\": expected * alone"),
        (none().limit(0, second), "1 to 1048575 events"),
        (none().limit(1 << 20, second), "found \"1048576/1s\""),
        (none().limit(5, Duration::ZERO), "interval of 1ms to 24h"),
        (none().limit(5, Duration::from_secs(100_000)), "found \"5/100000s\""),
        (
            none().success_from("1.01"),
            "expected a rate from 0 to 1, as in 0.01 or 1%, found \"1.01\"",
        ),
        (none().success_from("101%"), "found \"101%\""),
        (none().success_from("nan"), "found \"nan\""),
        (none().success_from("half"), "found \"half\""),
        (none().levels_from("debug"), "\"debug\": expected a name and its rate"),
        (none().levels_from("loud=1"), "is not a level"),
        (none().levels_from("off=1"), "is not a level"),
        (none().targets_from("app=x"), "a rate from 0 to 1"),
        (none().targets_from("scope=loud"), "is not a level"),
        (none().limit_from("100"), "as in 100/1s, found \"100\""),
        (none().limit_from("x/1s"), "found \"x/1s\""),
        (none().limit_from("1/1d"), "found \"1/1d\""),
        (none().limit_from("1/1"), "found \"1/1\""),
        (none().limit_from("1/99999999999999999999h"), "found"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(words), "{error:?} without {words:?}");
    }
}

#[test]
fn a_higher_rate_keeps_a_superset() {
    let rates = [0.0, f64::MIN_POSITIVE, 1.0 / WHOLE as f64, 1e-9, 0.01, 0.1, 0.5, 0.999, 1.0];
    let mut random = Random::new(1);
    let edges = [0, 1, WHOLE / 2, WHOLE - 2, WHOLE - 1];
    for randomness in edges.into_iter().chain((0..10_000).map(|_| random.bits())) {
        let kept = rates.map(|rate| keeps(rate, randomness));
        assert!(kept.is_sorted(), "{randomness:x}: {kept:?}");
        assert_eq!((kept[0], kept[8]), (false, true), "nothing and everything");
        // Bits above the lowest 56 are ignored.
        assert_eq!(rates.map(|rate| keeps(rate, randomness | 0xab << 56)), kept);
    }
    assert!(keeps(1.0 / WHOLE as f64, WHOLE - 1) && !keeps(1.0 / WHOLE as f64, WHOLE - 2));
    for (rate, keeps_all) in [(2.0, true), (-1.0, false), (f64::NAN, false)] {
        assert_eq!(keeps(rate, 0) && keeps(rate, WHOLE - 1), keeps_all, "{rate}");
    }
}

/// The threshold of OpenTelemetry's specification, in whole numbers: T = (1 - p) * 2^56, kept if R >= T.
#[test]
fn the_decision_equals_that_of_opentelemetry() {
    // The table of the specification's `th`: rate, and the 14 hexadecimal digits of T.
    for (rate, threshold) in [
        (1.0, 0x00_0000_0000_0000),
        (0.75, 0x40_0000_0000_0000),
        (0.5, 0x80_0000_0000_0000),
        (0.25, 0xc0_0000_0000_0000),
        (1.0 / 16.0, 0xf0_0000_0000_0000),
        (1.0 / 65536.0, 0xff_ff00_0000_0000_u64),
    ] {
        assert!(keeps(rate, threshold), "{rate} at its threshold");
        assert!(threshold == 0 || !keeps(rate, threshold - 1), "{rate} below it");
    }
}

#[test]
fn random_sampling_matches_the_rate() {
    for seed in 0..20 {
        for rate in [0.01, 0.1, 0.5] {
            let (mut random, draws) = (Random::new(seed), 20_000);
            let kept = (0..draws).filter(|_| keeps(rate, random.bits())).count() as f64;
            let draws = f64::from(draws);
            // Five standard deviations of a binomial; the seeds are fixed.
            let bound = 5.0 * (draws * rate * (1.0 - rate)).sqrt();
            assert!((kept - draws * rate).abs() <= bound, "seed {seed}, rate {rate}: {kept}");
        }
    }
    assert_ne!(Random::new(1).word(), Random::new(2).word());
}

/// Targets, `*`, success, levels, and the scope of targets.
type Rules = (Vec<(String, f64)>, Option<f64>, f64, [Option<f64>; 3], Level);

/// The oracle: collects every rule that matches, and applies the most specific one.
fn oracle(
    (targets, any, success, levels, scope): &Rules,
    target: &str,
    event: &str,
    level: Level,
) -> f64 {
    if !is_sampled(target, event, level) {
        return 1.0;
    }
    let in_scope = level as u8 <= *scope as u8;
    let mut best: Option<(usize, f64)> = None;
    for (prefix, rate) in targets {
        let below = [format!("{prefix}::"), format!("{prefix}.")];
        let fits = target == prefix || below.iter().any(|below| target.starts_with(below));
        // A later rule for the same target replaces the earlier one.
        if in_scope && fits && best.is_none_or(|(len, _)| prefix.len() >= len) {
            best = Some((prefix.len(), *rate));
        }
    }
    let name = event.to_uppercase();
    let is_success = name.ends_with("_SUCCESS") || name.ends_with("_OK");
    let by_success = (is_success && *success > 0.0).then_some(*success);
    let by_any = any.filter(|_| in_scope);
    let by_level = levels.get(level as usize).copied().flatten();
    best.map(|(_, rate)| rate).or(by_success).or(by_any).or(by_level).unwrap_or(1.0)
}

fn target() -> impl Strategy<Value = String> {
    let part = prop_oneof![Just("a"), Just("b"), Just("ab")];
    let glue = prop_oneof![Just("::"), Just("."), Just("_")];
    (part.clone(), vec((glue, part), 0..3)).prop_map(|(first, rest)| {
        rest.iter().fold(first.to_owned(), |text, (glue, part)| text + glue + part)
    })
}

fn rate() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0]
}

proptest! {
    #[test]
    fn a_policy_decides_as_the_oracle_does(
        targets in vec((target(), rate()), 0..5),
        any in proptest::option::of(rate()),
        success in rate(),
        levels in proptest::array::uniform3(proptest::option::of(rate())),
        scope in 0u8..3,
        asked in target(),
        event in prop_oneof![Just("x"), Just("X_OK"), Just("y_Success"), Just("ringseal.lost")],
    ) {
        let scope = Level::from_u8(scope).unwrap_or(Level::Info);
        let mut sampling = Sampling::new().target_scope(scope).unwrap().success(success).unwrap();
        for (target, rate) in &targets {
            sampling = sampling.target(target, *rate).unwrap();
        }
        for (level, rate) in Level::ALL.into_iter().zip(levels) {
            sampling = rate.into_iter().fold(sampling, |s, rate| s.level(level, rate).unwrap());
        }
        sampling = any.into_iter().fold(sampling, |s, rate| s.target("*", rate).unwrap());
        let rules = (targets, any, success, levels, scope);
        for level in Level::ALL {
            let applied = sampling.rate_of(&asked, event, level);
            prop_assert_eq!(applied.rate, oracle(&rules, &asked, event, level));
            prop_assert!(applied.rule.is_none() || sampling.may_sample(level));
        }
    }
}

#[test]
fn a_policy_is_displayed_in_order_of_precedence() {
    assert_eq!(Sampling::new().to_string(), "all");
    let sampling = Sampling::new().level(Level::Debug, 0.5).unwrap().success(0.01).unwrap();
    let sampling = sampling.target("app::db", 0.1).unwrap();
    let sampling = sampling.limit(100, std::time::Duration::from_secs(1)).unwrap();
    let want = "target app::db=0.1, success=0.01, level debug=0.5, limit=100/1s";
    assert_eq!(sampling.to_string(), want);
}
