//! quill's call sites (C++), compiled from `cpp/sites.cpp` with the headers of a checkout.
use std::path::Path;
use std::process::Command;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cpp/sites.cpp");

/// The bytes of a further call site and what was compiled, or the reason why quill is skipped. An error if the headers
/// do not compile.
pub fn site_bytes(checkout: Option<&Path>) -> Result<Result<(u64, String), String>, String> {
    let Some(checkout) = checkout else {
        return Ok(Err(
            "--quill DIR was not given; DIR is a checkout of github.com/odygrd/quill".into()
        ));
    };
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let Ok(version) = Command::new(&compiler).arg("--version").output() else {
        return Ok(Err("there is no C++ compiler; set CXX".into()));
    };
    let version = String::from_utf8_lossy(&version.stdout);
    let version = version.lines().next().unwrap_or_default();
    let object = std::env::temp_dir().join(format!("quill-sites-{}.o", std::process::id()));
    let symbols = compile(&compiler, checkout, &object).and_then(|()| super::symbols(&object));
    // A file that cannot be removed is harmless.
    let _ = std::fs::remove_file(&object);
    let bytes = super::further_site(&symbols?, "quill_one_site", "quill_two_sites")?;
    Ok(Ok((bytes, format!("(commit {}, {version})", commit(checkout)))))
}

fn compile(compiler: &std::ffi::OsStr, checkout: &Path, object: &Path) -> Result<(), String> {
    let output = Command::new(compiler)
        .args(["-std=c++17", "-O3", "-DNDEBUG", "-c", "-isystem"])
        .arg(checkout.join("include"))
        .args([SOURCE, "-o"])
        .arg(object)
        .output()
        .map_err(|error| format!("the C++ compiler cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&output.stderr);
    let first: Vec<&str> = messages.lines().take(10).collect();
    Err(format!(
        "{} is not a checkout of quill that compiles:\n{}",
        checkout.display(),
        first.join("\n")
    ))
}

fn commit(checkout: &Path) -> String {
    let output = Command::new("git").arg("-C").arg(checkout).args(["rev-parse", "HEAD"]).output();
    let output =
        output.ok().filter(|output| output.status.success() && checkout.join(".git").exists());
    output.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
