//! quill, a logger in C++: built from `cpp/quill.cpp` and the headers of a checkout, which is not part of this package.
//!
//! The driver is a separate program beside this one. It measures as `measure` does, and writes what it measured as
//! text and files that `candidates::quill` reads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// The driver's source.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cpp/quill.cpp");
/// The optimisation of quill's own release builds. Like all other candidates, for any x86-64 processor.
const FLAGS: [&str; 4] = ["-std=c++17", "-O3", "-DNDEBUG", "-pthread"];
/// The header with the version's three numbers.
const VERSION_HEADER: &str = "include/quill/Backend.h";

/// What was built.
#[derive(Debug, PartialEq, Eq)]
pub struct Peer {
    /// quill's version.
    pub version: String,
    /// The commit of the checkout; with `-dirty` if its headers differ from that commit.
    pub commit: String,
    /// The first line of the compiler's version.
    pub compiler: String,
}

impl Peer {
    /// The record in the description of the run.
    pub fn record(&self) -> Value {
        let flags = FLAGS.join(" ");
        json!({
            "version": self.version,
            "commit": self.commit,
            "compiler": self.compiler,
            "flags": flags,
        })
    }

    /// The version, commit and compiler in one phrase.
    pub fn phrase(&self) -> String {
        format!("{} (commit {}, {})", self.version, self.commit, self.compiler)
    }
}

/// Whether quill can be measured.
#[derive(Debug, PartialEq, Eq)]
pub enum Built {
    /// The driver is ready.
    Yes(Peer),
    /// It is skipped, for this reason.
    Skipped(String),
}

/// The driver's program, beside this one.
pub fn driver() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|e| format!("current_exe: {e}"))?;
    Ok(here.with_file_name("quill_driver"))
}

/// Builds the driver with the headers of `checkout`. Without a checkout or a compiler quill is skipped. A directory
/// that is not a checkout of quill, or that does not compile, is an error.
pub fn build(checkout: Option<&Path>) -> Result<Built, String> {
    let Some(checkout) = checkout else {
        let reason = "--quill DIR was not given; DIR is a checkout of github.com/odygrd/quill";
        return Ok(Built::Skipped(reason.to_owned()));
    };
    let version = version(checkout)?;
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| OsString::from("c++"));
    let Some(compiler_version) = first_line(Command::new(&compiler).arg("--version")) else {
        let name = compiler.to_string_lossy();
        let reason = format!("`{name} --version` failed; install a C++ compiler, or set CXX");
        return Ok(Built::Skipped(reason));
    };
    let commit = commit(checkout);
    compile(&compiler, checkout)?;
    Ok(Built::Yes(Peer { version, commit, compiler: compiler_version }))
}

fn compile(compiler: &OsString, checkout: &Path) -> Result<(), String> {
    let output = Command::new(compiler)
        .args(FLAGS)
        .arg("-isystem")
        .arg(checkout.join("include"))
        .arg(SOURCE)
        .arg("-o")
        .arg(driver()?)
        .output()
        .map_err(|e| format!("{}: {e}", compiler.to_string_lossy()))?;
    if output.status.success() {
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&output.stderr);
    let first: Vec<&str> = messages.lines().take(20).collect();
    let dir = checkout.display();
    Err(format!(
        "the driver of quill does not compile with the headers of {dir}:\n{}",
        first.join("\n")
    ))
}

/// The version in the headers of `checkout`.
fn version(checkout: &Path) -> Result<String, String> {
    let header = checkout.join(VERSION_HEADER);
    let text = std::fs::read_to_string(&header).map_err(|e| {
        format!(
            "expected a checkout of quill with {VERSION_HEADER}, found {}: {e}",
            checkout.display()
        )
    })?;
    version_in(&text).ok_or_else(|| format!("{} does not name quill's version", header.display()))
}

fn version_in(header: &str) -> Option<String> {
    let number = |name: &str| -> Option<u32> {
        let (_, after) = header.split_once(&format!("{name}{{"))?;
        after.split('}').next()?.trim().parse().ok()
    };
    let parts = [number("VersionMajor")?, number("VersionMinor")?, number("VersionPatch")?];
    Some(parts.map(|part| part.to_string()).join("."))
}

/// The commit that is checked out in `checkout` itself, not in a repository around it.
fn commit(checkout: &Path) -> String {
    let git = |words: &[&str]| first_line(Command::new("git").arg("-C").arg(checkout).args(words));
    let root = git(&["rev-parse", "--show-toplevel"]).map(PathBuf::from);
    let is_root = root.is_some_and(|root| root.canonicalize().ok() == checkout.canonicalize().ok());
    match git(&["rev-parse", "HEAD"]).filter(|_| is_root) {
        None => "unknown: not a git checkout".to_owned(),
        Some(commit) => match git(&["status", "--porcelain", "--", "include"]) {
            None => commit,
            Some(_) => format!("{commit}-dirty"),
        },
    }
}

/// The first line that a command prints; `None` if it fails or prints nothing.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_checkout_the_reason_is_given() {
        let Ok(Built::Skipped(reason)) = build(None) else { panic!("it must be skipped") };
        assert!(reason.contains("--quill DIR"), "{reason}");
    }

    #[test]
    fn another_directory_is_not_a_checkout() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        let error = build(Some(dir)).expect_err("there is no quill here");
        assert!(error.contains(VERSION_HEADER), "{error}");
    }

    #[test]
    fn the_version_is_read_from_the_header() {
        let header = "inline constexpr uint32_t VersionMajor{12};\n\
                      inline constexpr uint32_t VersionMinor{1};\nuint32_t VersionPatch{0};\n\
                      inline constexpr uint32_t Version{VersionMajor * 10000 + VersionMinor};";
        assert_eq!(version_in(header).as_deref(), Some("12.1.0"));
        assert_eq!(version_in("inline constexpr uint32_t VersionMajor{12};"), None);
    }

    #[test]
    fn a_folder_of_another_repository_has_no_commit() {
        let inside = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert!(commit(&inside).starts_with("unknown"));
    }
}
