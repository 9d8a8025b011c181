//! What the counts depend on: programs, and the instruction set of ringseal's kernels. Bounds hold only for those with
//! which they were recorded.
use std::process::Command;

use crate::callgrind;

/// The name of the row in bounds.tsv.
pub const NAME: &str = "versions";

/// The versions of the compiler, the C library and valgrind, and the instruction set under valgrind:
/// `rustc 1.95.0, glibc 2.36, valgrind-3.19.0, AVX2`.
pub fn here() -> Result<String, String> {
    let rustc = first_line("rustc", &["--version"])?;
    let rustc: Vec<&str> = rustc.split_whitespace().take(2).collect();
    let libc = first_line("getconf", &["GNU_LIBC_VERSION"])?;
    let valgrind = first_line("valgrind", &["--version"])?;
    let set = callgrind::instruction_set()?;
    Ok(format!("{}, {libc}, {valgrind}, {set}", rustc.join(" ")))
}

/// The best set that this process finds, by the same features as ringseal's kernels. Valgrind shows a process no
/// AVX-512, and AVX2 only if the processor has it, so under it counts are those of the AVX2 kernels or of no use.
pub fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        let has_avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        let has_avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi");
        match (has_avx2, has_avx512) {
            (true, true) => "AVX-512",
            (true, false) => "AVX2",
            _ => "SSE2",
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::env::consts::ARCH
}

fn first_line(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program} cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line =
        text.lines().next().ok_or_else(|| format!("{program} {arguments:?} printed nothing"))?;
    Ok(line.trim().to_owned())
}
