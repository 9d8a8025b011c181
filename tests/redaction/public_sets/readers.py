"""Reads the examples of public sets: what must go, and what must stay.

Each reader takes the folder of a set and yields `Example`s. An example of a kind that a reader does not understand is
counted, not guessed.
"""
import ast
import collections
import json
import pathlib
import re
import tomllib

import yaml

from go_values import Unknown, declared, evaluated, example_of

# `secrets` must go from `text`; without any, `text` must stay. `kind` names the rule.
Example = collections.namedtuple("Example", "kind text secrets")
GoError = (Unknown, TypeError, IndexError, KeyError, ValueError, AttributeError, re.error)
skipped = collections.Counter()


def compiled(pattern):
    """A pattern of RE2 or Hyperscan for Python's `re`."""
    flags = set("".join(re.findall(r"\(\?([a-z]+)\)", pattern)))
    pattern = re.sub(r"\(\?[a-z]+\)", "", pattern).replace(r"\z", r"\Z")
    pattern = re.sub(r"\[\[:alnum:\]\]", "[A-Za-z0-9]", pattern).replace("[:alnum:]", "A-Za-z0-9")
    return re.compile(f"(?{''.join(sorted(flags & set('imsx')))})" * bool(flags & set("imsx")) + pattern)


def secret_of(pattern, text):
    """The secret in `text`: the first group that took part in the match, or all of the match."""
    match = pattern.search(text)
    if match is None:
        return None
    return next((group for group in match.groups() if group), match.group())


def groups_of(pattern, text):
    """All that a pattern captures, the longest first, as alternatives: some capture a user, a host and a password."""
    match = pattern.search(text)
    if match is None:
        return ["?"]
    groups = sorted({group for group in match.groups() if group and len(group) > 2}, key=len, reverse=True)
    return AnyOf(groups or [match.group()])


class AnyOf(list):
    """Secrets of which one must go."""


def gitleaks(folder):
    config = tomllib.loads((folder / "config/gitleaks.toml").read_text(encoding="utf-8"))
    patterns = {rule["id"]: rule["regex"] for rule in config["rules"] if "regex" in rule}
    classes = {"Hex": "[a-f0-9]", "AlphaNumeric": "[a-z0-9]", "Numeric": "[0-9]", "AlphaNumericExtended": "[a-z0-9=_\\-]",
               "AlphaNumericExtendedShort": "[a-z0-9_-]", "AlphaNumericExtendedLong": "[a-z0-9\\/=_\\+\\-]"}
    calls = {f"utils.{name}": lambda n, of=of: f"{of}{{{n}}}" for name, of in classes.items()}
    calls["utils.Hex8_4_4_4_12"] = lambda: "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"
    calls["secrets.NewSecret"] = calls["newPlausibleSecret"] = lambda pattern: example_of(pattern, 1)
    calls["secrets.NewSecretWithEntropy"] = lambda pattern, _: example_of(pattern, 1)
    calls["utils.GenerateSampleSecret"] = lambda name, secret: " = ".join([f"{name}_api_token", f'"{secret}"'])
    samples = sample_forms(folder / "cmd/generate/config/utils/generate.go")
    calls["utils.GenerateSampleSecrets"] = lambda name, secret: [form(name, secret) for form in samples]
    calls["append"] = lambda first, *rest: first + [x for more in rest for x in (more if isinstance(more, list) else [more])]
    for path in sorted(folder.glob("cmd/generate/config/rules/*.go")):
        yield from gitleaks_rules(path.read_text(encoding="utf-8"), patterns, calls)


def sample_forms(path):
    """The functions that write a name and a secret in the notations of many languages."""
    source = path.read_text(encoding="utf-8")
    forms = re.findall(r'^\t\t"[^"]+":\s*(`[^`]*`|"(?:\\.|[^"\\])*"),', source, re.M)

    def form(text):
        text = evaluated(text, {}, {})
        return lambda i, s: text.replace("{i}", i).replace("{I}", i.upper()).replace("{s}", s)

    return [form(text) for text in forms]


def gitleaks_rules(source, patterns, calls):
    for body in re.split(r"^func ", source, flags=re.M)[1:]:
        rule = re.search(r'RuleID:\s*"([^"]+)"', body)
        if not rule or rule.group(1) not in patterns:
            continue
        kind, pattern = rule.group(1), compiled(patterns[rule.group(1)])
        names = {}
        for match in re.finditer(r"^[ \t]*(\w+)[ \t]*:?=[ \t]*(?=[`\"\w\[])", body, re.M):
            try:
                names[match.group(1)] = evaluated(body[match.end():], names, calls)
            except GoError:
                skipped[f"gitleaks {kind} {match.group(1)}"] += match.group(1) in ("tps", "fps")
        for text in names.get("tps", []):
            secret = secret_of(pattern, text)
            yield Example(kind, text, [secret] if secret else ["?"])
        for text in names.get("fps", []):
            yield Example(kind, text, [])


def trufflehog(folder):
    for path in sorted(folder.glob("pkg/detectors/**/*_test.go")):
        if "integration" in path.name or "integeration" in path.name:
            continue
        source = path.read_text(encoding="utf-8")
        names = declared(source, {})
        for match in re.finditer(r"\binput:\s*", source):
            want = re.compile(r"\bwant:\s*").search(source, match.end())
            if want is None or source.find("input:", match.end(), want.start()) >= 0:
                continue
            try:
                text = evaluated(source[match.end():], names, {})
                wanted = evaluated(source[want.end():], names, {})
            except GoError:
                skipped[f"trufflehog {path.parent.name}"] += 1
                continue
            if isinstance(wanted, list) and isinstance(text, str) and wanted:
                yield Example(path.parent.name, text, [part_of(text, secret) for secret in wanted if secret])


def part_of(text, secret):
    """`secret`, or its longest part in `text`: some tests join an identifier and its secret."""
    if secret in text:
        return secret
    cuts = [cut for cut in range(4, len(secret) - 3) if secret[:cut] in text and secret[cut:].lstrip(":;|") in text]
    parts = [part for cut in cuts for part in (secret[:cut], secret[cut:].lstrip(":;|"))]
    return max(parts, key=len, default="?")


def by_yaml_rules(folder, root):
    for path in sorted((folder / root).rglob("*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for rule in document.get("rules") or []:
            pattern = rule["pattern"].strip()
            try:
                pattern = compiled(pattern)
            except re.error:
                skipped[f"pattern of {rule['id']}"] += 1
                continue
            for text in rule.get("examples") or []:
                yield Example(rule["id"], str(text), groups_of(pattern, str(text)))
            for text in rule.get("negative_examples") or []:
                yield Example(rule["id"], str(text), [])


def kingfisher(folder):
    return by_yaml_rules(folder, "data/rules")


def noseyparker(folder):
    return by_yaml_rules(folder, "crates/noseyparker/data/default/builtin/rules")


def detect_secrets(folder):
    """Tables of (text, whether it holds a secret), and lists of texts that do."""
    for path in sorted(folder.glob("tests/plugins/*_test.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "parametrize"):
                continue
            names = ast.unparse(call.args[0])
            if not re.match(r"['\"(]*(payload|line|token|content)\b", names.strip("'\"(")):
                continue
            for row in getattr(call.args[1], "elts", []):
                try:
                    row = ast.literal_eval(row)
                except ValueError:
                    continue
                row = row if isinstance(row, (tuple, list)) else (row, True)
                if isinstance(row[0], str) and isinstance(row[-1], bool):
                    yield Example(path.stem.removesuffix("_test"), row[0], ["?"] if row[-1] else [])


def presidio_research(folder):
    """The cards and the telephone numbers of the labelled texts."""
    kinds = {"CREDIT_CARD": "card", "PHONE_NUMBER": "telephone"}
    for name in ("data/synth_dataset_v2.json", "tests/data/generated_large.json", "tests/data/generated_small.json"):
        for row in json.loads((folder / name).read_text(encoding="utf-8")):
            for span in row["spans"]:
                if span["entity_type"] in kinds:
                    yield Example(kinds[span["entity_type"]], row["full_text"], [span["entity_value"]])


READERS = {
    "gitleaks": (gitleaks, "config/gitleaks.toml"),
    "trufflehog": (trufflehog, "pkg/detectors/detectors.go"),
    "kingfisher": (kingfisher, "data/rules/adobe.yml"),
    "presidio-research": (presidio_research, "data/synth_dataset_v2.json"),
    "noseyparker": (noseyparker, "crates/noseyparker/data/default/builtin/rules"),
    "-".join(["detect", "secrets"]): (detect_secrets, "detect_secrets/plugins"),
}


def reader_of(folder):
    """The name of the set in `folder` and its examples, or None for a folder of logs."""
    for name, (read, mark) in READERS.items():
        if (pathlib.Path(folder) / mark).exists():
            return name, list(read(pathlib.Path(folder)))
    return None


def lines_of_logs(folder):
    """Each file below `folder` that ends in `.log`, `.txt` or `.jsonl`, with its lines."""
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix in (".log", ".txt", ".jsonl") and path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            yield path, [line for line in text.replace("\r", "").replace("\0", "").split("\n") if line.strip()]

