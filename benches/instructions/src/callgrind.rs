//! Runs this program under callgrind and reads the count from the files that it leaves.
use std::path::Path;
use std::process::Command;

use crate::cases::{Case, Collect};

/// Instructions that `case` takes for `events` events.
pub fn count(case: &Case, events: u64) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let dir = std::env::temp_dir().join(format!("instructions-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--separate-threads=yes"]);
    if let Collect::Function(name) = case.collect {
        command.arg(format!("--toggle-collect=*{name}*"));
    }
    command.arg(format!("--callgrind-out-file={}", dir.join("out").display()));
    command.arg(program).args(["run", case.name, &events.to_string()]);
    let output = command.output().map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let result = if output.status.success() {
        read(&dir, case.collect)
    } else {
        Err(format!("{}: {}", case.name, String::from_utf8_lossy(&output.stderr)))
    };
    // A directory that cannot be removed is harmless; only the count matters.
    let _ = std::fs::remove_dir_all(&dir);
    result
}

/// Callgrind writes a file per thread, `out-01` for the first. The writer's is the second of a run without helpers.
fn read(dir: &Path, collect: Collect) -> Result<u64, String> {
    let name = match collect {
        Collect::Function(_) => "out-01",
        Collect::Writer => "out-02",
    };
    let path = dir.join(name);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let totals = totals.ok_or_else(|| format!("{name} has no line `totals:`"))?;
    totals.trim().parse().map_err(|_| format!("{name}: `{totals}` is not a number"))
}
