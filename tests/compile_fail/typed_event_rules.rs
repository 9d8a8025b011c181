use ringseal::domain_events;

domain_events! {
    event RangeEmptied = "RANGE_EMPTIED", Info, version 1 { score: f64 where range(1.0..=0.0); }
}

domain_events! {
    event RangeUnset = "RANGE_UNSET_OK", Info, version 1 { score: f64 where range(f64::NAN..); }
}

domain_events! {
    event WordsListed = "WORDS_LISTED", Info, version 1 { word: u8 where one_of(); }
}

domain_events! {
    event WordsRefused = "WORDS_REFUSED", Info, version 1 { word: &'static str where one_of("a", "bb"), len(3..); }
}

domain_events! {
    event RulesRepeated = "RULES_REPEATED", Info, version 1 { id: u8 where range(1..), range(..=9); }
}

domain_events! {
    event FieldsRequired = "FIELDS_REQUIRED", Info, version 1 {
        id: Option<u8>;
        require any(id, other);
    }
}

domain_events! {
    event KeysRepeated = "KEYS_REPEATED", Info, version 1 { id: u8; number as "id": u8; }
}

fn main() {
    KeysRepeated { id: 1, number: 2 }.emit_globally().unwrap();
}
