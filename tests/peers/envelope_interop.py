#!/usr/bin/env python3
"""Runs two implementations of the sealed image against each other, in both directions.

    envelope_interop.py PEER_BINARY [KEY_DIRECTORY]

PEER_BINARY is the `peer` example of sealift-envelope; the other side is envelope_v1.py beside this file, run with the same
Python. KEY_DIRECTORY holds p256.pem, rsa3072.pem, x-wing.pem and their public halves *.pub.pem (default: envelope/tests/keys).
The committed vectors of envelope/testdata are read by the Python side too (envelope_vectors.py).
Prints `N passed, M failed`; exit code 0 only if M is 0 and N is not.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import envelope_example
import envelope_vectors

SIZES = [0, 1, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 131_072, 1_048_575, 1_048_576, 1_048_577, 3_000_000]
KINDS = ["p256", "rsa3072", "x-wing"]
HERE = pathlib.Path(__file__).resolve().parent
ENVELOPE = HERE.parent.parent / "envelope"
PLACE = ["repository-id", "brake/firmware.img"]
ECU = PLACE + ["VIN-1", "ECU-7"]


class Suite:
    def __init__(self, peer, keys, work):
        self.sides = {"rust": [peer], "python": [sys.executable, str(HERE / "envelope_v1.py")]}
        self.keys, self.work = keys, work
        self.passed = self.failed = 0

    def run(self, side, *args):
        return subprocess.run(self.sides[side] + list(args), capture_output=True, text=True)

    def check(self, what, condition, detail=""):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}\n{detail}")

    def path(self, name):
        return str(self.work / name)

    def public(self, kind):
        return str(self.keys / f"{kind}.pub.pem")

    def private(self, kind):
        return str(self.keys / f"{kind}.pem")

    def opens_to(self, what, side, plain, *args):
        """`side` with `args` and an output path appended or placed by the caller gives back `plain`."""
        out = self.path("opened")
        if os.path.exists(out):
            os.remove(out)
        done = self.run(side, *[out if a is None else a for a in args])
        same = done.returncode == 0 and pathlib.Path(out).read_bytes() == plain
        self.check(what, same, done.stderr)

    def image(self, maker, size, kind, length):
        """Everything about one image made by one side and read by the other."""
        reader = "python" if maker == "rust" else "rust"
        what = f"{maker} -> {reader}, {kind}, {size} bytes, length {length}"
        plain = os.urandom(size)
        source, sealed = self.path("plain"), self.path("sealed")
        pathlib.Path(source).write_bytes(plain)
        private = self.private(kind)

        done = self.run(maker, "seal", source, sealed, length, *map(self.public, KINDS))
        self.check(f"seal, {what}", done.returncode == 0, done.stderr)
        self.opens_to(f"open, {what}", reader, plain, "open", sealed, None, private)

        keys, box = self.path("keys"), self.path("box")
        done = self.run(maker, "keyfile-make", sealed, private, keys, *PLACE, self.public(kind))
        self.check(f"keyfile-make, {what}", done.returncode == 0, done.stderr)
        self.opens_to(f"keyfile-open, {what}", reader, plain, "keyfile-open", sealed, keys, private, *PLACE, None)

        done = self.run(maker, "keybox-make", sealed, private, box, *ECU, self.public(kind))
        self.check(f"keybox-make, {what}", done.returncode == 0, done.stderr)
        self.opens_to(f"keybox-open, {what}", reader, plain, "keybox-open", sealed, box, private, *ECU, None)

    def refusals(self, maker, kind):
        """Both sides refuse what neither should open."""
        plain, private = os.urandom(40_000), self.private(kind)
        source, sealed = self.path("plain"), self.path("sealed")
        pathlib.Path(source).write_bytes(plain)
        self.run(maker, "seal", source, sealed, "40000", self.public(kind))
        box, keys = self.path("box"), self.path("keys")
        self.run(maker, "keybox-make", sealed, private, box, *ECU, self.public(kind))
        self.run(maker, "keyfile-make", sealed, private, keys, *PLACE, self.public(kind))
        genuine = pathlib.Path(sealed).read_bytes()

        for side in self.sides:
            for name, data in altered_images(genuine).items():
                bad = self.path("bad")
                pathlib.Path(bad).write_bytes(data)
                done = self.run(side, "open", bad, self.path("opened"), private)
                self.check(f"{side} refuses {name} image of {maker}", done.returncode == 1, "it opened")
            elsewhere = ["repository-id", "brake/firmware.img", "VIN-1", "ECU-8"]
            done = self.run(side, "keybox-open", sealed, box, private, *elsewhere, self.path("opened"))
            self.check(f"{side} refuses another ECU's box", done.returncode == 1, "it opened")
            done = self.run(side, "keyfile-open", sealed, keys, private, "repository-id", "other", self.path("opened"))
            self.check(f"{side} refuses another path's key file", done.returncode == 1, "it opened")


def altered_images(genuine):
    def flip(at):
        data = bytearray(genuine)
        data[at] ^= 1
        return bytes(data)

    return {
        "cut": genuine[:-1],
        "cut behind a chunk": genuine[: len(genuine) - (40_000 % 16_384) - 16],
        "longer": genuine + b"\0",
        "other magic": flip(0),
        "other version": flip(9),
        "other immutable part": flip(24),
        "flipped first chunk": flip(len(genuine) - 40_000),
        "flipped last byte": flip(len(genuine) - 1),
    }


def main(peer, keys=None):
    keys = pathlib.Path(keys) if keys else ENVELOPE / "tests" / "keys"
    with tempfile.TemporaryDirectory() as work:
        suite = Suite(peer, keys, pathlib.Path(work))
        for maker in suite.sides:
            for kind in KINDS:
                for size in SIZES:
                    suite.image(maker, size, kind, str(size))
                suite.image(maker, 20_000, kind, "unknown")
                suite.refusals(maker, kind)
        envelope_vectors.run(suite.check)
        suite.check("worked example of the specification", envelope_example.main() == 0, "see its table")
    print(f"{suite.passed} passed, {suite.failed} failed")
    return 0 if suite.passed and not suite.failed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
