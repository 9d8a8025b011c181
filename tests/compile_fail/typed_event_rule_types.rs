use ringseal::domain_events;

domain_events! {
    event TextMeasured = "TEXT_MEASURED", Info, version 1 { text: &'static str where range(1..=2); }
}

domain_events! {
    event NumberMeasured = "NUMBER_MEASURED", Info, version 1 { number: u8 where len(1..=2); }
}

domain_events! {
    event FlagListed = "FLAG_LISTED", Info, version 1 { flag: bool where one_of(1, 0); }
}

domain_events! {
    event FlagMeasured = "FLAG_MEASURED", Info, version 1 { flag: bool where range(false..=true); }
}

domain_events! {
    event NumberFound = "NUMBER_FOUND", Info, version 1 { number: u8 where non_null; }
}

domain_events! {
    event OneRequired = "ONE_REQUIRED", Info, version 1 { number: u8; require any(number); }
}

fn main() {}
