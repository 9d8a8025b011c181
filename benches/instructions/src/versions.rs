//! The programs that the counts depend on. Bounds hold only for the versions with which they were recorded.
use std::process::Command;

/// The name of the row in bounds.tsv.
pub const NAME: &str = "versions";

/// The versions of the compiler, the C library and valgrind: `rustc 1.95.0, glibc 2.36, valgrind-3.19.0`.
pub fn here() -> Result<String, String> {
    let rustc = first_line("rustc", &["--version"])?;
    let rustc: Vec<&str> = rustc.split_whitespace().take(2).collect();
    let libc = first_line("getconf", &["GNU_LIBC_VERSION"])?;
    let valgrind = first_line("valgrind", &["--version"])?;
    Ok(format!("{}, {libc}, {valgrind}", rustc.join(" ")))
}

fn first_line(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program} cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line =
        text.lines().next().ok_or_else(|| format!("{program} {arguments:?} printed nothing"))?;
    Ok(line.trim().to_owned())
}
