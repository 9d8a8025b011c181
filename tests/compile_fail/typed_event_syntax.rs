use ringseal::domain_events;

domain_events! {
    event NumberFound = "NUMBER_FOUND", Info, version 1 { number: u8 where between(1, 2); }
}

domain_events! {
    event NumberLost = "NUMBER_LOST", Info, version 1 { number: u8, other: u8 }
}

domain_events! {
    event NumberSent("NUMBER_SENT");
}

fn main() {}
