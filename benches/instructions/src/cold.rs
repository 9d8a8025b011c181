//! First calls of call sites: as many call sites as the longer run needs, each of which logs the standard event once.
use ringseal::info;

use crate::cases::order;

/// The call sites of the two runs.
pub const SITES: [u64; 2] = [16, 64];

type Site = fn(u64, f64, &str, i32);

/// A function with a call site for each name.
macro_rules! sites {
    ($($name:literal)*) => {
        [$(|seq, price, sym, qty| {
            info!(target: "exchange::gateway", $name, seq, price, sym, qty);
        }),*]
    };
}

const ALL: [Site; SITES[1] as usize] = sites! {
    "order 00" "order 01" "order 02" "order 03" "order 04" "order 05" "order 06" "order 07"
    "order 08" "order 09" "order 10" "order 11" "order 12" "order 13" "order 14" "order 15"
    "order 16" "order 17" "order 18" "order 19" "order 20" "order 21" "order 22" "order 23"
    "order 24" "order 25" "order 26" "order 27" "order 28" "order 29" "order 30" "order 31"
    "order 32" "order 33" "order 34" "order 35" "order 36" "order 37" "order 38" "order 39"
    "order 40" "order 41" "order 42" "order 43" "order 44" "order 45" "order 46" "order 47"
    "order 48" "order 49" "order 50" "order 51" "order 52" "order 53" "order 54" "order 55"
    "order 56" "order 57" "order 58" "order 59" "order 60" "order 61" "order 62" "order 63"
};

/// Logs one event from each of the first `sites` call sites.
pub fn log_from_sites(sites: u64) -> Result<(), String> {
    let sites = ALL
        .get(..sites as usize)
        .ok_or_else(|| format!("expected at most {} call sites, found {sites}", ALL.len()))?;
    for (seq, site) in sites.iter().enumerate() {
        first_call_of_a_site(*site, seq as u64);
    }
    Ok(())
}

/// Counted with the call site that it calls.
#[inline(never)]
fn first_call_of_a_site(site: Site, seq: u64) {
    let (price, sym, qty) = order(seq);
    site(seq, price, sym, qty);
}
