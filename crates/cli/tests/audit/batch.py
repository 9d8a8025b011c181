"""Runs the Python verifiers on many directories in one process.

    python3 batch.py verify_audit.py verify_audit_short.py < tasks

Each line of standard input is a JSON list: the arguments of verify_audit.py, the directory and the public key first.
Each line of standard output is a JSON list: exit status and output of verify_audit.py, and of verify_audit_short.py.
Signatures are checked once for each key, text and signature: that is the only change to the programs.
"""
import contextlib, functools, importlib.util, io, json, os, runpy, subprocess, sys

spec = importlib.util.spec_from_file_location("verify_audit", sys.argv[1])
long = importlib.util.module_from_spec(spec)
spec.loader.exec_module(long)
long.ed25519 = functools.lru_cache(maxsize=None)(long.ed25519)
short = compile(open(sys.argv[2]).read(), sys.argv[2], "exec")
run, checked = subprocess.run, {}


def run_once(command, cwd=None, **more):
    known = tuple(open(os.path.join(cwd, name), "rb").read() for name in ("key", "text", "signature"))
    if known not in checked:
        checked[known] = run(command, cwd=cwd, **more)
    return checked[known]


subprocess.run = run_once


def output_of(program):
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            code = program()
        except SystemExit as stop:
            code = stop.code
    return [code or 0, text.getvalue()]


def run_long(arguments):
    long.REPORTED.clear()
    return long.main(arguments)


def run_short(arguments):
    sys.argv = ["verify_audit_short.py", *arguments[:2]]
    exec(short, {"__name__": "__main__"})


for line in sys.stdin:
    arguments = json.loads(line)
    answers = [output_of(lambda: run_long(list(arguments))), output_of(lambda: run_short(arguments))]
    print(json.dumps(answers[0] + answers[1]), flush=True)
