//! The inlined rules of typed events, compared with the rules as data and with plain comparisons.
use proptest::prelude::*;
use ringseal::domain_events;
use ringseal::events::{EventField, FieldValue, Rule};

domain_events! {
    #[derive(Debug, Clone)]
    event ValuesCompared<'a> = "VALUES_COMPARED", Info, version 1 {
        small: i8 where range(-100..=100);
        large: Option<u64> where range(1..=18_446_744_073_709_551_614);
        wide: u128 where range(..=170_141_183_460_469_231_731_687_303_715_884_105_727);
        float: f64 where range(-0.5..=1e300);
        single: Option<f32> where range(0.1..);
        word: &'a str where one_of("LOW", "MEDIUM", "HIGH", ""), len(..=4);
        hash: String where hex, not_blank;
        list: Vec<&'a str> where items(1..=3);
        flag: Option<bool> where one_of(true), non_null;
        code: u16 where one_of(200, 404);
        left: Option<&'a str>;
        right: Option<i64>;
        require any(left, right);
    }
}

impl ValuesCompared<'_> {
    /// The values in the order of the fields.
    fn values(&self) -> [FieldValue<'_>; 12] {
        [
            self.small.shown(),
            self.large.shown(),
            self.wide.shown(),
            self.float.shown(),
            self.single.shown(),
            self.word.shown(),
            self.hash.shown(),
            self.list.shown(),
            self.flag.shown(),
            self.code.shown(),
            self.left.shown(),
            self.right.shown(),
        ]
    }

    /// The violated rules by the rules as data.
    fn by_data(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        for (field, value) in Self::DESCRIPTOR.fields().iter().zip(self.values()) {
            let violated = field.rules().iter().filter(|rule| !rule.accepts(&value));
            found.extend(violated.map(|rule| (field.key(), rule.kind())));
        }
        if self.left.is_none() && self.right.is_none() {
            found.push(("left", Rule::AnyOf.kind()));
        }
        found
    }

    /// The violated rules by comparisons written for this event.
    fn by_hand(&self) -> Vec<(&'static str, &'static str)> {
        let rows = [
            ("small", "range", self.small.unsigned_abs() > 100),
            ("large", "range", matches!(self.large, Some(0 | u64::MAX))),
            ("wide", "range", self.wide >> 127 != 0),
            ("float", "range", self.float.is_nan() || self.float < -0.5 || self.float > 1e300),
            ("single", "range", self.single.is_some_and(|single| single.is_nan() || single < 0.1)),
            ("word", "enum", !["LOW", "MEDIUM", "HIGH", ""].contains(&self.word)),
            ("word", "len", self.word.chars().nth(4).is_some()),
            (
                "hash",
                "hex",
                self.hash.is_empty() || self.hash.chars().any(|c| c.to_digit(16).is_none()),
            ),
            ("hash", "not_blank", self.hash.split_whitespace().all(is_only_marks)),
            ("list", "items", self.list.is_empty() || self.list.len() > 3),
            ("flag", "enum", self.flag == Some(false)),
            ("flag", "non_null", self.flag.is_none()),
            ("code", "enum", self.code != 200 && self.code != 404),
            ("left", "any_of", self.left.or(self.right.map(|_| "")).is_none()),
        ];
        rows.into_iter().filter(|row| row.2).map(|(key, kind, _)| (key, kind)).collect()
    }

    fn by_code(&self) -> Vec<(&'static str, &'static str)> {
        let Err(found) = self.validate() else { return Vec::new() };
        found.iter().map(|violation| (violation.field(), violation.rule().kind())).collect()
    }
}

/// Whether a word consists of byte order marks.
fn is_only_marks(word: &str) -> bool {
    word.trim_matches('\u{feff}').is_empty()
}

fn floats() -> impl Strategy<Value = f64> {
    let edges = [-0.5, -0.500_000_000_000_000_1, 1e300, 1.1e300, f64::NAN, f64::INFINITY, -0.0];
    prop_oneof![any::<f64>(), proptest::sample::select(edges.to_vec())]
}

fn singles() -> impl Strategy<Value = f32> {
    prop_oneof![any::<f32>(), proptest::sample::select(vec![0.1f32, 0.099_999_994, f32::NAN])]
}

fn events() -> impl Strategy<Value = ValuesCompared<'static>> {
    let words = vec!["LOW", "MEDIUM", "HIGH", "", "low", "äöüß", "äöüßa", "🦀🦀🦀🦀🦀"];
    let wide = prop_oneof![any::<u128>(), Just(u128::MAX >> 1), Just((u128::MAX >> 1) + 1)];
    let large = prop_oneof![any::<u64>(), Just(0), Just(1), Just(u64::MAX), Just(u64::MAX - 1)];
    let first = (any::<i8>(), proptest::option::of(large), wide, floats());
    let second = (proptest::option::of(singles()), proptest::sample::select(words));
    let third = ("[0-9a-fA-F]{0,8}|[ \t\u{2003}\u{feff}]{0,3}|.{0,5}", 0..5usize);
    let flag = proptest::option::of(any::<bool>());
    let code = prop_oneof![Just(200u16), Just(404), any::<u16>()];
    let sides = (proptest::option::of(Just("l")), proptest::option::of(any::<i64>()));
    (first, second, third, (flag, code, sides)).prop_map(|(first, second, third, rest)| {
        let (small, large, wide, float) = first;
        let (single, word) = second;
        let (hash, items) = third;
        let (flag, code, (left, right)) = rest;
        let list = vec!["x"; items];
        ValuesCompared {
            small,
            large,
            wide,
            float,
            single,
            word,
            hash,
            list,
            flag,
            code,
            left,
            right,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn code_data_and_comparisons_agree(event in events()) {
        let found = event.by_code();
        prop_assert_eq!(&found, &event.by_hand());

        prop_assert_eq!(&found, &event.by_data());
        for violation in event.validate().err().iter().flatten() {
            let (message, field) = (violation.to_string(), violation.field());
            prop_assert!(message.contains(field), "{}", message);
        }
    }
}
