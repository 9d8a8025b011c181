//! Removes the logs of earlier demos, and nothing else.
//!
//! A file is the demo's own if it has one of the file sink's names, is a regular file, and, if it holds lines, its
//! first line was written by a demo.
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ringseal::system::{FileLock, OsStorage, Storage};

use super::service::TARGET;

/// The name of the demo's log.
pub(super) const LOG: &str = "ringseal-demo.log";

/// Permissions of the lock file if it is created here.
const LOCK_MODE: u32 = 0o600;

/// Bytes of a first line that are searched.
const SEARCHED_BYTES: u64 = 4096;

/// The role of a file, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Holds lines.
    Lines,
    /// State of the file sink.
    Bookkeeping,
    Foreign,
}

fn role_of(name: &OsStr) -> Role {
    let Some(name) = name.to_str() else { return Role::Foreign };
    let is_number = |text: &str| text.len() >= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = name.strip_prefix('.').and_then(|name| name.strip_prefix(LOG)) {
        return match rest {
            ".next" | ".last" => Role::Bookkeeping,
            _ if rest.starts_with(super::notes::SUFFIX) => Role::Bookkeeping,
            _ => Role::Foreign,
        };
    }
    match name.strip_prefix(LOG) {
        Some("") => Role::Lines,
        Some(rest) if rest.strip_prefix('.').is_some_and(is_number) => Role::Lines,
        _ => Role::Foreign,
    }
}

/// Why the logs of earlier demos could not be removed.
#[derive(Debug)]
pub(super) enum CleanError {
    Io(PathBuf, io::Error),
    InUse(PathBuf),
    NotOurs(PathBuf),
}

impl std::fmt::Display for CleanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CleanError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            CleanError::InUse(path) => write!(f, "{}: in use by another demo", path.display()),
            CleanError::NotOurs(path) => write!(
                f,
                "{}: has the demo's file name but was not written by it; move it or choose another --dir",
                path.display()
            ),
        }
    }
}

/// Removes the logs of earlier demos from `dir`, which may not exist. Checks all files before it removes any.
pub(super) fn remove_old_logs(dir: &Path) -> Result<usize, CleanError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(|error| CleanError::Io(dir.into(), error))?,
    };
    let _lock = lock(dir)?;
    let mut own = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| CleanError::Io(dir.into(), error))?;
        let (path, role) = (entry.path(), role_of(&entry.file_name()));
        if role == Role::Foreign {
            continue;
        }
        let failed = |error| CleanError::Io(path.clone(), error);
        let is_file = entry.file_type().map_err(failed)?.is_file();
        if !is_file || (role == Role::Lines && !has_our_lines(&path).map_err(failed)?) {
            return Err(CleanError::NotOurs(path));
        }
        own.push(path);
    }
    for path in &own {
        fs::remove_file(path).map_err(|error| CleanError::Io(path.clone(), error))?;
    }
    Ok(own.len())
}

/// Takes the file sink's lock if its file exists; the sink takes it again later.
fn lock(dir: &Path) -> Result<Option<FileLock>, CleanError> {
    let path = dir.join(format!(".{LOG}.lock"));
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CleanError::Io(path, error)),
        Ok(_) => {}
    }
    match OsStorage.lock(&path, LOCK_MODE) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(CleanError::InUse(path)),
        Err(error) => Err(CleanError::Io(path, error)),
    }
}

/// Whether the file is empty or its first line comes from a demo or from the engine itself.
fn has_our_lines(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    let file = File::open(path)?.take(SEARCHED_BYTES);
    BufReader::new(file).read_until(b'\n', &mut first)?;
    let targets = [format!("\"target\":\"{TARGET}::"), "\"target\":\"ringseal\"".to_owned()];
    let holds = |text: &String| memchr::memmem::find(&first, text.as_bytes()).is_some();
    Ok(first.is_empty() || targets.iter().any(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "{\"level\":\"info\",\"target\":\"ringseal_demo::http\"}\n";

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("a directory");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> =
            entries.map(|entry| name(entry).into_string().expect("UTF-8")).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn only_the_demos_own_files_are_removed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let own = ["", ".000001", ".123456789"].map(|end| format!("{LOG}{end}"));
        let foreign = ["app.log", "ringseal-demo.log.bak", "ringseal-demo.log.1", "notes"];
        for name in &own {
            fs::write(dir.path().join(name), OURS).expect("room");
        }
        fs::write(dir.path().join(".ringseal-demo.log.last"), "7").expect("room");
        for name in foreign {
            fs::write(dir.path().join(name), OURS).expect("room");
        }
        assert_eq!(remove_old_logs(dir.path()).expect("removes"), 4);
        let mut expected = foreign.to_vec();
        expected.sort_unstable();
        assert_eq!(names(dir.path()), expected);
    }

    #[test]
    fn a_foreign_file_prevents_all_removals() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join(LOG), OURS).expect("room");
        fs::write(dir.path().join(format!("{LOG}.000001")), "my diary\n").expect("room");
        let error = remove_old_logs(dir.path()).expect_err("refuses");
        assert!(error.to_string().contains("000001"), "{error}");
        assert_eq!(names(dir.path()).len(), 2);
    }

    #[test]
    fn the_logs_of_a_running_demo_are_kept() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join(LOG), OURS).expect("room");
        let path = dir.path().join(format!(".{LOG}.lock"));
        let lock = OsStorage.lock(&path, LOCK_MODE).expect("the lock is free");
        assert!(matches!(remove_old_logs(dir.path()), Err(CleanError::InUse(_))));
        assert_eq!(names(dir.path()).len(), 2);
        drop(lock);
        assert_eq!(remove_old_logs(dir.path()).expect("removes"), 1);
    }

    #[test]
    fn a_missing_directory_is_accepted() {
        assert_eq!(remove_old_logs(Path::new("/nowhere/at/all")).expect("nothing"), 0);
    }
}
