//! The size that ringseal adds to a program: the loaded bytes of `minimal` minus those of `nothing`, both built like
//! this package. The loaded bytes are those of a stripped file without its section names.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// The record; `None` if the programs cannot be built here (not run by cargo, no sources).
pub fn measure() -> Option<Value> {
    let cargo = std::env::var_os("CARGO")?;
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--bin", "minimal", "--bin", "nothing"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .ok()?;
    if !built.success() {
        return None;
    }
    let here = std::env::current_exe().ok()?;
    let bytes = |name: &str| file_bytes(&here.with_file_name(name));
    let (minimal, nothing) = (bytes("minimal")?, bytes("nothing")?);
    Some(json!({
        "mode": "sweep_size",
        "candidate": "minimal",
        "good": true,
        "round": 0,
        "bytes": minimal,
        "bytes_of_nothing": nothing,
        "bytes_added": minimal.saturating_sub(nothing),
    }))
}

fn file_bytes(path: &Path) -> Option<u64> {
    loaded_bytes(&std::fs::read(path).ok()?)
}

/// Where the last loaded segment of a little-endian 64-bit ELF file ends; `None` for other files.
fn loaded_bytes(elf: &[u8]) -> Option<u64> {
    const PT_LOAD: u64 = 1;
    let number = |at: usize, len: usize| -> Option<u64> {
        let bytes = elf.get(at..at.checked_add(len)?)?;
        Some(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    };
    if elf.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let mut end = None;
    for index in 0..count {
        let at = usize::try_from(table + index * size).ok()?;
        if number(at, 4)? == PT_LOAD {
            end = end.max(number(at + 8, 8)?.checked_add(number(at + 32, 8)?));
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stripped_file_ends_after_its_loaded_parts() {
        let own = std::env::current_exe().expect("a test has a file");
        let elf = std::fs::read(own).expect("it can be read");
        let loaded = loaded_bytes(&elf).expect("it is an ELF file");
        assert!(loaded > 100_000 && loaded < elf.len() as u64, "{loaded} of {}", elf.len());
    }

    #[test]
    fn other_files_have_no_loaded_size() {
        for bytes in [&b""[..], b"MZ", b"\x7fELF\x02\x01", b"\x7fELF\x01\x01 and more"] {
            assert_eq!(loaded_bytes(bytes), None);
        }
    }
}
