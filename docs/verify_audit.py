#!/usr/bin/env python3
"""An independent verifier of audit logs, written from docs/audit-format.md alone.

    python3 verify_audit.py DIR audit.pub [--mac audit.mac] [--known-checkpoint FILE]...
        [--strict] [--no-prune | --prune-policy SECONDS] [--now SECONDS] [--accept-set-aside ROOT]

Exit status: 0 intact, 1 tampered (the first bad place is named) or another key's log, 2 could not check. Gaps between
checkpoints are warnings, which --strict makes exit status 1. --now is the present time in seconds since 1970.
Uses the standard library; signatures are checked by the module `cryptography` if installed, else by RFC 8032 below.
"""
import base64, datetime, hashlib, hmac, json, os, re, stat, sys, time, zlib

LINE_MAX = 1 << 20
sha = lambda data: hashlib.sha256(data).digest()


class Bad(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Bad(what)


# --- Ed25519 (RFC 8032, section 5.1.7), slow and simple ---
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    x1, y1, x2, y2 = *a, *b
    k = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P)


def times(n, point):
    result = (0, 1)
    while n:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result


def decode_point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    check(y < P and (x * x - square) % P == 0 and not (x == 0 and sign), "not a point of Ed25519")
    return (P - x if x & 1 != sign else x, y)


BASE = decode_point(bytes([0x58]) + bytes([0x66]) * 31)


def slow_ed25519(key, message, signature):
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return s < L and times(s, BASE) == add(decode_point(signature[:32]), times(k, decode_point(key)))


def ed25519(key, message, signature):
    if len(signature) != 64:
        return False
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return slow_ed25519(key, message, signature)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except InvalidSignature:
        return False


# --- keys and notes ---
def b64url(text):
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    check(base64.urlsafe_b64encode(data).decode().rstrip("=") == text, "base64url is not canonical")
    return data


def b64(text):
    data = base64.b64decode(text, validate=True)
    check(base64.b64encode(data).decode() == text, "base64 is not canonical")
    return data


def vkey(text):
    name, key_id, code = text.split("+", 2)
    data = b64(code)
    check(data[:1] == b"\x01" and len(data) == 33, "not an Ed25519 key")
    check(sha(name.encode() + b"\n\x01" + data[1:])[:4].hex() == key_id, "the key's id does not match")
    return name, bytes.fromhex(key_id), data[1:]


REPORTED = set()


def report(kind, text):
    """Prints a note or a warning once, however often the log is read."""
    if (kind, text) not in REPORTED:
        print("%s: %s" % (kind, text))
        REPORTED.add((kind, text))


class Note:
    """A checkpoint: its bytes, text, size, root and signature lines."""

    def __init__(self, data):
        self.data = data
        head, gap, rest = data.decode().rpartition("\n\n")
        check(gap and rest.endswith("\n") and not re.search("[\0-\x09\x0b-\x1f]", data.decode()), "not a note")
        lines = head.split("\n")
        check(len(lines) == 3 and lines[0] and NUMBER.fullmatch(lines[1]), "not a checkpoint")
        self.origin, self.size, self.root = lines[0], u64(lines[1]), b64(lines[2])
        self.text, self.signatures = (head + "\n").encode(), []
        for line in rest[:-1].split("\n"):
            found = re.fullmatch("\u2014 ([^\\s+]+) (\\S+)", line)
            check(found and len(self.root) == 32, "not a checkpoint")
            code = b64(found[2])
            check(len(code) > 4, "not a signature line")
            self.signatures.append((found[1], code[:4], code[4:]))
        check(len(self.signatures) <= 64, "too many signatures")

    def signed_by(self, key):
        name, key_id, public = vkey(key)
        ours = [code for other, other_id, code in self.signatures if (other, other_id) == (name, key_id)]
        return bool(ours) and all(ed25519(public, self.text, code) for code in ours)


def notes(data):
    """Each complete note of the list."""
    found = []
    while data:
        head, gap, rest = data.partition(b"\n\n")
        sigs, end, data = rest.partition(b"\n\n")
        if not (gap and end):
            report("note", "the last checkpoint in the list is unfinished")
            break
        found.append(Note(head + b"\n\n" + sigs + b"\n"))
    return found


# --- the tree (RFC 6962) ---
class Tree:
    def __init__(self):
        self.size, self.edge = 0, []
        self.rows = [[] for _ in range(8)]  # hashes of every eighth level: the tiles

    def push(self, leaf):
        size, at = self.size, 0
        self.rows[0].append(leaf)
        while size & 1:
            leaf = sha(b"\x01" + self.edge[at] + leaf)
            size, at = size >> 1, at + 1
            if at % 8 == 0:
                self.rows[at // 8].append(leaf)
        if at == len(self.edge):
            self.edge.append(b"")
        self.edge[at], self.size = leaf, self.size + 1

    def root(self):
        root = None
        for at in range(self.size.bit_length()):
            if self.size >> at & 1:
                root = self.edge[at] if root is None else sha(b"\x01" + self.edge[at] + root)
        return sha(b"") if root is None else root


# --- files ---
def kind_of(path):
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return None
    return "file" if stat.S_ISREG(mode) else "directory" if stat.S_ISDIR(mode) else "other"


def read(path):
    """The bytes of a regular file; None if it is missing. A pipe is never opened: that could wait without end."""
    kind = kind_of(path)
    check(kind in (None, "file"), "%s is not a regular file" % os.path.basename(path))
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def unpack(data):
    plain = b""
    while True:
        member = zlib.decompressobj(31)
        plain += member.decompress(data)
        check(member.eof, "the compressed file is damaged")
        data = member.unused_data
        if not data:
            return plain


def tile_path(directory, level, index):
    groups = re.findall("...", "%0*d" % (-(-len(str(index)) // 3) * 3, index))
    return os.path.join(directory, "tile", str(level), *["x" + g for g in groups[:-1]], groups[-1])


def partials(path):
    names = os.listdir(path + ".p") if os.path.isdir(path + ".p") else []
    return sorted(int(name) for name in names if re.fullmatch("[1-9][0-9]{0,2}", name) and int(name) < 256)


def tile(directory, level, index, width):
    """The first `width` hashes of a tile, from its file or from a wider one; None if there is none of the right length."""
    path = tile_path(directory, level, index)
    files = [(256, path)] if width == 256 else [(width, "%s.p/%d" % (path, width)), (256, path)]
    files += [(wide, "%s.p/%d" % (path, wide)) for wide in partials(path) if width < wide]
    for wide, name in files:
        data = read(name)
        check(data is None or len(data) <= wide * 32, "%s is too long" % name)
        if data is not None and len(data) == wide * 32:
            return data[: width * 32]
    return None


def is_torn(found, expected):
    """Whether a crash explains the difference: the beginning of the expected bytes, then zeros or nothing."""
    same = next((at for at, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]), min(len(found), len(expected)))
    return not any(found[same:])


# --- entries ---
NUMBER = re.compile("0|[1-9][0-9]*")


def u64(text):
    check(NUMBER.fullmatch(text) and int(text) < 1 << 63, "not a number below 2^63")
    return int(text)


def pairs(members):
    check(len({key for key, _ in members}) == len(members), "duplicate key")
    return dict(members)


# Numbers are tuples of their text: the text is the value.
def canonical(value):
    if isinstance(value, dict):
        return "{" + ",".join(canonical(k) + ":" + canonical(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, tuple):
        return value[0]
    return json.dumps(value, ensure_ascii=False)


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


DECODER = json.JSONDecoder(object_pairs_hook=pairs, parse_int=lambda t: (t,), parse_float=lambda t: (t,),
                           parse_constant=lambda t: check(False, "not a number of JSON"))


def unix_nanos(text):
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", text), "timestamp")
    at = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    check(1970 <= at.year <= 2261, "timestamp")
    return int((at - datetime.datetime(1970, 1, 1)).total_seconds()) * 10**9 + int(text[20:29])


def parse(line):
    try:
        text = line.decode("utf-8")
        entry = DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise Bad("not an entry: %s" % error)
    check(len(line) < LINE_MAX and isinstance(entry, dict) and depth(entry) <= 64, "not an entry")
    check(canonical(entry) == text, "not in canonical form")
    keys = list(entry)
    check(keys[:3] == ["seq", "timestamp", "event_type"], "wrong first members")
    check(keys[-2:] == ["_prev_signature", "_signature"], "wrong last members")
    entry["seq"] = u64(entry["seq"][0])
    check(re.fullmatch(r'[!#-\[\]-~]{1,128}', entry["event_type"]), "event type")
    entry["nanos"] = unix_nanos(entry["timestamp"])
    for key in keys[-2:]:
        check(re.fullmatch("[mh]1:[A-Za-z0-9_-]{43}", entry[key]), "not a signature")
        b64url(entry[key][3:])
    entry["body"] = text[text.index('"event_type":') : -130]
    return entry


# --- control entries (section 8) ---
def pattern(text):
    """A regular expression: # is a number, $ a text, @ 32 bytes in hex, ~ a signature."""
    text = re.escape(text).replace(r"\#", "#").replace(r"\$", "$").replace(r"\@", "@").replace(r"\~", "~")
    text = text.replace(r"\|", "|").replace(r"\<", "(?:").replace("<", "(?:").replace(r"\>", ")").replace(">", ")")
    text = text.replace(r"\?", "?").replace(r"\*", "*")
    for mark, means in ("#", "(?:0|[1-9][0-9]*)"), ("@", '"[0-9a-f]{64}"'), ("~", '"[A-Za-z0-9_-]{86}"'), ("$", r'"[ !#-\[\]-~]*"'):
        text = text.replace(mark, means) if mark != "$" else text.replace("$", means)
    return text


SIGNED = ',"signature":~'
SEGMENT = '{"name":$,"bytes":#,"sha256":@,"first_seq":#,"last_seq":#'
TORN = '{"kept":$,"from":<"audit.log.jsonl"|"checkpoints">,"offset":#,"bytes":#,"sha256":@}'
REBUILT = '<"tiles"|"checkpoint"|"chain.key"|"epoch.key">'
MISMATCH = ('{"kind":<"changed"|"cut"|"no_state"|"bad_state">,"expected_entries":#,"expected_root":@,'
            '"found_entries":#,"found_root":@}')
POLICY = ',"policy":{"segments_max":<#|null>,"seconds_max":<#|null>,"bytes_max":<#|null>},"tree_root":@'
START = (',"origin":$,"algorithm":<"hmac-sha256"|"sha256">,"ratchet":#,"checkpoint_seconds":#,"checkpoint_entries":#,'
         '"public_key":$,"writer":$')
CONTINUED = ('{"dir":$,"entries":#,"tree_root":@,"epoch":#,"chain_keys":[<#<,#>*>?],"damage":$}')
CHECKED = ('{"name":$,"algorithm":<"sha256"|"sha512"|"crc32">,"bytes":#,"expected":<null|$>,"found":<null|$>,'
           '"status":<"ok"|"mismatch"|"missing"|"unreadable">}')
CONTROLS = {
    "start": '<,"format":1' + START + '|,"format":2' + START + ',"state":<"log"|"separate"><,"continued":CONTINUED>?' + SIGNED + '>',
    "segment": ',"number":#,"reason":<"size"|"time"|"both"|"manual"|"recovery">,"previous":' + SEGMENT + '<EXTRA>?}',
    "epoch": ',"number":#,"old_key":$,"new_key":$' + SIGNED,
    "recovery": ',"torn":[<TORN<,TORN>*>?],"rebuilt":[<REBUILT<,REBUILT>*>?]<,"mismatch":<null|MISMATCH>>?' + SIGNED,
    "prune": ',"before_seq":#,"reason":<"count"|"age"|"bytes"|"manual">,"segments":[SEGMENT}<,SEGMENT}>*]<POLICY>?' + SIGNED,
    "integrity": ',"trigger":<"startup"|"periodic"|"rotation"|"manual"|"shutdown">,'
                 '"algorithm":<"sha256"|"sha512"|"crc32">,"status":<"ok"|"mismatch">,"log_bytes":#,"log_entries":#,'
                 '"segments":[<CHECKED<,CHECKED>*>?]',
    "stop": ',"reason":<"shutdown"|"drop"><' + SIGNED + '>?',
}
PARTS = {"CONTINUED": CONTINUED, "TORN": TORN, "REBUILT": REBUILT, "MISMATCH": MISMATCH, "POLICY": POLICY, "CHECKED": CHECKED, "SEGMENT": SEGMENT}


def compiled(kind, text):
    for name, part in PARTS.items():
        text = text.replace(name, part)
    body = pattern('"event_type":"ringseal.%s"' % kind + text)
    return re.compile(body.replace("EXTRA", ',"sha512":"[0-9a-f]{128}"|,"crc32":"[0-9a-f]{8}"'))


CONTROLS = {kind: compiled(kind, text) for kind, text in CONTROLS.items()}
DIGITS = {"sha256": 64, "sha512": 128, "crc32": 8}


def numbers(value):
    """All numbers in control entries are below 2^63; each becomes an integer."""
    if isinstance(value, dict):
        return {key: numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [numbers(inner) for inner in value]
    return u64(value[0]) if isinstance(value, tuple) else value


def control(entry):
    """The members of a control entry, and the first format that has this form of it."""
    kind = entry["event_type"].removeprefix("ringseal.")
    check(kind in CONTROLS and CONTROLS[kind].fullmatch(entry["body"]), "not a control entry as the format has it")
    said = numbers({k: v for k, v in entry.items() if k not in ("seq", "nanos", "body")})
    form = 2
    if kind == "start":
        form = said["format"]
    elif kind == "stop":
        form = 2 if "signature" in said else 1
    elif kind == "recovery":
        order = ["tiles", "checkpoint", "chain.key", "epoch.key"]
        places = [order.index(word) for word in said["rebuilt"]]
        form = 2 if "mismatch" in said else 1
        check(places == sorted(set(places)) and (places or said["torn"] or said.get("mismatch")), "no repair, or not in order")
    elif kind == "prune":
        form, segments = 2 if "policy" in said else 1, said["segments"]
        check(len(segments) <= 1000 and segments[-1]["last_seq"] + 1 == said["before_seq"], "segments up to before_seq")
        check(all(a["last_seq"] + 1 == b["first_seq"] for a, b in zip(segments, segments[1:])), "segments are not consecutive")
    elif kind == "integrity":
        check(len(said["segments"]) <= 100, "too many segments")
        for one in said["segments"]:
            texts = [one[key] for key in ("expected", "found") if one[key] is not None]
            check(all(re.fullmatch("[0-9a-f]{%d}" % DIGITS[one["algorithm"]], text) for text in texts), "not a checksum")
        is_ok = all(one["status"] == "ok" for one in said["segments"])
        check((said["status"] == "ok") == is_ok, "the status does not follow from the segments")
    if "signature" in said:
        b64url(said["signature"])
    return kind, said, form


class Options:
    known, strict, no_prune, prune_seconds, now, accepted = (), False, False, None, None, None


class Log:
    def __init__(self, directory, root_key, mac, options, lenient=False):
        self.dir, self.key, self.options = directory, mac, options
        self.lenient, self.held = lenient, 0  # MACs that do not verify are counted, not rejected
        self.named = None             # the key that entry 0 names
        self.at_first = True          # entry 0 is not accepted yet
        self.origin = vkey(root_key)[0]
        self.epochs = [root_key]      # verifier keys in order
        self.ends = []                # last entry of each finished epoch
        self.generation, self.scheme, self.start, self.format = 0, None, None, 0
        self.tree, self.roots, self.warnings = Tree(), {}, 0
        self.next, self.previous, self.stopped, self.opened = 0, None, False, None
        self.pruned, self.prunes, self.pruned_root, self.begun, self.number = 0, 0, None, {}, 0
        self.needs_seal, self.unsealed_epoch, self.needs_checkpoint = [], None, False
        self.latest_time, self.step_open, self.gap_nanos, self.gap_entries, self.torn_from = None, 0, 0, 0, None
        self.kept, self.where, self.set_aside = {}, "checkpoints", None

    def load_notes(self):
        self.notes = notes(read(os.path.join(self.dir, "checkpoints")) or b"")
        self.where = "checkpoint"
        latest = read(os.path.join(self.dir, "checkpoint"))
        self.latest = latest
        self.known = [(name, note) for name, note in self.options.known if note.size > 0]
        self.where = "checkpoint.next"
        staged = read(os.path.join(self.dir, "checkpoint.next"))
        try:
            self.staged = staged and Note(staged)
        except FAULTS:
            self.staged = None
        try:
            self.tile_size = Note(latest).size if latest else 0
        except FAULTS:
            self.tile_size = 0
        self.sealed, self.count = 0, 0

    def signature(self, entry, line):
        digest = sha(b"\0" + line[: len(line) - 63])
        if self.scheme == "sha256":
            return "h1:" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
        while self.generation < entry["seq"] // max(1, self.start["ratchet"]):
            self.key = hmac.digest(self.key, b"ringseal audit ratchet v1\x01", "sha256")
            self.generation += 1
        return "m1:" + base64.urlsafe_b64encode(hmac.digest(self.key, digest, "sha256")).decode().rstrip("=")

    def statement(self, said, line):
        text = line[: line.rindex(b',"signature":"')]
        text = b"ringseal audit statement v1\n" + self.origin.encode() + b"\n" + text
        check(ed25519(vkey(self.epochs[-1])[2], text, b64url(said["signature"])), "the statement's signature is wrong")

    def position(self, entry, first, kept):
        kind, begins = entry["event_type"], ("ringseal.start", "ringseal.recovery")
        check(entry["seq"] > 0 or kind == "ringseal.start", "the log does not begin with a start entry")
        if not kept:
            check((kind == "ringseal.segment") == (first and entry["seq"] > 0), "a segment entry is missing or misplaced")
            check(not self.stopped or kind in (*begins, "ringseal.segment"), "an entry after the end")
            of_opening = ["ringseal." + word for word in ("start", "integrity", "epoch", "segment", "recovery")]
            check(self.opened is None or kind in of_opening, "no checkpoint covers the opening before it")
        self.stopped = self.stopped and kind == "ringseal.segment"

    def entry(self, line, first=False, kept=False, before=None):
        entry = parse(line)
        kind, seq = entry["event_type"], entry["seq"]
        check(kept or seq == self.next, "entry %d where entry %d was expected" % (seq, self.next))
        is_control, new_key = kind.startswith("ringseal."), None
        self.at_first = seq == 0
        if is_control and seq == 0 and kind == "ringseal.start":
            said = control(entry)[1]
            self.named = said["public_key"]
            self.scheme, self.start = said["algorithm"], said
            if "continued" in said:
                self.continue_from(said)
            if self.named != self.epochs[0]:
                raise Bad("it names another key, %s" % self.named)
        check(self.scheme, "the log does not begin with a start entry")
        zero = {"sha256": "h1:", "hmac-sha256": "m1:"}[self.scheme]
        check(entry["_signature"][:3] == entry["_prev_signature"][:3], "two kinds of signatures")
        if not kept and (self.previous or seq == 0):
            check(entry["_prev_signature"] == (self.previous or zero + "A" * 43), "it is not chained to the previous entry")
        if self.scheme == "sha256" or self.key is not None:
            holds = entry["_signature"] == self.signature(entry, line)
            self.held += holds
            check(holds or (self.lenient and self.scheme != "sha256"), "its signature is wrong")
        self.position(entry, first, kept)
        self.needs_checkpoint |= not kept and (not is_control or kind == "ringseal.stop")
        if is_control:
            new_key = self.control(entry, line, before)
        if not kept and kind in ("ringseal.start", "ringseal.recovery", "ringseal.stop"):
            self.check_epoch_sealed()
        if not kept:
            self.add_time(entry)
            self.previous, self.next = entry["_signature"], seq + 1
        return entry, new_key

    def continue_from(self, said):
        """A log that continues one set aside: its keys follow from those of the first log."""
        continued = said["continued"]
        check(not self.options.no_prune and self.options.prune_seconds is None, "the log continues one that was set aside")
        self.set_aside = continued
        for count in continued["chain_keys"] if self.key is not None else []:
            for _ in range(count):
                self.key = hmac.digest(self.key, b"ringseal audit ratchet v1\x01", "sha256")
            self.key = hmac.digest(self.key, b"ringseal audit set aside v1\x01", "sha256")
        key = self.epochs[0]
        for line in (read(os.path.join(self.dir, "continued-from")) or b"").split(b"\n"):
            if key == self.named or not line.startswith(b'{"seq":'):
                continue
            try:
                kind, change, _ = control(parse(line))
                text = b"ringseal audit statement v1\n" + self.origin.encode() + b"\n" + line[: line.rindex(b',"signature":"')]
                if kind == "epoch" and change["old_key"] == key and ed25519(vkey(key)[2], text, b64url(change["signature"])):
                    key = change["new_key"]
            except FAULTS:
                continue
        self.epochs = [key] if key == self.named else self.epochs

    def check_epoch_sealed(self):
        """A writer that cannot seal an epoch goes on with entries, but with nothing that needs the seal."""
        check(self.unsealed_epoch is None, "the epoch that entry %s ends is not sealed" % self.unsealed_epoch)

    def control(self, entry, line, before):
        kind, said, form = control(entry)
        if kind == "start":
            check(said["public_key"] == self.epochs[-1], "it names another key, %s" % said["public_key"])
            check(said["origin"] == self.origin, "origin")
        if "signature" in said:
            self.statement(said, line)
        check(form >= self.format, "an entry of an older format")
        check("continued" not in said or entry["seq"] == 0, "only the first entry continues another log")
        if kind == "start":
            self.opened = entry["seq"] if form > 1 else None
            check(said["checkpoint_seconds"] and said["checkpoint_entries"], "a gap of 0")
            same = ("algorithm", "ratchet")
            check(all(said[key] == self.start[key] for key in same), "the algorithm changed")
            self.start, self.format = said, form
        elif kind == "segment":
            self.number += 1
            check(said["number"] == self.number, "segments are not consecutive")
            self.begun[said["previous"]["last_seq"] + 1] = entry["nanos"]
            found = said["previous"]
            if before:
                check([found[key] for key in ("name", "bytes", "sha256", "first_seq", "last_seq")] == before,
                      "the previous segment does not match")
        elif kind == "epoch":
            is_next = said["number"] == len(self.epochs) and said["old_key"] == self.epochs[-1]
            check(is_next and vkey(said["new_key"])[0] == self.origin, "epochs are not consecutive")
            return said["new_key"]
        elif kind == "recovery":
            report("note", "the log was recovered before entry %d" % entry["seq"])
            for piece in said["torn"]:
                self.torn(piece)
            check(not said.get("mismatch"), "when the log was opened, it was not as its last writer left it: %s" % said.get("mismatch"))
        elif kind == "prune":
            self.prune(entry, said)
        elif kind == "integrity" and said["status"] != "ok":
            report("note", "the integrity entry %d reports a mismatch" % entry["seq"])
        elif kind == "stop":
            self.stopped = True
        return None

    def torn(self, piece):
        if not re.fullmatch(r"torn/[^./][^/]*\.bin", piece["kept"]):
            return report("note", "%s is not a torn piece" % piece["kept"])
        data = read(os.path.join(self.dir, piece["kept"]))
        if data is None:
            return report("note", "%s is missing" % piece["kept"])
        check(hashlib.sha256(data).hexdigest() == piece["sha256"], "%s was changed" % piece["kept"])

    def prune(self, entry, said):
        before, options = said["before_seq"], self.options
        is_next = said["segments"][0]["first_seq"] == self.pruned and before <= entry["seq"]
        check(is_next, "prune entries are not consecutive")
        self.pruned, self.prunes = before, self.prunes + 1
        age = entry["nanos"] - self.begun[before] if before in self.begun else None
        if "policy" in said:
            if self.pruned_root and self.pruned_root[0] == before:
                check(said["tree_root"] == self.pruned_root[1].hex(), "tree_root is not the root of the removed entries")
            if said["reason"] == "age" and age is not None:
                least = said["policy"]["seconds_max"]
                check(least is not None and age >= least * 10**9, "removes entries younger than its own policy")
        check(not options.no_prune, "entries before %d were removed" % before)
        if options.prune_seconds is not None:
            check(options.now is None or entry["nanos"] - options.now <= 600 * 10**9, "a removal in the future")
            check(age is not None and age >= options.prune_seconds * 10**9, "entries were removed too early")

    def add_time(self, entry):
        latest = entry["nanos"] if self.latest_time is None else self.latest_time
        step, opened = max(0, entry["nanos"] - latest), self.step_open
        self.latest_time, self.step_open = max(latest, entry["nanos"]), 0
        if entry["event_type"] in ("ringseal.start", "ringseal.recovery"):
            self.latest_time = entry["nanos"]
        elif entry["event_type"] == "ringseal.segment":
            self.step_open = step
        else:
            self.gap_nanos += opened + step

    def warn(self, text):
        self.warnings += 1
        report("warning", text)

    def warn_of_gap(self, where, more=0):
        seconds, entries = (2 * self.start[key] for key in ("checkpoint_seconds", "checkpoint_entries"))
        if self.gap_entries > entries:
            self.warn("%s: %d entries without a checkpoint" % (where, self.gap_entries))
        if (self.gap_nanos + more) // 10**9 > seconds:
            self.warn("%s: %d s without a checkpoint" % (where, (self.gap_nanos + more) // 10**9))

    def leaf(self, leaf, new_key=None):
        """Appends a leaf, and checks the checkpoints of this size."""
        self.tree.push(leaf)
        self.gap_entries += 1
        size, where = self.tree.size, self.where
        while self.notes and self.notes[0].size <= size:
            note, self.where = self.notes[0], "checkpoint of size %d" % self.notes[0].size
            check(note.origin == self.origin and note.size == size, "origin or size")
            check(note.signed_by(self.epochs[-1]), "its signature is wrong")
            check(note.root == self.tree.root(), "the entries are not those that it sealed")
            self.warn_of_gap(self.where)
            self.latest = None if self.latest == note.data else self.latest
            self.sealed, self.gap_nanos, self.gap_entries, self.opened = size, 0, 0, None
            self.count += 1
            self.notes.pop(0)
            self.check_epoch_sealed()
        staged = self.staged
        if staged and staged.size == size and self.sealed < size and staged.origin == self.origin:
            if staged.signed_by(self.epochs[-1]) and staged.root == self.tree.root():
                self.sealed, self.gap_nanos, self.gap_entries, self.opened = size, 0, 0, None
                self.count += 1
                self.check_epoch_sealed()
        for name, note in self.known:
            self.where = name
            check(note.size != size or note.root == self.tree.root(), "the first %d entries are not those that it sealed" % size)
        self.where = where
        if new_key:
            self.unsealed_epoch = None if self.sealed == size else size - 1
            self.epochs.append(new_key)
            self.ends.append(size - 1)

    def load_kept(self):
        self.where = "kept.jsonl"
        data, last = read(os.path.join(self.dir, "kept.jsonl")) or b"", -1
        *lines, rest = data.split(b"\n")
        check(len(rest) < LINE_MAX or b"\0" in rest[:LINE_MAX], "a line is too long")
        for line in lines:
            seq = parse(line)["seq"]
            check(seq > last, "entries are not in order")
            self.kept[seq], last = line, seq

    def skip_pruned(self, first):
        check(self.kept and min(self.kept) == 0, "entries before %d are missing, and no prune entry says so" % first)
        for seq in range(first):
            if seq % 256 == 0:
                self.where, hashes = "tile 0/%d" % (seq // 256), tile(self.dir, 0, seq // 256, min(256, first - seq))
                check(hashes, "it is missing")
            leaf, new_key, self.where = hashes[seq % 256 * 32 :][:32], None, "kept.jsonl (entry %d)" % seq
            if seq in self.kept:
                line = self.kept.pop(seq)
                check(sha(b"\0" + line) == leaf, "it does not match the tree")
                new_key = self.entry(line, kept=True)[1]
            self.leaf(leaf, new_key)
        self.pruned_root = (first, self.tree.root())
        self.next = first

    def segment(self, name, data, before):
        """Reads a segment; returns what the next one must say about it."""
        first_seq, is_active = self.next, name == "audit.log.jsonl"
        lines = data.split(b"\n")
        rest = lines.pop()
        for number, line in enumerate(lines, 1):
            self.where = "%s:%d (entry %d)" % (name, number, self.next)
            if is_active and b"\0" in line:
                report("note", "%s is torn from line %d on: bytes were never written" % (name, number))
                return None
            entry, new_key = self.entry(line, number == 1, before=before)
            if self.next - 1 in self.kept:
                check(self.kept.pop(self.next - 1) == line, "it differs from the entry in kept.jsonl")
            self.leaf(sha(b"\0" + line), new_key)
            if entry["event_type"] == "ringseal.stop" and self.format > 1:
                check(self.sealed == self.next, "the log was closed here, and no checkpoint covers its end")
        if rest:
            self.where = name
            unwritten = b"\0" in rest[:LINE_MAX]
            check(is_active and (len(rest) < LINE_MAX or unwritten), "it ends within a line")
            report("note", "%s ends %s" % (name, "in bytes that were never written" if unwritten else "within a line"))
        whole = data[: len(data) - len(rest)]
        return [name, len(whole), hashlib.sha256(whole).hexdigest(), first_seq, self.next - 1]

    def tiles(self):
        size = min(max(self.tile_size, self.pruned_root[0] if self.pruned_root else 0), self.tree.size)
        for level in range(8):
            hashes = size >> 8 * level
            for index in range(-(-hashes // 256)):
                self.where, width = "tile %d/%d" % (level, index), min(256, hashes - index * 256)
                path = tile_path(self.dir, level, index)
                expected = b"".join(self.tree.rows[level][index * 256 :][:width])
                found = tile(self.dir, level, index, width)
                if found is None:
                    report("note", "%s could not be read" % self.where)
                    continue
                check(found == expected or is_torn(found, expected), "it does not match the entries")
                for narrow in partials(path) if found == expected else []:
                    copy = read("%s.p/%d" % (path, narrow))
                    wanted = expected[: narrow * 32]
                    check(narrow > width or len(copy) <= len(wanted) and is_torn(copy, wanted), "a partial tile does not match")

    def finish(self, first):
        size, self.where = self.tree.size, "the end"
        check(not self.notes, "found %d entries, a checkpoint sealed %d" % (size, self.notes[0].size if self.notes else 0))
        for name, note in self.known:
            check(note.size <= size, "found %d entries, %s sealed %d" % (size, name, note.size))
        self.where = "checkpoints"
        if self.count == 0 and size > 0:
            check(not self.needs_checkpoint, "the log is not sealed")
            self.warn("no checkpoint covers the opening of the log")
        self.where = "checkpoint"
        check(self.latest is None, "it is not one of those in checkpoints")
        self.where = "the end"
        if self.unsealed_epoch is not None:
            report("note", "the epoch that ends with entry %d is not sealed yet" % self.unsealed_epoch)
        if self.stopped:
            check(self.sealed == size, "the log was closed, and no checkpoint covers its end")
        elif self.start:
            now = self.options.now
            ago = max(0, now - self.latest_time) if now is not None and self.latest_time is not None else 0
            self.warn_of_gap(self.where, self.step_open + ago)
        check(self.pruned >= first, "entries before %d are missing and no prune entry says so" % first)
        self.where = "kept.jsonl"
        check(not self.kept, "it has entries that the log does not have")


    def check_set_aside(self):
        """The last check: acknowledged entries of the log before this one were damaged, unless the user knows of it."""
        if not self.set_aside:
            return
        root, self.where = bytes.fromhex(self.set_aside["tree_root"]), self.set_aside["dir"]
        what = "the log continues one of %d entries with root %s, which was set aside here" % (
            self.set_aside["entries"], base64.b64encode(root).decode())
        check(self.lenient or self.options.accepted == root, what)
        self.warn(what)


def list_segments(directory):
    """The plain and the compressed files of each segment, by the number of its first entry."""
    found = {}
    for name in os.listdir(directory):
        match = re.fullmatch(r"audit-(\d{20})\.jsonl(\.gz)?", name)
        if match or name == "audit.log.jsonl":
            check(kind_of(os.path.join(directory, name)) == "file", "%s is not a regular file" % name)
        if match:
            check(int(match[1]) < 1 << 63, "%s has a number that no entry has" % name)
            found.setdefault(int(match[1]), {})["gz" if match[2] else "plain"] = name
    return found


def read_log(directory, log):
    """Reads the whole log; returns the first present entry and the last sealed one."""
    log.where = directory
    segments = list_segments(directory)
    for name, kind in ("tile", "directory"), ("torn", "directory"), ("kept.jsonl", "file"):
        check(kind_of(os.path.join(directory, name)) in (None, kind), "%s is not a %s" % (name, kind))
    log.load_notes()
    log.load_kept()
    active = read(os.path.join(directory, "audit.log.jsonl"))
    first, before = min(segments, default=0), None
    if not segments and active:
        try:
            first = parse(active.split(b"\n")[0])["seq"]
        except FAULTS:
            first = 0
    if first:
        log.skip_pruned(first)
    for number in sorted(segments):
        names = segments[number]
        log.where = names.get("plain") or names["gz"]
        check(number == log.next, "a segment is missing before it")
        data = {kind: read(os.path.join(directory, name)) for kind, name in names.items()}
        data = {kind: unpack(found) if kind == "gz" else found for kind, found in data.items() if found is not None}
        check(data, "it disappeared")
        before = log.segment("audit-%020d.jsonl" % number, data.get("plain", data.get("gz")), before)
        log.where = names.get("gz")
        check(len(set(data.values())) == 1, "its content is not that of the plain file")
    if active is not None:
        log.segment("audit.log.jsonl", active, before)
    if not log.tree.size and not log.notes and not segments and active is None:
        raise Unchecked("%s: there is no audit log" % directory)
    log.finish(first)
    log.tiles()
    log.check_set_aside()
    return first, log.sealed - 1


class Unchecked(Exception):
    pass


FAULTS = (Bad, KeyError, ValueError, TypeError, IndexError, AttributeError, EOFError, zlib.error)


def wrong_key(directory, root_key, mac, named):
    """Why only the key is wrong: the log is valid under the key that it names, or apart from its MACs."""
    try:
        log = Log(directory, named, mac, Options(), lenient=True)
        read_log(directory, log)
    except (*FAULTS, OSError, Unchecked):
        return None
    if named != root_key:
        what = "this log is not signed by this key: the log names %s, the file holds %s" % (named, root_key)
    elif mac is not None and not log.held:
        what = "this log is not chained by this audit.mac: no signature verifies with it, everything else is valid"
    else:
        return None
    return what + "; either it is another log's key, or the log was replaced by another one"


def state(directory):
    """What shows that a log in use changed while it was read."""
    names = sorted(name for name in os.listdir(directory) if name.startswith("audit-") or name == "audit.log.jsonl")
    path = os.path.join(directory, "checkpoints")
    return names, os.lstat(path).st_size if os.path.lexists(path) else None


def verify(directory, root_key, mac, options):
    for _ in range(8):
        before, log, error = state(directory), Log(directory, root_key, mac, options), None
        try:
            first, sealed = read_log(directory, log)
            break
        except (*FAULTS, Unchecked, FileNotFoundError) as failed:
            error = failed
        if before == state(directory):
            break
    else:
        raise Unchecked("%s: the log changed during each of 8 attempts to read it" % directory)
    if isinstance(error, (Unchecked, OSError)):
        raise error
    if error is not None:
        wrong = wrong_key(directory, root_key, mac, log.named) if log.named and log.at_first else None
        print("WRONG KEY: %s" % wrong if wrong else "TAMPERED: %s: %s" % (log.where, error))
        return 1
    print("intact: entries %d to %d, %d epochs, sealed up to %d" % (first, log.next - 1, len(log.epochs), sealed))
    if log.scheme == "sha256":
        print("note: a log without keys: this detects accidents only")
    elif mac is None and log.next > log.sealed:
        print("note: unproven without --mac: %d entries after the last checkpoint" % (log.next - log.sealed))
    if log.pruned_root:
        root = base64.b64encode(log.pruned_root[1]).decode()
        print("note: entries before %d were removed by %d signed entries; their root is %s" % (first, log.prunes, root))
    if log.format > 1 and log.start["state"] == "log":
        print("note: the state is in the log's directory: weaker against rollback of both together")
    return 1 if options.strict and log.warnings else 0


USAGE = ("usage: verify_audit.py DIR audit.pub [--mac audit.mac] [--known-checkpoint FILE]... [--strict] "
         "[--no-prune | --prune-policy SECONDS] [--now SECONDS] [--accept-set-aside ROOT]")


def key_of(path, read_key):
    """A key from a file, or Bad with the file's name."""
    try:
        return read_key(open(path).read().strip())
    except (Bad, ValueError) as error:
        raise Bad("%s: %s" % (path, error))


def public_key(text):
    check(text.count("+") >= 2 and "\n" not in text, "expected a public key, <name>+<id>+<base64>, as audit.pub has it")
    vkey(text)
    return text


def mac_key(text):
    word, _, code = text.partition(" ")
    check(word == "ringseal-mac-v1", "expected the key of the chain, `ringseal-mac-v1 …`, as audit.mac has it")
    key = b64url(code)
    check(len(key) == 32, "expected a key of 32 bytes, found %d" % len(key))
    return key


def known_checkpoint(path, origin):
    try:
        note = Note(open(path, "rb").read())
        check(note.origin == origin, "of the log %s, expected %s" % (note.origin, origin))
        return path, note
    except FAULTS as error:
        raise Bad("the known checkpoint %s: %s" % (path, error))


def parse_arguments(arguments):
    options, places, mac, known = Options(), [], None, []
    options.now = time.time_ns()
    while arguments:
        word, *arguments = arguments
        if word == "--strict":
            options.strict = True
        elif word == "--no-prune":
            options.no_prune = True
        elif word in ("--mac", "--known-checkpoint", "--prune-policy", "--now", "--accept-set-aside"):
            value, *arguments = arguments
            if word == "--mac":
                mac = value
            elif word == "--known-checkpoint":
                known.append(value)
            elif word == "--now":
                options.now = int(value) * 10**9
            elif word == "--accept-set-aside":
                options.accepted = base64.b64decode(value, validate=True)
            else:
                options.prune_seconds = int(value)
        elif word.startswith("--"):
            raise ValueError(word)
        else:
            places.append(word)
    directory, public = places
    return options, directory, public, mac, known


def main(arguments):
    if "--help" in arguments or "-h" in arguments:
        print(__doc__.strip())
        return 0
    try:
        options, directory, public, mac, known = parse_arguments(arguments)
    except ValueError:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        root_key = key_of(public, public_key)
        mac = mac and key_of(mac, mac_key)
        options.known = [known_checkpoint(path, vkey(root_key)[0]) for path in known]
        os.listdir(directory)
        return verify(directory, root_key, mac, options)
    except OSError as error:
        what = "%s: %s" % (error.filename, error.strerror) if error.filename else error
    except (Bad, Unchecked) as error:
        what = error
    print("could not check: %s" % what, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
