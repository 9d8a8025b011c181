//! Runs this program under callgrind and reads the count from the files that it leaves.
use std::path::Path;
use std::process::Command;

use crate::cases::{Case, Collect};

/// The argument with which this program prints the instruction set that it finds.
pub const REPORT_SET: &str = "instruction-set";

/// The instruction set that this program finds under valgrind, and with it ringseal's kernels.
pub fn instruction_set() -> Result<String, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind").arg("--tool=none").arg(program).arg(REPORT_SET).output();
    let output = output.map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().filter(|_| output.status.success());
    let line = line.ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned());
    line.map(str::to_owned)
}

/// Instructions that `case` takes for `events` events.
pub fn count(case: &Case, events: u64) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let dir = std::env::temp_dir().join(format!("instructions-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--separate-threads=yes"]);
    if let Collect::Function(name) | Collect::InEachThread(name) = case.collect {
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
    match collect {
        Collect::Function(_) => total(&dir.join("out-01")),
        Collect::Writer => total(&dir.join("out-02")),
        Collect::InEachThread(_) => {
            let files = std::fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
            let mut sum = 0;
            for file in files {
                let path = file.map_err(|e| format!("{}: {e}", dir.display()))?.path();
                // `out` itself is the empty file of the whole process.
                if path.file_name().is_some_and(|name| name != "out") {
                    sum += total(&path)?;
                }
            }
            Ok(sum)
        }
    }
}

/// The total in a file of a thread; 0 if it collected nothing.
fn total(path: &Path) -> Result<u64, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let totals = totals.ok_or_else(|| format!("{name} has no line `totals:`"))?;
    totals.trim().parse().map_err(|_| format!("{name}: `{totals}` is not a number"))
}
