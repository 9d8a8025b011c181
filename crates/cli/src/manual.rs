//! `ringseal completions` and `ringseal man`: completions of shells and manual pages, made from the arguments.
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

use crate::console::{ExitStatus, Failure};

/// Prints the completions of a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringseal completions bash > /etc/bash_completion.d/ringseal
  ringseal completions zsh > ~/.zfunc/_ringseal
  ringseal completions fish > ~/.config/fish/completions/ringseal.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Writes manual pages, one for each command.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringseal man --dir ~/.local/share/man/man1
  man ringseal-cat")]
pub struct ManArgs {
    /// The directory; created if it does not exist. Pages that it has are replaced.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Runs `completions`.
///
/// # Errors
/// If the output cannot be written.
pub fn completions(args: &CompletionsArgs, mut command: Command) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "ringseal", &mut script);
    let mut out = io::stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(ExitStatus::Success)
}

/// Runs `man`.
///
/// # Errors
/// If a page cannot be written.
pub fn man(args: &ManArgs, mut command: Command) -> Result<ExitStatus, Failure> {
    let failed =
        |path: &Path, error: io::Error| Failure::Message(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(&args.dir).map_err(|error| failed(&args.dir, error))?;
    command.build();
    write_pages(&command, "ringseal", &args.dir).map_err(|(path, error)| failed(&path, error))?;
    Ok(ExitStatus::Success)
}

/// The page of a command and those of its subcommands: `ringseal-audit-verify.1`.
fn write_pages(command: &Command, name: &str, dir: &Path) -> Result<(), (PathBuf, io::Error)> {
    let path = dir.join(format!("{name}.1"));
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command.clone()).render(&mut page);
    rendered.and_then(|()| std::fs::write(&path, page)).map_err(|error| (path, error))?;
    let mut shown = command.get_subcommands().filter(|inner| inner.get_name() != "help");
    shown.try_for_each(|inner| write_pages(inner, &format!("{name}-{}", inner.get_name()), dir))
}
