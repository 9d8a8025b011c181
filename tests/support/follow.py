"""A plain polling tailer, as many are: reads the active file to its end, and when another file stands under the name,
reads the rest of the old one and goes on with the new one from its start. Prints every whole line it sees."""
import os
import sys
import time

path = sys.argv[1]
out = sys.stdout.buffer


def open_when_there():
    while True:
        try:
            return open(path, "rb", buffering=0)
        except FileNotFoundError:
            time.sleep(0.001)


file = open_when_there()
rest = b""
while True:
    chunk = file.read(65536)
    if chunk:
        rest += chunk
        whole = rest.rfind(b"\n") + 1
        out.write(rest[:whole])
        out.flush()
        rest = rest[whole:]
        continue
    try:
        is_replaced = os.stat(path).st_ino != os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        is_replaced = True
    if is_replaced:
        last = file.read()
        rest += last
        if rest and not rest.endswith(b"\n"):
            out.write(b"TORN LINE\n")
        out.write(rest)
        out.flush()
        rest = b""
        file.close()
        file = open_when_there()
    else:
        time.sleep(0.0005)
