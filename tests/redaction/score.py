#!/usr/bin/env python3
"""Runs `ringseal redact` over labelled examples, scores what it wrote, and compares it with a model.

    tests/redaction/score.py path/to/examples --score path/to/score.py
    tests/redaction/score.py path/to/examples --score path/to/score.py --model path/to/model.py

Examples are files NAME.jsonl with one record a line: {"id", "text", "spans": [[start, end, TYPE, …]],
"neg": [[start, end, TYPE, …]]}; offsets count characters. `spans` must go, `neg` must stay.
score.py is called as `score.py LABELS PREDICTIONS`, and gives `edits_of(before, after, pattern)` and
`PLACE` to the comparison. model.py is called as `model.py PRESET LABELS PREDICTIONS`. Predictions are
{"id", "redacted"}.

Texts of one line go through the command as lines, others as JSON strings. Ends with 1 when JSON was
broken or redacting again changes anything.
"""
import argparse
import collections
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def records(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def is_plain(text):
    """Whether a text can be a line by itself, and is not taken for a JSON string."""
    return not re.search(r"[\n\r]", text) and not text.lstrip().startswith('"')


def redact(command, texts):
    lines = [text if is_plain(text) else json.dumps(text) for text in texts]
    run = subprocess.run(command, input="\n".join(lines).encode(), stdout=subprocess.PIPE, check=True)
    out = run.stdout.decode().split("\n")
    assert len(out) == len(lines), f"{len(lines)} lines went in, {len(out)} came out"
    return [line if is_plain(text) else json.loads(line) for text, line in zip(texts, out)]


def write_predictions(path, labels, texts):
    with open(path, "w", encoding="utf-8") as file:
        for label, text in zip(labels, texts):
            file.write(json.dumps({"id": label["id"], "redacted": text}, ensure_ascii=False) + "\n")


def is_json(text):
    try:
        return isinstance(json.loads(text), (dict, list))
    except ValueError:
        return False


def promises(command, labels, ours):
    """How often JSON was broken, and how often redacting again changed something."""
    broken = [l["id"] for l, text in zip(labels, ours) if is_json(l["text"]) and not is_json(text)]
    again = [l["id"] for l, a, b in zip(labels, ours, redact(command, ours)) if a != b]
    return broken, again


def load(path):
    spec = importlib.util.spec_from_file_location("given_score", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def masks(score, before, after):
    """What was replaced, as {(start, end): what stands for it}."""
    pattern = re.compile(score.PLACE)
    edits = score.edits_of(before, after, pattern)
    found, shift = {}, 0
    for index, (start, end) in enumerate(edits):
        rest = before[end:edits[index + 1][0]] if index + 1 < len(edits) else before[end:]
        at = after.find(rest, start + shift) if rest else len(after)
        mark = pattern.match(after, start + shift)
        stop = mark.end() if mark else max(at, start + shift)
        found[(start, end)] = after[start + shift:stop]
        shift = stop - end
    return found


def label_of(label, start, end):
    for kind, key in (("must go", "spans"), ("must stay", "neg")):
        for span in label.get(key, []):
            if span[0] < end and start < span[1]:
                return f"{kind}: {span[2]}"
    return "unlabelled"


def disagreements(score, label, ours, model):
    """Kinds of disagreement between two outputs: (kind, ours, the model's, label, original)."""
    text = label["text"]
    a, b = masks(score, text, ours), masks(score, text, model)
    rows = []
    for span, mark in a.items():
        twin = next((other for other in b if other[0] < span[1] and span[0] < other[1]), None)
        if twin is None:
            rows.append(("ringseal only", mark, "-", label_of(label, *span), text[span[0]:span[1]]))
        elif twin != span:
            rows.append(("extent", mark, b[twin], label_of(label, *span),
                         f"{text[span[0]:span[1]]} | {text[twin[0]:twin[1]]}"))
        elif mark != b[twin]:
            rows.append(("stand-in", mark, b[twin], label_of(label, *span), text[span[0]:span[1]]))
    for span, mark in b.items():
        if not any(other[0] < span[1] and span[0] < other[1] for other in a):
            rows.append(("model only", "-", mark, label_of(label, *span), text[span[0]:span[1]]))
    return rows or [("spelling", "", "", "unlabelled", text)]


def compare(score, labels, ours, model, examples):
    kinds, same = collections.defaultdict(list), 0
    for label, a, b in zip(labels, ours, model):
        if a == b:
            same += 1
            continue
        for kind, mark, twin, what, part in disagreements(score, label, a, b):
            short = tuple(re.sub(r"\*{4}\S{4}$", "****last4", text) for text in (mark, twin))
            kinds[(kind, *short, what)].append((label["id"], part))
    print(f"agreement {same} of {len(labels)} ({100 * same / max(1, len(labels)):.2f} %)")
    for (kind, mark, twin, what), cases in sorted(kinds.items(), key=lambda item: -len(item[1])):
        print(f"  {len(cases):5d}  {kind:14s} ringseal {mark:20s} model {twin:20s} {what}")
        for name, part in cases[:examples]:
            print(f"           {name}: {part[:150]!r}")
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("examples", type=pathlib.Path, help="a directory of *.jsonl, or one such file")
    parser.add_argument("--score", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--ringseal", default="target/release/ringseal", help="the command")
    parser.add_argument("--cases", type=int, default=3, help="disagreements of a kind that are shown")
    args = parser.parse_args()
    files = sorted(args.examples.glob("*.jsonl")) if args.examples.is_dir() else [args.examples]
    command = [args.ringseal, "redact", "--preset", args.preset]
    score, failed = load(args.score), False
    with tempfile.TemporaryDirectory() as room:
        for path in files:
            labels = records(path)
            ours = redact(command, [label["text"] for label in labels])
            predictions = pathlib.Path(room) / path.name
            write_predictions(predictions, labels, ours)
            subprocess.run([sys.executable, args.score, path, predictions], check=True)
            broken, again = promises(command, labels, ours)
            print(f"   broken JSON {len(broken)}, changed again {len(again)}", *(broken + again)[:10])
            failed |= bool(broken or again)
            if args.model:
                theirs = pathlib.Path(room) / ("model-" + path.name)
                subprocess.run([sys.executable, args.model, args.preset, path, theirs], check=True,
                               stdout=subprocess.DEVNULL)
                given = [record["redacted"] for record in records(theirs)]
                print("   ", end="")
                compare(score, labels, ours, given, args.cases)
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
