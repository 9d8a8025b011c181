use ringseal::{catalogue, domain_events, events::Catalogue};

domain_events! {
    event Built = "TORRENT_BUILD", Info, version 1 {}
    event Written = "features_written", Info, version 1 {}
}

domain_events! {
    names: snake_case;
    event Sent = "SENT", Info, version 1 {}
}

domain_events! {
    event One = "FILE_READ", Info, version 1 {}
    event Other = "FILE_READ", Info, version 1 {}
}

static CATALOGUE: Catalogue = catalogue![One, Other];

fn main() {}
