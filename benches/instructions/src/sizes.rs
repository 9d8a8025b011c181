//! Sizes of machine code: of a call site, and of a whole program.
//!
//! A call site: one function logs an event once and another twice, from two call sites of the same types, and the
//! difference is what a further call site adds. Closures and cold parts that the compiler made of a function count with
//! it. The functions that both share, such as the one for events that are not plain, are not in it, and neither are
//! constants. The other loggers are measured in the same way.
//!
//! A program: the file of `minimal`, which logs one event, after `strip`.
mod binary;
mod quill;
mod tracing;

use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use ringseal::info;

/// A row of the table.
#[derive(Debug)]
pub struct Size {
    /// Its name in bounds.tsv.
    pub name: &'static str,
    /// Its title in the table.
    pub title: &'static str,
    /// Measures it.
    pub measure: fn() -> Result<u64, String>,
}

/// The rows with a bound.
pub const SIZES: &[Size] = &[
    Size {
        name: "site_bytes",
        title: "bytes of machine code of a further call site",
        measure: site_bytes,
    },
    Size {
        name: "binary_bytes",
        title: "bytes of a program that logs one event, stripped",
        measure: || binary::stripped_bytes("minimal"),
    },
    Size {
        name: "binary_added_bytes",
        title: "the same less a program that does nothing",
        measure: || {
            Ok(binary::stripped_bytes("minimal")?
                .saturating_sub(binary::stripped_bytes("nothing")?))
        },
    },
];

/// Prints the code of a further call site of other loggers, or why it is not known. `quill` is a checkout of quill.
pub fn print_others(quill: Option<&Path>) -> Result<(), String> {
    println!("\n| bytes of machine code of a further call site | |\n|---|---:|");
    println!("| ringseal | {} |", site_bytes()?);
    println!("| tracing | {} |", tracing::site_bytes()?);
    match quill::site_bytes(quill)? {
        Ok((bytes, version)) => println!("| quill {version} | {bytes} |"),
        Err(reason) => println!("| quill | skipped: {reason} |"),
    }
    println!("| zap | skipped: it needs Go, and this package builds Rust and C++ only |");
    Ok(())
}

fn site_bytes() -> Result<u64, String> {
    // Kept in the program by this.
    black_box((one_site as fn(u64, f64, &str, i32), two_sites as fn(u64, f64, &str, i32)));
    further_site(&symbols(&own_program()?)?, "5sizes8one_site", "5sizes9two_sites")
}

fn own_program() -> Result<std::path::PathBuf, String> {
    std::env::current_exe().map_err(|error| error.to_string())
}

/// The symbols of a program or an object, as `nm` prints them: `address size type name`.
fn symbols(program: &Path) -> Result<String, String> {
    let output = Command::new("nm").args(["--print-size", "--defined-only"]).arg(program).output();
    let output = output.map_err(|error| format!("nm (binutils) cannot be run: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The bytes of code by which the function of two call sites is longer.
fn further_site(symbols: &str, one: &str, two: &str) -> Result<u64, String> {
    Ok(code_bytes(symbols, two)?.saturating_sub(code_bytes(symbols, one)?))
}

/// The bytes of all functions whose mangled name contains `name`: the function, its closures and its cold part.
fn code_bytes(symbols: &str, name: &str) -> Result<u64, String> {
    let sizes = symbols.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, size, kind, symbol] = words[..] else { return None };
        let is_code = matches!(kind, "t" | "T" | "w" | "W");
        (is_code && symbol.contains(name)).then(|| u64::from_str_radix(size, 16).ok())?
    });
    match sizes.sum() {
        0 => Err(format!("nm lists no function with `{name}` in its name")),
        bytes => Ok(bytes),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS: &str = "\
        0000000000001000 0000000000000020 t _ZN12instructions5sizes8one_site17h0E\n\
        0000000000001000 0000000000000050 t _ZN12instructions5sizes9two_sites17h1E\n\
        0000000000001000 0000000000000008 t _ZN12instructions5sizes9two_sites28_$u7b$closure17h2E\n\
        0000000000001000 0000000000000400 d _ZN12instructions5sizes9two_sites4SITE17h3E\n\
        0000000000001000 t _ZN12instructions5sizes9two_sites9unsized17h4E\n";

    #[test]
    fn closures_count_and_data_does_not() {
        let bytes = further_site(SYMBOLS, "5sizes8one_site", "5sizes9two_sites");
        assert_eq!(bytes, Ok(0x50 + 8 - 0x20));
    }

    #[test]
    fn a_missing_function_is_an_error() {
        let error = code_bytes(SYMBOLS, "three_sites").expect_err("there is none");
        assert!(error.contains("three_sites"), "{error}");
    }
}
