//! A PostgreSQL server for one test, on a Unix socket in a temporary directory.
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The user that runs the server when the test is root, because PostgreSQL refuses to run as root.
const OTHER_USER: &str = "nobody";

pub struct Server {
    dir: TempDir,
    programs: PathBuf,
    is_root: bool,
}

impl Server {
    /// Starts a server, or returns the reason why it cannot.
    pub fn start() -> Result<Server, String> {
        let programs = programs().ok_or("no initdb in /usr/lib/postgresql/*/bin or in PATH")?;
        let dir = tempfile::Builder::new().prefix("ringseal-pg-").tempdir();
        let dir = dir.map_err(|error| format!("no directory: {error}"))?;
        let id =
            Command::new("id").arg("-u").output().map_err(|error| format!("no id: {error}"))?;
        let is_root = id.stdout == b"0\n";
        let server = Server { dir, programs, is_root };
        if is_root {
            let owner = Command::new("chown").arg(OTHER_USER).arg(server.dir.path()).status();
            owner.map_err(|error| format!("no chown: {error}"))?;
        }
        server.run("initdb", |command| {
            command.args(["-D", "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-locale"]);
            command.arg("--no-sync");
        })?;
        server.control("start")?;
        Ok(server)
    }

    /// Runs `start`, `stop` or `restart` and waits for it. Stopping is immediate, as in a crash.
    pub fn control(&self, action: &str) -> Result<(), String> {
        self.run("pg_ctl", |command| {
            command.args([action, "-D", "data", "-w", "-s", "-t", "30", "-l", "log"]);
            if action != "start" {
                command.args(["-m", "immediate"]);
            }
            if action != "stop" {
                let socket = self.dir.path().display();
                command.arg("-o").arg(format!("-k {socket} -c listen_addresses= -c fsync=off"));
            }
        })
    }

    /// The connection settings for a user.
    pub fn settings(&self, user: &str) -> String {
        format!("host={} user={user} dbname=postgres connect_timeout=10", self.dir.path().display())
    }

    fn run(&self, program: &str, arguments: impl FnOnce(&mut Command)) -> Result<(), String> {
        let path = self.programs.join(program);
        let mut command = match self.is_root {
            false => Command::new(path),
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", OTHER_USER, "--"]).arg(path);
                command
            }
        };
        arguments(&mut command);
        // The server keeps inherited descriptors open.
        let quiet = self.dir.path().join(format!("{program}.out"));
        let output = std::fs::File::create(&quiet).map_err(|error| error.to_string())?;
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stderr(Stdio::null());
        let status = command.stdout(output).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("{program}: {other:?}: {}", self.log())),
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.control("stop");
    }
}

fn programs() -> Option<PathBuf> {
    let in_path = Command::new("initdb").arg("--version").output();
    if in_path.is_ok_and(|Output { status, .. }| status.success()) {
        return Some(PathBuf::new());
    }
    let versions = std::fs::read_dir(Path::new("/usr/lib/postgresql")).ok()?;
    let mut found: Vec<_> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.retain(|programs| programs.join("initdb").exists());
    found.sort();
    found.pop()
}
