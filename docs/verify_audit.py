#!/usr/bin/env python3
"""An independent verifier of audit logs, written from docs/audit-format.md alone.

    python3 verify_audit.py DIR audit.pub [--mac audit.mac]

Exit status: 0 intact, 1 tampered (the first bad place is named) or another key's log, 2 could not check.
Uses the standard library; signatures are checked by the module `cryptography` if installed, else by RFC 8032 below.
Not checked here: gaps between checkpoints, and checkpoints kept elsewhere.
"""
import base64, gzip, hashlib, hmac, json, os, re, sys, zlib

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


def vkey(text):
    name, key_id, code = text.split("+", 2)
    data = base64.b64decode(code, validate=True)
    check(data[:1] == b"\x01" and len(data) == 33, "not an Ed25519 key")
    check(sha(name.encode() + b"\n\x01" + data[1:])[:4].hex() == key_id, "the key's id does not match")
    return name, bytes.fromhex(key_id), data[1:]


def report_note(note, reported=set()):
    """Prints a note once, however often the log is read."""
    if note not in reported:
        print("note: %s" % note)
        reported.add(note)


def notes(data):
    """(text, signature lines) of each complete note."""
    found = []
    while data:
        head, gap, rest = data.partition(b"\n\n")
        sigs, end, data = rest.partition(b"\n\n")
        if not (gap and end):
            report_note("the last checkpoint in the list is unfinished")
            break
        found.append((head + b"\n", sigs.decode().split("\n")))
    return found


# --- the tree (RFC 6962) ---
class Tree:
    def __init__(self):
        self.size, self.edge = 0, []

    def push(self, leaf):
        size, at = self.size, 0
        while size & 1:
            leaf = sha(b"\x01" + self.edge[at] + leaf)
            size, at = size >> 1, at + 1
        if at == len(self.edge):
            self.edge.append(b"")
        self.edge[at], self.size = leaf, self.size + 1

    def root(self):
        root = None
        for at in range(self.size.bit_length()):
            if self.size >> at & 1:
                root = self.edge[at] if root is None else sha(b"\x01" + self.edge[at] + root)
        return sha(b"") if root is None else root


def tile(directory, index, least=256):
    groups = re.findall("...", "%0*d" % (-(-len(str(index)) // 3) * 3, index))
    path = os.path.join(directory, "tile", "0", *["x" + g for g in groups[:-1]], groups[-1])
    if os.path.exists(path):
        return open(path, "rb").read()
    widths = sorted(int(w) for w in os.listdir(path + ".p")) if os.path.isdir(path + ".p") else []
    wide = [w for w in widths if w >= least]
    check(wide or least == 256, "tile %d is missing" % index)
    return open("%s.p/%d" % (path, wide[0]), "rb").read() if wide else None


# --- entries ---
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
    check(isinstance(entry["seq"], tuple) and re.fullmatch("0|[1-9][0-9]*", entry["seq"][0]), "seq is not a number")
    entry["seq"] = int(entry["seq"][0])
    check(re.fullmatch(r"[!-~]{1,128}", entry["event_type"]), "event type")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", entry["timestamp"]), "timestamp")
    return entry


class Log:
    def __init__(self, directory, root_key, mac, lenient=False):
        self.dir, self.key = directory, mac
        self.lenient, self.held = lenient, 0  # MACs that do not verify are counted, not rejected
        self.named = None             # the key that entry 0 names
        self.origin = vkey(root_key)[0]
        self.epochs = [root_key]      # verifier keys in order
        self.ends = []                # last entry of each finished epoch
        self.generation, self.interval, self.scheme = 0, 1, None
        self.tree, self.leaves, self.roots = Tree(), [], {}
        self.next, self.previous, self.pruned = 0, None, 0
        path = os.path.join(directory, "checkpoints")
        self.notes = notes(open(path, "rb").read()) if os.path.exists(path) else []
        self.sizes = {int(text.split(b"\n")[1]) for text, _ in self.notes}
        self.where = ""

    def signature(self, entry, line):
        digest = sha(b"\0" + line[: len(line) - 63])
        if self.scheme == "sha256":
            return "h1:" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
        while self.generation < entry["seq"] // self.interval:
            self.key = hmac.digest(self.key, b"ringseal audit ratchet v1\x01", "sha256")
            self.generation += 1
        return "m1:" + base64.urlsafe_b64encode(hmac.digest(self.key, digest, "sha256")).decode().rstrip("=")

    def statement(self, entry, line):
        text = line[: line.rindex(b',"signature":"')]
        text = b"ringseal audit statement v1\n" + self.origin.encode() + b"\n" + text
        check(ed25519(vkey(self.epochs[-1])[2], text, b64url(entry["signature"])), "the statement's signature is wrong")

    def entry(self, line, kept=False):
        entry = parse(line)
        kind, seq = entry["event_type"], entry["seq"]
        check(kept or seq == self.next, "entry %d where entry %d was expected" % (seq, self.next))
        if kind == "ringseal.start":
            self.named = entry["public_key"] if seq == 0 else self.named
            check(entry["public_key"] == self.epochs[-1], "it names another key, %s" % entry["public_key"])
            check(entry["format"] == ("1",) and entry["origin"] == self.origin, "wrong format or origin")
            check(self.scheme in (None, entry["algorithm"]), "the algorithm changed")
            self.scheme, self.interval = entry["algorithm"], max(1, int(entry["ratchet"][0]))
        check(self.scheme, "the log does not begin with a start entry")
        zero = {"sha256": "h1:", "hmac-sha256": "m1:"}[self.scheme] + "A" * 43
        if not kept and (self.previous or seq == 0):
            check(entry["_prev_signature"] == (self.previous or zero), "it is not chained to the previous entry")
        if self.scheme == "sha256" or self.key is not None:
            holds = entry["_signature"] == self.signature(entry, line)
            self.held += holds
            check(holds or (self.lenient and self.scheme != "sha256"), "its signature is wrong")
        if kind in ("ringseal.epoch", "ringseal.recovery", "ringseal.prune"):
            self.statement(entry, line)
        if kind == "ringseal.epoch":
            check(entry["number"] == (str(len(self.epochs)),) and entry["old_key"] == self.epochs[-1], "epochs are not consecutive")
            self.epochs.append(entry["new_key"])
            self.ends.append(seq)
        if kind == "ringseal.prune":
            self.pruned = max(self.pruned, int(entry["before_seq"][0]))
        if not kept:
            self.previous, self.next = entry["_signature"], seq + 1
        return entry

    def leaf(self, leaf):
        self.tree.push(leaf)
        self.leaves.append(leaf)
        if self.tree.size in self.sizes:
            self.roots[self.tree.size] = self.tree.root()

    def skip_pruned(self, first):
        kept = {}
        for line in open(os.path.join(self.dir, "kept.jsonl"), "rb"):
            if line.endswith(b"\n") and parse(line[:-1])["seq"] < first:
                kept[self.entry(line[:-1], kept=True)["seq"]] = sha(b"\0" + line[:-1])
        for seq in range(first):
            if seq % 256 == 0:
                hashes = tile(self.dir, seq // 256, min(256, first - seq))
            leaf = hashes[seq % 256 * 32 :][:32]
            check(kept.get(seq, leaf) == leaf, "kept entry %d does not match the tree" % seq)
            self.leaf(leaf)
        self.next = first

    def segment(self, name, data, before):
        lines = data.split(b"\n")
        if lines.pop():
            check(name == "audit.log.jsonl", "it ends within a line")
            report_note("%s ends within a line" % name)
        for number, line in enumerate(lines, 1):
            self.where = "%s:%d (entry %d)" % (name, number, self.next)
            entry = self.entry(line)
            check((entry["event_type"] == "ringseal.segment") == (number == 1 and entry["seq"] > 0), "a segment entry is missing or misplaced")
            if number == 1 and before:
                said = entry["previous"]
                found = (before[0], str(len(before[1])), hashlib.sha256(before[1]).hexdigest())
                check((said["name"], said["bytes"][0], said["sha256"]) == found, "the previous segment does not match")
            self.leaf(sha(b"\0" + line))
        return name, data

    def tiles(self):
        for index in range(self.sizes and max(self.sizes) // 256):
            self.where, data = "tile 0/%d" % index, tile(self.dir, index)
            check(data is None or data == b"".join(self.leaves[index * 256 :][:256]), "it does not match the entries")

    def checkpoints(self):
        self.where, last, sealed = "checkpoints", 0, set()
        for text, signatures in self.notes:
            origin, size, root = text.decode().rstrip("\n").split("\n")
            self.where, size = "checkpoint of size %s" % size, int(size)
            check(origin == self.origin and last <= size <= self.next and size > 0, "origin or size")
            epoch = sum(end < size - 1 for end in self.ends)
            name, key_id, key = vkey(self.epochs[epoch])
            prefix = "\u2014 %s " % name
            ours = [base64.b64decode(s[len(prefix):]) for s in signatures if s.startswith(prefix)]
            ours = [s[4:] for s in ours if s[:4] == key_id]
            check(ours and all(ed25519(key, text, s) for s in ours), "its signature is wrong")
            check(base64.b64decode(root) == self.roots[size], "the entries are not those that it sealed")
            last = size
            sealed.add(size)
        for end in self.ends:
            check(end + 1 in sealed or end + 1 == self.next, "the epoch that entry %d ends is not sealed" % end)
        check(last > 0, "the log is not sealed")
        return last


def read(directory, log):
    """Reads the whole log; returns the first present entry and the last sealed one."""
    segments = {}
    for name in os.listdir(directory):
        found = re.fullmatch(r"audit-(\d{20})\.jsonl(\.gz)?", name)
        if found and (not found[2] or int(found[1]) not in segments):
            segments[int(found[1])] = name
    first, before = min(segments, default=0), None
    active = os.path.join(directory, "audit.log.jsonl")
    if not segments and os.path.exists(os.path.join(directory, "kept.jsonl")):
        first = parse(open(active, "rb").readline()[:-1])["seq"]
    if first:
        log.where = "kept.jsonl"
        log.skip_pruned(first)
    for number in sorted(segments):
        name = segments[number]
        log.where = name
        check(number == log.next, "a segment is missing before it")
        data = open(os.path.join(directory, name), "rb").read()
        data = gzip.decompress(data) if name.endswith(".gz") else data
        before = log.segment("audit-%020d.jsonl" % number, data, before)
    if os.path.exists(active):
        log.segment("audit.log.jsonl", open(active, "rb").read(), before)
    check(log.pruned >= first, "entries before %d are missing and no prune entry says so" % first)
    sealed = log.checkpoints()
    log.tiles()
    return first, sealed - 1


FAULTS = (Bad, KeyError, ValueError, TypeError, IndexError, EOFError, zlib.error, gzip.BadGzipFile)


def wrong_key(directory, root_key, mac, named):
    """Why only the key is wrong: the log is valid under the key that it names, or apart from its MACs."""
    try:
        log = Log(directory, named, mac, lenient=True)
        read(directory, log)
    except (*FAULTS, OSError):
        return None
    if named != root_key:
        what = "this log is not signed by this key: the log names %s, the file holds %s" % (named, root_key)
    elif mac is not None and not log.held:
        what = "this log is not chained by this audit.mac: no signature verifies with it, everything else is valid"
    else:
        return None
    return what + "; either it is another log's key, or the log was replaced by another one"


def verify(directory, root_key, mac):
    log = Log(directory, root_key, mac)
    try:
        first, sealed = read(directory, log)
    except FAULTS as error:
        wrong = wrong_key(directory, root_key, mac, log.named) if log.named and not log.next else None
        print("WRONG KEY: %s" % wrong if wrong else "TAMPERED: %s: %s" % (log.where, error))
        return 1
    print("intact: entries %d to %d, %d epochs, sealed up to %d" % (first, log.next - 1, len(log.epochs), sealed))
    return 0


USAGE = "usage: verify_audit.py DIR audit.pub [--mac audit.mac]"


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


def main(arguments):
    if "--help" in arguments or "-h" in arguments:
        print(__doc__.strip())
        return 0
    if len(arguments) not in (2, 4) or arguments[2:3] not in ([], ["--mac"]):
        print(USAGE, file=sys.stderr)
        return 2
    directory, public, *rest = arguments
    try:
        root_key = key_of(public, public_key)
        mac = key_of(rest[1], mac_key) if rest else None
        os.listdir(directory)
        return verify(directory, root_key, mac)
    except OSError as error:
        what = "%s: %s" % (error.filename, error.strerror) if error.filename else error
    except Bad as error:
        what = error
    print("could not check: %s" % what, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
