//! The size of a program's file after `strip`.
use std::path::PathBuf;
use std::process::Command;

/// Builds the program `name` of this package like this one, and returns the bytes of its stripped file.
pub fn stripped_bytes(name: &str) -> Result<u64, String> {
    let program = build(name)?;
    let stripped = std::env::temp_dir().join(format!("{name}-{}-stripped", std::process::id()));
    let result = strip(&program, &stripped);
    // A file that cannot be removed is harmless.
    let _ = std::fs::remove_file(&stripped);
    result
}

fn build(name: &str) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--bin",
            name,
            "--manifest-path",
            manifest,
        ])
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("building {name}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(super::own_program()?.with_file_name(name))
}

fn strip(program: &std::path::Path, stripped: &std::path::Path) -> Result<u64, String> {
    let output = Command::new("strip").arg("-o").arg(stripped).arg(program).output();
    let output = output.map_err(|error| format!("strip (binutils) cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let data = stripped.metadata().map_err(|error| format!("{}: {error}", stripped.display()))?;
    Ok(data.len())
}
