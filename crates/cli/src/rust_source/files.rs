//! The Rust files below the arguments. Directories are read in the order of their names, and links are not followed.
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::console::write_stderr;

/// What was found.
#[derive(Debug, Default)]
pub struct Files {
    /// The files, in the order of the arguments and of their names.
    pub paths: Vec<PathBuf>,
    /// What was left out, and why.
    pub skipped: Vec<(PathBuf, &'static str)>,
    /// What could not be read.
    pub errors: Vec<(PathBuf, io::Error)>,
    seen: BTreeSet<PathBuf>,
}

impl Files {
    /// The files that the arguments name. Named files are taken whatever their names are.
    pub fn of(arguments: &[PathBuf], with_tests: bool) -> Files {
        let mut files = Files::default();
        for path in arguments {
            match path.metadata() {
                Ok(found) if found.is_dir() => files.dir(path, with_tests),
                Ok(_) => files.add(path.clone()),
                Err(error) => files.errors.push((path.clone(), error)),
            }
        }
        files
    }

    fn add(&mut self, path: PathBuf) {
        if self.seen.insert(path.clone()) {
            self.paths.push(path);
        }
    }

    fn dir(&mut self, dir: &Path, with_tests: bool) {
        let entries = std::fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.errors.push((dir.to_owned(), error)),
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) => {
                    self.errors.push((path, error));
                    continue;
                }
            };
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_rust = name.ends_with(".rs");
            if kind.is_symlink() {
                if is_rust || path.is_dir() {
                    self.skipped.push((path, "a link"));
                }
            } else if kind.is_dir() {
                match reason_to_skip(&name, with_tests) {
                    Some(reason) => self.skipped.push((path, reason)),
                    None => self.dir(&path, with_tests),
                }
            } else if is_rust {
                let is_test =
                    name == "tests.rs" || name == "test.rs" || name.ends_with("_tests.rs");
                match (name.starts_with('.'), is_test && !with_tests) {
                    (true, _) => self.skipped.push((path, "hidden")),
                    (_, true) => self.skipped.push((path, TESTS)),
                    _ => self.add(path),
                }
            }
        }
    }
}

const TESTS: &str = "tests; --tests checks them";

fn reason_to_skip(dir: &str, with_tests: bool) -> Option<&'static str> {
    match dir {
        "target" => Some("build output"),
        "tests" | "benches" if !with_tests => Some(TESTS),
        _ if dir.starts_with('.') => Some("hidden"),
        _ => None,
    }
}

/// Whether the file is part of a library: not a program, an example, a test or a build script, and in a package that
/// has a library.
pub fn is_library(path: &Path) -> bool {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let package = path.ancestors().skip(1).find(|dir| dir.join("Cargo.toml").is_file());
    let Some(package) = package else { return !is_program(&path) };
    let below = path.strip_prefix(package).unwrap_or(&path);
    let manifest = std::fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default();
    let has_library =
        package.join("src/lib.rs").is_file() || manifest.lines().any(|line| line.trim() == "[lib]");
    has_library && !is_program(below)
}

fn is_program(path: &Path) -> bool {
    let mut parts = path.components().map(|part| part.as_os_str().to_string_lossy());
    let is_program_dir =
        parts.any(|part| matches!(&*part, "bin" | "examples" | "tests" | "benches"));
    let name = path.file_name().unwrap_or_default();
    is_program_dir || name == "main.rs" || name == "build.rs"
}

/// Says on standard error what was left out.
pub fn report_skipped(skipped: &[(PathBuf, &'static str)]) {
    const SHOWN_MAX: usize = 20;
    for (path, reason) in skipped.iter().take(SHOWN_MAX) {
        write_stderr(format_args!("skipped {}: {reason}", path.display()));
    }
    if skipped.len() > SHOWN_MAX {
        write_stderr(format_args!("skipped {} more", skipped.len() - SHOWN_MAX));
    }
}
