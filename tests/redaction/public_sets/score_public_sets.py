#!/usr/bin/env python3
"""Scores `ringseal redact` on the examples of public sets of secrets, and reviews it on real logs.

    tests/redaction/public_sets/score_public_sets.py --binary target/release/ringseal FOLDER...
    tests/redaction/public_sets/score_public_sets.py --binary target/release/ringseal -v FOLDER...

A folder is a checkout of one of the sets in readers.py, or a folder of logs. For a set, the share of examples whose
secret is gone is printed, by name and version, and the negatives that were changed; with -v, each failing example. For
logs, each changed line is printed before and after, since nothing but a reader can tell whether it changed with reason.
README.md says where the sets are. Needs Python 3.11 and PyYAML.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys

import readers


def redacted(command, texts):
    """What the command writes for each of `texts`, given as values in JSON: no line influences the next."""
    lines = [json.dumps({"msg": text}) for text in texts]
    return [json.loads(line)["msg"] for line in redacted_lines(command, lines)]


def redacted_lines(command, lines):
    given = "\n".join([*lines, ""]).encode("utf-8", "replace")
    run = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True)
    out = run.stdout.decode("utf-8", "replace").split("\n")[:-1]
    if len(out) != len(lines):
        sys.exit(f"expected {len(lines)} lines, found {len(out)}")
    return out


def version(folder):
    """The newest version of a checkout, or of the snapshot that `VERSION` in it names."""
    named = pathlib.Path(folder) / "VERSION"
    if named.exists():
        return named.read_text(encoding="utf-8").strip()
    run = subprocess.run(["git", "-C", folder, "describe", "--tags", "--always"], capture_output=True, text=True)
    return run.stdout.strip() or "version unknown"


def is_found(example, after):
    secrets = [secret for secret in example.secrets if secret in example.text]
    if not secrets:
        return after != example.text
    some = any if isinstance(example.secrets, readers.AnyOf) else all
    return some(secret not in after for secret in secrets)


# A set of at most this many kinds is scored by kind, too.
KINDS_MAX = 8


def score_set(command, folder, name, examples, verbose):
    outputs = redacted(command, [example.text for example in examples])
    counts, failing = collections.Counter(), []
    for example, after in zip(examples, outputs):
        kind = "positive" if example.secrets else "negative"
        good = is_found(example, after) if example.secrets else after == example.text
        counts[kind] += 1
        counts[kind, good] += 1
        if not good:
            failing.append((kind, example, after))
    found, total = counts["positive", True], counts["positive"]
    changed, negatives = counts["negative", False], counts["negative"]
    print(f"{name} ({version(folder)}): {found} of {total} found, {100 * found / max(total, 1):.1f} %; "
          f"{changed} of {negatives} negatives changed")
    kinds = collections.Counter(example.kind for example in examples if example.secrets)
    missed = collections.Counter(example.kind for kind, example, _ in failing if kind == "positive")
    for kind, count in kinds.items() if len(kinds) <= KINDS_MAX else []:
        print(f"  {kind}: {count - missed[kind]} of {count}, {100 * (count - missed[kind]) / count:.1f} %")
    for kind, example, after in failing if verbose else []:
        print(f"  {kind} {example.kind}: {example.secrets}\n    {example.text!r}\n    {after!r}")
    return [secret for example in examples for secret in example.secrets if len(secret) > 7 and "\n" not in secret]


def score_keys(command, name, secrets):
    """The same secrets after a telling key, after a bare one, and in a sentence."""
    secrets = sorted(set(secrets))
    for form in ("api_token={}", "acme_key={}", "acmekey: {}", "calling acme with {} now"):
        texts = [form.format(secret) for secret in secrets]
        gone = sum(secret not in after for secret, after in zip(secrets, redacted(command, texts)))
        print(f"  {name}, as `{form.format('…')}`: {gone} of {len(secrets)}, {100 * gone / max(len(secrets), 1):.1f} %")


def review_logs(command, folder):
    total = changed = 0
    for path, lines in readers.lines_of_logs(folder):
        outputs = redacted_lines(command, lines)
        for before, after in zip(lines, outputs):
            if before != after:
                changed += 1
                print(f"- {before}\n+ {after}\n  {path}")
        total += len(lines)
    print(f"{folder}: {changed} of {total} lines changed, {100 * changed / max(total, 1):.3f} %")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="+")
    arguments.add_argument("--binary", default="target/release/ringseal")
    arguments.add_argument("--preset", help="a preset of rules, as `ringseal redact --preset` takes it")
    arguments.add_argument("-v", "--verbose", action="store_true", help="print each failing example")
    arguments.add_argument("--keys", action="store_true", help="also score the secrets after a telling and a bare key")
    given = arguments.parse_args()
    command = [given.binary, "redact", *(["--preset", given.preset] if given.preset else [])]
    for folder in given.folders:
        found = readers.reader_of(folder)
        if found is None:
            review_logs(command, folder)
            continue
        name, examples = found
        secrets = score_set(command, folder, name, examples, given.verbose)
        if given.keys:
            score_keys(command, name, secrets)
    if given.verbose and readers.skipped:
        print("not understood:", ", ".join(f"{name} ×{n}" for name, n in readers.skipped.items() if n))


if __name__ == "__main__":
    main()
