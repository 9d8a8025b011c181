//! Locks against this process, its threads, its forked children and other processes.
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const PATH: &str = "RINGSEAL_TEST_LOCK_PATH";
const ROLE: &str = "RINGSEAL_TEST_LOCK_ROLE";
const REFUSED: i32 = 10;

fn lock_file() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.lock");
    (dir, path)
}

fn take(path: &Path) -> io::Result<RecordLock> {
    lock(path, 0o600)
}

fn is_refused(result: &io::Result<RecordLock>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// The exit code of the named test in a separate process, in a role.
fn run(test: &str, role: &str, path: &Path) -> Option<i32> {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("storage::lock::tests::{test}")]);
    child.env(ROLE, role).env(PATH, path).stdout(Stdio::null());
    child.status().unwrap().code()
}

fn role() -> Option<(String, PathBuf)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(PATH)?.into()))
}

/// Whether another process is refused.
fn excludes_others(path: &Path) -> bool {
    match run("another_process_is_refused", "other", path) {
        Some(0) => false,
        Some(REFUSED) => true,
        code => panic!("{code:?}"),
    }
}

#[test]
fn another_process_is_refused() {
    if let Some((_, path)) = role() {
        std::process::exit(if is_refused(&take(&path)) { REFUSED } else { 0 });
    }
    let (_dir, path) = lock_file();
    assert!(!excludes_others(&path));
    let held = take(&path).unwrap();
    assert!(excludes_others(&path));
    drop(held);
    assert!(!excludes_others(&path));
}

#[test]
fn a_second_lock_in_one_process_is_refused() {
    let (dir, path) = lock_file();
    let alias = dir.path().join("alias");
    let held = take(&path).unwrap();
    fs::hard_link(&path, &alias).unwrap();
    for _ in 0..3 {
        assert!(is_refused(&take(&path)));
        assert!(is_refused(&take(&alias)));
        // The refusal opened and closed nothing: the lock still exists.
        assert!(excludes_others(&path));
    }
    drop(held);
    let again = take(&alias).unwrap();
    assert!(excludes_others(&path));
    drop(again);
    assert!(!excludes_others(&path));
}

#[test]
fn a_descriptor_opened_concurrently_keeps_the_lock() {
    let (_dir, path) = lock_file();
    let held = take(&path).unwrap();
    let id = held.id;
    let racing = open_os_file(&path, OpenMode::Append).unwrap();
    assert!(is_refused(&RecordLock::claim_opened(racing)));
    assert!(excludes_others(&path));
    drop(held);
    assert!(!excludes_others(&path));
    assert!(registry().unwrap().iter().all(|held| held.id != id), "an entry is left");
}

#[test]
fn a_replaced_name_claims_the_opened_file() {
    let (dir, path) = lock_file();
    let stale = RecordLock::claim(FileId { device: 0, inode: 7 }).unwrap();
    let file = open_os_file(&path, OpenMode::CreateNew { mode: 0o600 }).unwrap();
    let claimed = stale.add_file(file).unwrap();
    assert_eq!(claimed.id, id_of(&fs::metadata(&path).unwrap()));
    assert!(RecordLock::claim(FileId { device: 0, inode: 7 }).is_ok());
    // A new file under the name of a held one is a different file.
    drop(claimed);
    let held = take(&path).unwrap();
    fs::rename(&path, dir.path().join("moved")).unwrap();
    let other = take(&path).unwrap();
    assert_ne!(held.id, other.id);
    drop(held);
    assert!(excludes_others(&path));
}

#[test]
fn threads_that_race_get_one_lock() {
    let (_dir, path) = lock_file();
    let (holders, taken) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let Ok(held) = take(&path) else { continue };
                    assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                    taken.fetch_add(1, Ordering::SeqCst);
                    holders.fetch_sub(1, Ordering::SeqCst);
                    drop(held);
                }
            });
        }
    });
    assert!(taken.load(Ordering::SeqCst) > 0);
    assert!(!excludes_others(&path));
    let _held = take(&path).unwrap();
    assert!(excludes_others(&path));
}

#[test]
fn a_missing_directory_is_an_error() {
    let (dir, _) = lock_file();
    let error = take(&dir.path().join("missing/a.lock")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
    assert!(take(&dir.path().join("link")).is_err(), "a symbolic link");
    assert!(take(dir.path()).is_err(), "a directory");
}

#[test]
fn a_created_file_has_exactly_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, path) = lock_file();
    drop(lock(&path, 0o666).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o666);
}

/// The result in the forked child; 0 means as expected.
fn forked_child(path: &Path, inherited: RecordLock) -> i32 {
    let refused = is_refused(&take(path));
    drop(inherited);
    let refused_again = is_refused(&take(path));
    i32::from(!refused) + 2 * i32::from(!refused_again)
}

#[test]
fn a_forked_child_cannot_release_the_lock() {
    let test = "a_forked_child_cannot_release_the_lock";
    let Some((_, path)) = role() else {
        let (_dir, path) = lock_file();
        assert_eq!(run(test, "parent", &path), Some(0));
        return;
    };
    let held = take(&path).unwrap();
    // SAFETY: the child runs `forked_child` and ends by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let code = forked_child(&path, held);
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(code) };
    }
    let mut status = -1;
    // SAFETY: `status` is a valid place; `child` is our child.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((waited, status), (child, 0));
    assert!(excludes_others(&path));
    drop(held);
    assert!(!excludes_others(&path));
    std::process::exit(0);
}

#[test]
fn an_existing_file_keeps_no_wider_mode() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, path) = lock_file();
    for (found, after) in [(0o666, 0o600), (0o644, 0o600), (0o400, 0o400), (0o600, 0o600)] {
        fs::write(&path, b"").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(found)).unwrap();
        let locked = take(&path);
        // Without the permission to write, only root can take the lock.
        assert!(locked.is_ok() || found == 0o400);
        drop(locked);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, after, "{found:o}");
        fs::remove_file(&path).unwrap();
    }
}
