"""Evaluates the part of Go that tables of tests consist of: strings, lists, `+`, and a few calls."""
import random
import re
import sre_parse

TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|(?P<raw>`[^`]*`)|(?P<text>"(?:\\.|[^"\\\n])*")|(?P<rune>'(?:\\.|[^'\\])+')"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)|(?P<number>\d+)|(?P<sign>.)""",
    re.DOTALL,
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class Unknown(Exception):
    """An expression that this module does not evaluate."""


def tokens(source):
    return [(m.lastgroup, m.group(m.lastgroup)) for m in TOKEN.finditer(source) if m.lastgroup]


def unquoted(text):
    def escape(match):
        code = match.group(1)
        return ESCAPES[code] if code in ESCAPES else chr(int(code.lstrip("xuU"), 16))

    return re.sub(r"\\(x..|u....|U.{8}|.)", escape, text[1:-1], flags=re.DOTALL)


def example_of(pattern, seed):
    """A random text that `pattern` matches."""
    source = random.Random(f"{pattern}{seed}")

    def one(op, arg):
        name = str(op)
        if name == "LITERAL":
            return chr(arg)
        if name == "IN":
            return source.choice([char for part in arg for char in members(*part)])
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = arg
            count = source.randint(low, min(int(high), low + 8))
            return "".join(every(inner) for _ in range(count))
        if name == "SUBPATTERN":
            return every(arg[-1])
        if name == "BRANCH":
            return every(source.choice(arg[1]))
        if name == "ANY":
            return source.choice("abcXYZ019")
        if name == "AT":
            return ""
        raise Unknown(name)

    def members(op, arg):
        name = str(op)
        if name == "LITERAL":
            return [chr(arg)]
        if name == "RANGE":
            return [chr(code) for code in range(arg[0], arg[1] + 1)]
        if name == "CATEGORY":
            digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
            return {"CATEGORY_DIGIT": digits, "CATEGORY_WORD": digits + letters + "_"}[str(arg)]
        raise Unknown(name)

    def every(parts):
        return "".join(one(*part) for part in parts)

    return every(sre_parse.parse(re.sub(r"\(\?i\)", "", pattern)))


class Parser:
    """Reads one expression after another from a list of tokens."""

    def __init__(self, source, names, calls):
        self.tokens, self.at, self.names, self.calls = source, 0, names, calls

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, text=None):
        kind, value = self.peek()
        if kind == "end" or text is not None and value != text:
            raise Unknown(f"expected {text}, found {value}")
        self.at += 1
        return kind, value

    def expression(self):
        value = self.term()
        while self.peek()[1] == "+":
            self.take()
            value = value + self.term()
        return value

    def term(self):
        kind, value = self.take()
        if kind == "raw":
            return value[1:-1]
        if kind == "text":
            return unquoted(value)
        if kind == "number":
            return int(value)
        if value == "(":
            inner = self.expression()
            self.take(")")
            return inner
        if value == "[" and self.peek()[1] == "]":
            self.take()
            if self.take() != ("name", "string"):
                raise Unknown("list")
            return self.items("{", "}")
        if value == "map":
            return self.map_values()
        if kind == "name":
            return self.named(value)
        raise Unknown(value)

    def map_values(self):
        """The values of a `map[string]string{…}`."""
        for text in ("[", "string", "]", "string", "{"):
            self.take(text)
        values = []
        while self.peek()[1] != "}":
            self.expression()
            self.take(":")
            values.append(self.expression())
            if self.peek()[1] == ",":
                self.take()
        self.take("}")
        return values

    def named(self, name):
        if self.peek()[1] != "(":
            if name in ("nil", "true", "false"):
                return {"nil": [], "true": True, "false": False}[name]
            if name not in self.names:
                raise Unknown(name)
            return self.names[name]
        arguments = self.items("(", ")")
        if name not in self.calls:
            raise Unknown(name)
        return self.calls[name](*arguments)

    def items(self, opening, closing):
        self.take(opening)
        values = []
        while self.peek()[1] != closing:
            if self.peek()[1] == ".":
                self.take()
                continue
            values.append(self.expression())
            if self.peek()[1] == ",":
                self.take()
        self.take(closing)
        return values


def sprintf(form, *values):
    values = list(values)
    return re.sub(r"%[svqd]|%%", lambda m: "%" if m.group() == "%%" else str(values.pop(0)), form)


def evaluated(source, names, calls):
    return Parser(tokens(source), names, {"fmt.Sprintf": sprintf, "strings.ToUpper": str.upper, **calls}).expression()


def declared(source, calls, names=None):
    """The names of a file to which texts are assigned, with their values."""
    names = dict(names or {})
    for match in re.finditer(r"^[ \t]*(?:var |const )?(\w+)(?: string)?[ \t]*:?=[ \t]*(?=[`\"\w(\[])", source, re.M):
        try:
            value = evaluated(source[match.end():], names, calls)
        except (Unknown, TypeError, IndexError, KeyError, ValueError):
            continue
        if isinstance(value, (str, list)):
            names[match.group(1)] = value
    return names
