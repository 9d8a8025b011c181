#!/usr/bin/env python3
"""A minimal verifier of audit logs, short enough to read or to start your own from.

    python3 verify_audit_short.py DIR audit.pub

Checks that entries are consecutive, that each names the signature of the previous one, that new keys are signed by old
ones, and that every checkpoint is signed and seals exactly these entries. Exit status: 0 intact, 1 tampered, 2 could not
check. Signatures are checked by the command openssl (3.0 or newer). For checks with audit.mac, for logs whose beginning was
pruned, and for the canonical form of lines see verify_audit.py.
"""
import base64, functools, glob, gzip, hashlib, json, os, subprocess, sys, tempfile, zlib

sha = lambda data: hashlib.sha256(data).digest()


def check(holds, what, *about):
    if not holds:
        raise ValueError(what % about)


def is_signed(vkey, text, signature):
    der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(vkey.split("+", 2)[2])[1:]
    with tempfile.TemporaryDirectory() as at:
        for name, data in ("key", der), ("text", text), ("signature", signature):
            open(os.path.join(at, name), "wb").write(data)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile signature"
        return subprocess.run(command.split(), cwd=at, capture_output=True).returncode == 0


def read(path):
    check(os.path.isfile(path) and not os.path.islink(path), "%s is not a regular file", path)
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        return file.read()


def lines(directory):
    names = [name for end in (".gz", "") for name in glob.glob(directory + "/audit-*.jsonl" + end)]
    sealed = {name.removesuffix(".gz"): name for name in names}
    for name in [sealed[name] for name in sorted(sealed)] + glob.glob(directory + "/audit.log.jsonl"):
        for line in read(name).split(b"\n")[:-1]:
            if b"\0" in line and name.endswith("audit.log.jsonl"):
                return  # a torn end, which the next start cuts off
            yield name, line


def verify(directory, public):
    parts = read(directory + "/checkpoints").split(b"\n\n")
    notes = [(text + b"\n", *text.decode().split("\n"), signed.decode()) for text, signed in zip(parts[::2], parts[1::2])]
    sizes = {int(note[2]) for note in notes}
    origin, keys, ends, edge, roots, previous, size = public.split("+")[0], [public], [], [], {}, None, 0
    for name, line in lines(directory):
        entry = json.loads(line)
        check(entry["seq"] == size, "%s: entry %d where entry %d was expected", name, entry["seq"], size)
        check(previous in (None, entry["_prev_signature"]), "entry %d is not chained to the previous one", size)
        if entry["event_type"] == "ringseal.start":
            check(entry["public_key"] == keys[-1], "entry %d names another key", size)
        if entry["event_type"] == "ringseal.epoch":
            text = b"ringseal audit statement v1\n%s\n%s" % (origin.encode(), line[: line.rindex(b',"signature":"')])
            signature = base64.urlsafe_b64decode(entry["signature"] + "==")
            check(is_signed(keys[-1], text, signature), "entry %d: the new key is not signed by the old one", size)
            keys.append(entry["new_key"])
            ends.append(size)
        previous, node, at, size = entry["_signature"], sha(b"\0" + line), 0, size + 1
        while at < len(edge) and edge[at]:  # RFC 6962: two nodes of a level become one of the next
            node, edge[at], at = sha(b"\1" + edge[at] + node), None, at + 1
        edge[at:at + 1] = [node]
        if size in sizes:
            peaks = [node for node in edge if node]
            roots[size] = functools.reduce(lambda right, left: sha(b"\1" + left + right), peaks)
    for text, name, sealed, root, signed in notes:
        key = keys[sum(end < int(sealed) - 1 for end in ends)]
        signature = base64.b64decode(signed.split("\u2014 %s " % key.split("+")[0])[1].split("\n")[0])
        is_ours = name == origin and signature[:4].hex() == key.split("+")[1]
        check(is_ours and is_signed(key, text, signature[4:]), "checkpoint of %s: not signed by its key", sealed)
        check(base64.b64decode(root) == roots.get(int(sealed)), "checkpoint of %s seals other entries", sealed)
    check(notes, "the log is not sealed")
    print("intact: %d entries, %d epochs, sealed up to %d" % (size, len(keys), int(sealed) - 1))


if len(sys.argv) != 3:
    sys.exit(print("usage: verify_audit_short.py DIR audit.pub", file=sys.stderr) or 2)
try:
    verify(sys.argv[1], open(sys.argv[2]).read().strip())
except (ValueError, KeyError, IndexError, EOFError, zlib.error, gzip.BadGzipFile) as error:
    sys.exit(print("TAMPERED:", error) or 1)
except OSError as error:
    sys.exit(print("could not check:", error, file=sys.stderr) or 2)
