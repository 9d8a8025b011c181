//! `ringseal audit timestamp`: a time-stamping authority's stamp on a checkpoint (RFC 3161).
//!
//! Opens no connection: the request is a file to send, the response a file to check. The authority's signature is
//! checked by `openssl`; the output names the command.
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use ringseal_audit::anchor::{
    Timestamp, TimestampError, TimestampRequest, find_stamped_note, imprint,
};
use ringseal_audit::keys::system_random;
use ringseal_audit::note::{NOTE_BYTES_MAX, Note};
use ringseal_base::digest::text::hex;

use super::checkpoint::{find_contradiction, parse_note, written_beside};
use super::{LogDir, public_key, read_small};
use crate::console::{ExitStatus, Failure, write_stderr};
use crate::size::format_count;
use crate::time::write_millis;

/// Responses with a certificate chain have a few kilobytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const CHECKPOINTS_BYTES_MAX: usize = 1 << 30;

/// Requests a time-stamping authority's stamp on a checkpoint, or checks its response.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Request(RequestArgs),
    Check(CheckArgs),
}

/// Writes a request for the latest checkpoint.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Send it, and keep the response out of an intruder's reach:
  curl -sS -H 'Content-Type: application/timestamp-query' \\
      --data-binary @FILE -o FILE.tsr AUTHORITY

Exit codes: 0 written, 2 there is no checkpoint, FILE exists, or something cannot be read or written.")]
struct RequestArgs {
    #[command(flatten)]
    log: LogDir,
    /// The file to create; never overwritten. [default: `checkpoint-SIZE.tsq` in the working directory]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Finds the checkpoint of an authority's response, and checks that the log is consistent with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The authority's signature is not checked here. `openssl ts -verify` does that; the command is shown.

Exit codes: 0 the response is for a checkpoint of this log, and the log is consistent with it; 1 it is not for a \
checkpoint of this log, answers another request, or the log is not consistent with it; 2 it is not a timestamp, or \
something cannot be read.")]
struct CheckArgs {
    #[command(flatten)]
    log: LogDir,
    /// The authority's response, or the token in it.
    #[arg(value_name = "RESPONSE")]
    response: PathBuf,
    /// The request of this response. Without it, the nonce is not compared.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// The log's public key, `audit.pub`; by default the one that the log names.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    match &args.command {
        Command::Request(args) => request(args),
        Command::Check(args) => check(args),
    }
}

fn request(args: &RequestArgs) -> Result<ExitStatus, Failure> {
    let path = args.log.dir.join("checkpoint");
    let note = read_small(&path, NOTE_BYTES_MAX)?;
    let checkpoint = parse_note(&note, &path)?;
    let note = Note::parse(&note).map_err(Failure::of)?;
    let mut nonce = [0; 8];
    system_random(&mut nonce).map_err(Failure::of)?;
    let request = TimestampRequest::new(note.text, nonce);
    let name = || PathBuf::from(format!("checkpoint-{}.tsq", checkpoint.size));
    let out = args.out.clone().unwrap_or_else(name);
    create(&out, &request.to_der())?;
    let mut err = io::stderr().lock();
    // Errors on standard error are ignored: the file is the result.
    let _ = writeln!(
        err,
        "log         {}\nsize        {} entries\nimprint     sha256 {}\nwritten to  {}",
        checkpoint.origin,
        format_count(checkpoint.size),
        hex(&request.imprint),
        out.display(),
    );
    Ok(ExitStatus::Success)
}

/// Creates the file and never overwrites one: a response can be checked only against its own request.
fn create(path: &Path, der: &[u8]) -> Result<(), Failure> {
    let written =
        written_beside(path, der).and_then(|file| Ok(file.persist_noclobber(path).map(drop)?));
    written.map_err(|error| {
        let path = path.display();
        Failure::Message(match error.kind() {
            io::ErrorKind::AlreadyExists => format!(
                "{path} exists; requests are never overwritten, as their responses could no longer be checked"
            ),
            _ => format!("{path}: {error}"),
        })
    })
}

fn check(args: &CheckArgs) -> Result<ExitStatus, Failure> {
    let dir = &args.log.dir;
    let wrong = |path: &Path, error: TimestampError| {
        Failure::Message(format!("{}: {error}", path.display()))
    };
    let response = read_small(&args.response, ANSWER_BYTES_MAX)?;
    let stamp = Timestamp::parse(&response).map_err(|error| wrong(&args.response, error))?;
    let request = match &args.request {
        None => None,
        Some(path) => {
            let der = read_small(path, ANSWER_BYTES_MAX)?;
            Some(TimestampRequest::parse(&der).map_err(|error| wrong(path, error))?)
        }
    };
    let refused = |message: String| {
        write_stderr(format_args!("{}: {message}", args.response.display()));
        Ok(ExitStatus::Findings)
    };
    if let Some(request) = &request
        && let Err(error) = stamp.check_answers(request)
    {
        return refused(error.to_string());
    }
    let all_path = dir.join("checkpoints");
    let all = read_small(&all_path, CHECKPOINTS_BYTES_MAX)?;
    let Some(note) = find_stamped_note(&all, &stamp) else {
        let found = hex(&stamp.imprint);
        return refused(format!(
            "the stamped hash is {found}, which is not that of a checkpoint of this log"
        ));
    };
    let checkpoint = ringseal_audit::checkpoint::Checkpoint::parse_text(note.text);
    let checkpoint = checkpoint.map_err(Failure::of)?;
    let latest_path = dir.join("checkpoint");
    let latest = parse_note(&read_small(&latest_path, NOTE_BYTES_MAX)?, &latest_path)?;
    let key = args.key.as_deref().map(public_key).transpose()?;
    if let Some(finding) = find_contradiction(dir, key, &checkpoint, &latest)? {
        return refused(finding);
    }
    let time = String::from_utf8_lossy(&write_millis(stamp.unix_nanos)).into_owned();
    let nonce = if request.is_some() { "the request's" } else { "not compared: no --request" };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "imprint matches; signature not checked here\nlog         {}\nsize        {} entries\n\
         time        {time}\nserial      {}\nnonce       {nonce}\n\
         signature   openssl ts -verify -digest {} -in {}{} -CAfile AUTHORITY.pem",
        checkpoint.origin,
        format_count(checkpoint.size),
        hex(&stamp.serial),
        hex(&imprint(note.text)),
        args.response.display(),
        if is_token(&response) { " -token_in" } else { "" },
    )?;
    Ok(ExitStatus::Success)
}

/// The content of a token begins with an object identifier, the content of a response with a sequence.
fn is_token(der: &[u8]) -> bool {
    let header = match der.get(1) {
        Some(first) if *first >= 0x80 => 2 + usize::from(first & 0x7f),
        _ => 2,
    };
    der.get(header) == Some(&0x06)
}
