//! Sets `ringseal_avx512` if the compiler has the instructions' functions: from Rust 1.89 on. Older compilers get AVX2.
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ringseal_avx512)");
    if minor_version().is_none_or(|minor| minor >= 89) {
        println!("cargo::rustc-cfg=ringseal_avx512");
    }
}

/// The second number of the compiler's version; `None` if its text has another form.
fn minor_version() -> Option<u32> {
    let output = Command::new(std::env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix("rustc 1.")?.split('.').next()?.parse().ok()
}
