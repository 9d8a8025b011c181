//! Options of known programs that contain a password: `mysql -pX`, `curl -u user:X`, `redis-cli -a X`.
//!
//! Anchored at the byte before the option's dash; the program's name is searched in the same command, at most
//! [`COMMAND_BYTES_MAX`] before it.

use super::arguments;
use super::fits::is_no_value;
use super::flags::{self, is_argument};
use super::foreign;
use super::kv_value::Value;
use crate::bytes::{ByteSet, at, before};
use crate::hits::{Finder, rule};
use crate::kind::{HitKind, mask_len};

pub(super) const COMMAND_BYTES_MAX: usize = 256;
pub(super) const NAME: ByteSet = ByteSet::of(b"A-Za-z0-9_.\\-");
pub(super) const SEPARATOR: ByteSet = ByteSet::of(b"\n;|&`");
/// A number of at most this many digits is a port or a count.
const NUMBER_DIGITS_MAX: usize = 5;

/// Where the value of an option is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the same argument: `-pX`.
    Joined,
    /// In the next argument: `-p X`.
    Next,
    /// In either.
    Both,
}

/// Which part of the value is the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    All,
    /// What follows the first of this byte.
    After(u8),
}

struct Spec {
    programs: &'static [&'static [u8]],
    option: &'static [u8],
    place: Place,
    part: Part,
    /// A word that the command has, too.
    with: &'static [u8],
}

const fn spec(
    programs: &'static [&'static [u8]],
    option: &'static [u8],
    place: Place,
    part: Part,
) -> Spec {
    Spec { programs, option, place, part, with: b"" }
}

#[rustfmt::skip]
const MYSQL: &[&[u8]] = &[
    b"mysql", b"mysqldump", b"mysqladmin", b"mysqlimport", b"mysqlcheck", b"mysqlshow",
    b"mysqlpump", b"mysqlbinlog", b"mysqlsh", b"mycli", b"mariadb", b"mariadb-dump",
    b"mariadb-admin", b"mysqlslap", b"xtrabackup", b"innobackupex",
];
#[rustfmt::skip]
const MONGO: &[&[u8]] = &[
    b"mongo", b"mongosh", b"mongodump", b"mongorestore", b"mongoexport", b"mongoimport",
    b"mongostat", b"mongotop", b"mongod",
];
const LDAP: &[&[u8]] = &[
    b"ldapsearch",
    b"ldapmodify",
    b"ldapadd",
    b"ldapdelete",
    b"ldapwhoami",
    b"ldappasswd",
    b"ldapmodrdn",
    b"ldapcompare",
];
const SAMBA: &[&[u8]] =
    &[b"smbclient", b"rpcclient", b"winexe", b"net", b"smbget", b"smbcacls", b"wmic", b"smbtree"];
const REGISTRY: &[&[u8]] = &[
    b"docker",
    b"podman",
    b"helm",
    b"nerdctl",
    b"skopeo",
    b"buildah",
    b"crane",
    b"oras",
    b"az",
    b"oc",
    b"cf",
    b"argocd",
    b"vault",
    b"ibmcloud",
    b"harbor",
    b"singularity",
];
const CURL: &[&[u8]] =
    &[b"curl", b"curl.exe", b"http", b"https", b"xh", b"wget", b"etcdctl", b"lftp", b"curlie"];

const SPECS: &[Spec] = &[
    spec(MYSQL, b"-p", Place::Joined, Part::All),
    spec(
        &[b"redis-cli", b"valkey-cli", b"keydb-cli", b"redis-benchmark"],
        b"-a",
        Place::Next,
        Part::All,
    ),
    spec(&[b"sshpass"], b"-p", Place::Both, Part::All),
    spec(CURL, b"-u", Place::Both, Part::After(b':')),
    spec(CURL, b"--user", Place::Both, Part::After(b':')),
    spec(CURL, b"--proxy-user", Place::Both, Part::After(b':')),
    spec(CURL, b"-a", Place::Next, Part::After(b':')),
    spec(CURL, b"--auth", Place::Both, Part::After(b':')),
    spec(CURL, b"-U", Place::Both, Part::After(b':')),
    Spec { with: b"login", ..spec(REGISTRY, b"-p", Place::Both, Part::All) },
    spec(
        &[b"psexec", b"psexec.exe", b"psexec64", b"psexec64.exe", b"psexec.py"],
        b"-p",
        Place::Next,
        Part::All,
    ),
    spec(LDAP, b"-w", Place::Both, Part::All),
    spec(SAMBA, b"-U", Place::Both, Part::After(b'%')),
    spec(MONGO, b"-p", Place::Both, Part::All),
    spec(
        &[
            b"sqlcmd",
            b"bcp",
            b"isql",
            b"osql",
            b"tsql",
            b"ipmitool",
            b"mosquitto_pub",
            b"mosquitto_sub",
            b"sqsh",
        ],
        b"-P",
        Place::Both,
        Part::All,
    ),
    spec(&[b"zip", b"unzip", b"zipcloak", b"arj"], b"-P", Place::Both, Part::All),
    spec(
        &[b"7z", b"7za", b"7zr", b"7zz", b"unrar", b"rar", b"7z.exe"],
        b"-p",
        Place::Joined,
        Part::All,
    ),
    spec(
        &[b"plink", b"pscp", b"psftp", b"putty", b"kitty", b"plink.exe", b"pscp.exe", b"putty.exe"],
        b"-pw",
        Place::Next,
        Part::All,
    ),
    spec(&[b"openssl"], b"-k", Place::Next, Part::All),
    spec(&[b"openssl"], b"-K", Place::Next, Part::All),
    spec(
        &[
            b"cqlsh",
            b"beeline",
            b"hdbsql",
            b"rdesktop",
            b"evil-winrm",
            b"crackmapexec",
            b"netexec",
            b"rabbitmqadmin",
            b"certutil",
            b"clickhouse",
            b"winrs",
            b"smbmap",
            b"hydra",
            b"vsql",
            b"snowsql",
            b"ncftp",
            b"ncftpput",
            b"sshpass.exe",
            b"useradd",
            b"usermod",
            b"kinit",
            b"influx",
        ],
        b"-p",
        Place::Both,
        Part::All,
    ),
    spec(
        &[b"snmpget", b"snmpwalk", b"snmpset", b"snmpgetnext", b"snmpbulkwalk", b"snmptrap"],
        b"-A",
        Place::Next,
        Part::All,
    ),
    spec(&[b"pg_dump", b"psql", b"createdb"], b"-W", Place::Joined, Part::All),
    spec(&[b"gpg", b"gpg2"], b"--passwd", Place::Next, Part::All),
    Spec { with: b"add-generic-password", ..spec(&[b"security"], b"-w", Place::Next, Part::All) },
    Spec { with: b"add-internet-password", ..spec(&[b"security"], b"-w", Place::Next, Part::All) },
];

/// A bit for each first two letters and length of a program's name.
static PROGRAMS: [u64; 16] = {
    let mut table = [0; 16];
    let mut i = 0;
    while i < SPECS.len() {
        let mut j = 0;
        while j < SPECS[i].programs.len() {
            let place = program_place(SPECS[i].programs[j]);
            table[place >> 6] |= 1 << (place & 63);
            j += 1;
        }
        i += 1;
    }
    table
};

/// The place of a name of two letters or more in [`PROGRAMS`].
const fn program_place(name: &[u8]) -> usize {
    let (first, second) = ((name[0] & 31) as usize, (name[1] & 31) as usize);
    (first * 37 + second * 5 + name.len() * 101) & 1023
}

/// Whether a word can be the name of a program.
fn may_be_program(word: &[u8]) -> bool {
    word.len() >= 2 && {
        let place = program_place(word);
        PROGRAMS[place >> 6] >> (place & 63) & 1 != 0
    }
}

/// A filter applied before [`find`]: a dash or a slash and a letter, and then nothing that only paths have.
#[inline(always)]
pub(super) fn may_be(input: &[u8], pos: usize) -> bool {
    match at(input, pos + 1) {
        b'-' => true,
        b'/' => arguments::windows_may_be(input, pos + 1),
        _ => false,
    }
}

/// `pos` is the byte before the dash of an option: a space, a quote, or another dash.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if at(input, pos + 1) == b'/' {
        return arguments::windows(finder, pos);
    }
    let start = if at(input, pos) == b'-' { pos } else { pos + 1 };
    if !matches!(before(input, start), 0 | b' ' | b'\t' | b'"' | b'\'') {
        return;
    }
    let known = |spec: &&Spec| input[start..].starts_with(spec.option);
    if !SPECS.iter().any(|spec| known(&spec)) {
        return;
    }
    let command = command_start(input, start);
    finder.spend(start - command);
    for spec in SPECS.iter().filter(known) {
        if runs(&input[command..start], spec) {
            return option(finder, spec, start + spec.option.len());
        }
    }
}

/// The start of the command that `pos` is in.
pub(super) fn command_start(input: &[u8], pos: usize) -> usize {
    let back = input[..pos].iter().rev().take(COMMAND_BYTES_MAX);
    pos - back.take_while(|&&byte| !SEPARATOR.has(byte)).count()
}

/// Whether one of the spec's programs is in `command`, as a word that may follow a path.
fn runs(command: &[u8], spec: &Spec) -> bool {
    let words = || words(command);
    let with = spec.with.is_empty() || words().any(|word| word == spec.with);
    let is_program = |word: &[u8]| {
        may_be_program(word) && spec.programs.iter().any(|name| word.eq_ignore_ascii_case(name))
    };
    with && words().any(is_program)
}

/// The words of a command: of a path, its last part.
pub(super) fn words(command: &[u8]) -> impl Iterator<Item = &[u8]> {
    command.split(|&byte| !NAME.has(byte) && byte != b'/' && byte != b'\\').map(|word| {
        let name = word.rsplit(|&byte| byte == b'/' || byte == b'\\').next().unwrap_or_default();
        if word.ends_with(b"/") { &[] } else { name }
    })
}

/// Masks the value of an option whose name ends at `pos`.
fn option(finder: &mut Finder<'_>, spec: &Spec, pos: usize) {
    let input = finder.input;
    let sign = usize::from(at(input, pos) == b'=' && spec.option.starts_with(b"--"));
    let next = at(input, pos);
    let apart = matches!(next, 0 | b' ' | b'\t' | b'"' | b'\'') && sign == 0;
    let closed = matches!(next, b'"' | b'\'') && in_quotes(input, pos, next);
    // `-password x` is not `-p` and a value.
    let long =
        [&b"assw"[..], b"assp", b"ort", b"ath"].iter().any(|rest| input[pos..].starts_with(rest));
    if !apart && long && spec.option == b"-p" {
        return;
    }
    let value = if apart && (closed || !matches!(next, b'"' | b'\'')) {
        if spec.place == Place::Joined {
            return;
        }
        flags::next_argument(input, pos)
    } else {
        let long = spec.option.len() > 2 && sign == 0 && !matches!(next, b'"' | b'\'');
        if spec.place == Place::Next && sign == 0 || long {
            return;
        }
        flags::argument(input, pos + sign)
    };
    let Some(value) = value else { return };
    mask(finder, spec.part, value);
}

/// Whether the quote at `pos` closes the option, which is a text of a list.
fn in_quotes(input: &[u8], pos: usize, quote: u8) -> bool {
    let len = ByteSet::of(b"A-Za-z\\-").run_back(input, pos, 24);
    before(input, pos - len) == quote
}

pub(super) fn mask(finder: &mut Finder<'_>, part: Part, value: Value) {
    let input = finder.input;
    let mut start = value.start;
    if let Part::After(sign) = part {
        let text = &input[value.start..value.end];
        let Some(found) = text.iter().position(|&byte| byte == sign) else { return };
        if found == 0 && sign != b':' {
            return;
        }
        start += found + 1;
    }
    let text = &input[start..value.end];
    finder.spend(text.len());
    let number = text.len() <= NUMBER_DIGITS_MAX && text.iter().all(u8::is_ascii_digit);
    let absent = mask_len(text) != 0 || foreign::is_mask(text) || is_no_value(text);
    if absent || number && part == Part::All || !is_argument(text, value.quoted) {
        return;
    }
    finder.hit(start, value.end, rule::KV, HitKind::Secret);
}
