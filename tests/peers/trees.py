"""Let python-tuf and tuf-js judge many small repositories at once.

DIR/trees.json names them: {"NAME": {"TARGET": "SHA256", ...}}, with null in place of the targets
where a repository must be refused. Each stands in DIR/NAME, its trusted root in pinned.json.
Both clients must find exactly the targets that are named, out of all names that occur anywhere.

Exit status: 0 both agree with trees.json about every repository, 1 one does not.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient import Updater

HERE = Path(__file__).resolve().parent
DEADLINE_SECONDS = 300


class Quiet(SimpleHTTPRequestHandler):
    """A static file server on one connection for each client."""

    protocol_version = "HTTP/1.1"
    # A status line must not wait until the body before it is acknowledged.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass


def found(tree, base, names, work):
    """The digests of what the client takes, None when it refuses the repository."""
    work.mkdir()
    updater = Updater(
        metadata_dir=str(work),
        metadata_base_url=base,
        target_base_url=base + "targets/",
        bootstrap=(tree / "pinned.json").read_bytes(),
    )
    try:
        updater.refresh()
    except (RepositoryError, DownloadError):
        return None
    infos = {name: updater.get_targetinfo(name) for name in names}
    taken = {}
    for name, info in infos.items():
        if info is not None:
            path = updater.download_target(info, str(work / name))
            taken[name] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return taken


def judge(trees, folder, base, work):
    names = sorted({name for listed in trees.values() for name in listed or {}})
    wrong = []
    for tree, listed in trees.items():
        taken = found(folder / tree, f"{base}{tree}/", names, work / tree)
        if taken != listed:
            wrong.append(f"python-tuf: {tree}: {taken} instead of {listed}")
    refused = sum(listed is None for listed in trees.values())
    if not wrong:
        print(f"python-tuf: {len(trees) - refused} accepted, {refused} refused, as they should be")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="directory that holds trees.json")
    parser.add_argument("--node", default="node")
    parser.add_argument("--node-modules", type=Path, default=HERE / "node_modules")
    args = parser.parse_args()
    os.environ.update(NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    trees = json.loads((args.folder / "trees.json").read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(args.folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}/"
    with tempfile.TemporaryDirectory(prefix="sealift-trees-") as work:
        wrong = judge(trees, args.folder, base, Path(work))
    node = subprocess.run(
        [args.node, str(HERE / "tuf_js_trees.mjs"), str(args.folder), base],
        env=dict(os.environ, SEALIFT_NODE_MODULES=str(args.node_modules)),
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    server.shutdown()
    print("\n".join(wrong), end="")
    return 1 if wrong or node.returncode else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
