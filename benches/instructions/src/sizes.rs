//! The machine code of a call site, from the sizes of this program's functions.
//!
//! One function logs an event once and another twice, from two call sites of the same types: the difference is what a
//! further call site adds. The functions that both share, such as the one for events that are not plain, are not in it.
use std::hint::black_box;
use std::process::Command;

use ringseal::info;

/// The name of the row in bounds.tsv.
pub const NAME: &str = "site_bytes";

/// Its title in the table.
pub const TITLE: &str = "bytes of machine code of a further call site";

/// Bytes of machine code of a further call site of the standard event.
pub fn site_bytes() -> Result<u64, String> {
    // Kept in the program by this.
    black_box((one_site as fn(u64, f64, &str, i32), two_sites as fn(u64, f64, &str, i32)));
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("nm").args(["--print-size", "--defined-only"]).arg(program).output();
    let output = output.map_err(|error| format!("nm (binutils) cannot be run: {error}"))?;
    let symbols = String::from_utf8_lossy(&output.stdout);
    Ok(size_of(&symbols, "sizes8one_site17h")?.abs_diff(size_of(&symbols, "sizes9two_sites17h")?))
}

/// The size of the function whose mangled name contains `name`, which ends with the start of its hash. Lines are
/// `address size type name`.
fn size_of(symbols: &str, name: &str) -> Result<u64, String> {
    let line = symbols.lines().find(|line| line.contains(name));
    let size = line.and_then(|line| line.split_whitespace().nth(1));
    let size = size.and_then(|size| u64::from_str_radix(size, 16).ok());
    size.ok_or_else(|| format!("nm lists no size of a function with `{name}` in its name"))
}

#[inline(never)]
fn one_site(seq: u64, price: f64, sym: &str, qty: i32) {
    info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
}

#[inline(never)]
fn two_sites(seq: u64, price: f64, sym: &str, qty: i32) {
    info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
    info!(target: "exchange::gateway", "order refused", seq, price, sym, qty);
}
