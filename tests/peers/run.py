"""Let foreign TUF clients judge a repository that sealift published.

Serves DIR (the directory that holds 1.root.json and targets/) on 127.0.0.1 and has
python-tuf and tuf-js download TARGET, each starting from the trusted root file alone.
Then the same bytes are served with one fault at a time, and each client must refuse:

  flipped    one bit of the target changed
  truncated  the last byte of the target missing
  forged     one digit of the signed targets document changed

Exit status: 0 both clients took the target and refused every fault, 1 one did not,
2 wrong usage or a client that cannot be started.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
FAULTS = ("flipped", "truncated", "forged")
REFUSED = 3
DEADLINE_SECONDS = 300


class Faulty(SimpleHTTPRequestHandler):
    """A static file server that can tell one lie, chosen by the first path segment."""

    def do_GET(self):
        fault, _, rest = self.path.lstrip("/").partition("/")
        self.path = "/" + rest
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        is_target = rest.startswith("targets/")
        change = None
        if is_target and fault in ("flipped", "truncated"):
            change = fault
        elif fault == "forged" and rest.endswith(".targets.json"):
            change = fault
        self.reply(path, change)

    def reply(self, path, change):
        size = path.stat().st_size
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size - (change == "truncated")))
        self.end_headers()
        sent = 0
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                if change == "flipped" and sent <= size // 2 < sent + len(block):
                    block = bytearray(block)
                    block[size // 2 - sent] ^= 1
                if change == "forged" and sent == 0:
                    block = forge(block)
                if change == "truncated" and sent + len(block) == size:
                    block = block[:-1]
                sent += len(block)
                try:
                    self.wfile.write(block)
                except (BrokenPipeError, ConnectionResetError):
                    return

    def log_message(self, *_):
        pass


def forge(document):
    """The document with its first target one byte longer, still valid JSON."""
    mark = document.index(b'"length":') + len(b'"length":')
    while document[mark : mark + 1] == b" ":
        mark += 1
    digit = document[mark : mark + 1]
    return document[:mark] + (b"1" if digit == b"9" else bytes([digit[0] + 1])) + document[mark + 1 :]


def clients(args):
    yield "python-tuf", [args.python, str(HERE / "python_tuf_client.py")]
    yield "tuf-js", [args.node, str(HERE / "tuf_js_client.mjs")]


def attempt(command, args, port, fault, out):
    base = f"http://127.0.0.1:{port}/{fault}/"
    environment = dict(os.environ, SEALIFT_NODE_MODULES=str(args.node_modules), NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    return subprocess.run(
        [*command, "--root", str(args.root), "--metadata-url", base, "--targets-url", base + "targets/"]
        + ["--target", args.target, "--out", str(out)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def judge(args, port, work):
    failures = 0
    for name, command in clients(args):
        out = work / f"{name}.out"
        done = attempt(command, args, port, "honest", out)
        print(done.stdout, end="")
        if done.returncode != 0:
            print(f"FAIL {name} did not take the target:\n{done.stderr}", end="")
            failures += 1
            continue
        print(f"ok   {name} downloaded {args.target}")
        for fault in FAULTS:
            done = attempt(command, args, port, fault, work / f"{name}.{fault}")
            if done.returncode == REFUSED:
                print(f"ok   {name} refused the {fault} repository: {done.stderr.strip().splitlines()[-1]}")
            else:
                print(f"FAIL {name}, {fault} repository: exit {done.returncode}\n{done.stdout}{done.stderr}", end="")
                failures += 1
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path, help="directory that holds 1.root.json and targets/")
    parser.add_argument("target", help="target path, for example ecu/main/app.img")
    parser.add_argument("--root", type=Path, help="trusted root file (default: 1.root.json of the repository)")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--node", default="node")
    parser.add_argument("--node-modules", type=Path, default=HERE / "node_modules")
    args = parser.parse_args()
    args.root = args.root or args.repository / "1.root.json"
    try:
        json.loads(args.root.read_bytes())
    except (OSError, ValueError) as error:
        parser.error(f"{args.root} is not a root file: {error}")

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Faulty, directory=str(args.repository)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory(prefix="sealift-peers-") as work:
            failures = judge(args, server.server_address[1], Path(work))
    except OSError as error:
        print(f"a client could not be started: {error}")
        return 2
    finally:
        server.shutdown()
    print("peers agree" if failures == 0 else f"{failures} checks failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
