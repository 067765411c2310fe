#!/usr/bin/env python3
"""The committed vectors of the sealed image through the second implementation.

    envelope_vectors.py [DIRECTORY]

DIRECTORY holds `*.vec` files (default: envelope/testdata); its README says what is in one. Each is read as a stream and at
random, and both must end in the class that the vector names, with the released bytes that it states.
Prints `N passed, M failed`; exit code 0 only if M is 0 and N is at least FLOOR.
"""

import hashlib
import pathlib
import sys
import zlib

import envelope_stanzas
import envelope_v1
from envelope_cbor import require
from envelope_segments import SegmentList

ENVELOPE = pathlib.Path(__file__).resolve().parent.parent.parent / "envelope"
FLOOR = 370


class Ended(Exception):
    """Reading ended in a failure of a named class."""

    def __init__(self, name, cause):
        super().__init__(f"{name}: {type(cause).__name__}: {cause}")
        self.name = name


def stage(name, step, *args):
    """Whatever goes wrong in `step` is a failure of class `name`, except that a key without a stanza is its own class."""
    try:
        return step(*args)
    except envelope_stanzas.NotARecipient as cause:
        raise Ended("no-recipient", cause) from cause
    except Exception as cause:  # each library has its own errors
        raise Ended(name, cause) from cause


def plaintext(length):
    """The bytes that most vectors are about; the README says how they are made."""
    return bytes((i * 0x9E3779B97F4A7C15 & (1 << 64) - 1) >> 56 for i in range(length))


class Vector:
    """One file: text header, empty line, body."""

    def __init__(self, path):
        head, self.body = path.read_bytes().split(b"\n\n", 1)
        self.name = path.stem
        self.fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        if "compressed" in self.fields:
            assert self.fields["compressed"] == "zlib", self.name
            self.body = zlib.decompress(self.body)

    def key(self):
        return envelope_stanzas.private_key(ENVELOPE / "tests" / "keys" / f"{self.fields['identity']}.pem")

    def place(self):
        return [self.fields[name] for name in ("path", "repository", "vehicle", "ecu") if name in self.fields]

    def content_key(self, stanzas, digest, purpose):
        if "content-key" in self.fields:
            return bytes.fromhex(self.fields["content-key"])
        find = envelope_stanzas.find_and_open
        return stage("unwrap", find, stanzas, self.key(), digest, purpose, *self.place())

    def readers(self):
        kinds = {
            "image": [self.stream, self.at_random],
            "key-file": [self.key_file],
            "key-box": [self.key_box],
            "segment-list": [self.segment_list],
        }
        return kinds[self.fields["kind"]]

    def stream(self, released):
        image = stage("header", envelope_v1.Image, self.body)
        key = self.content_key(image.stanzas, image.digest, "in-file")
        chunks = stage("commitment", image.chunks, key)
        stage("payload", released.extend, chunks)

    def at_random(self, released):
        image = stage("header", envelope_v1.Image, self.body)
        key = self.content_key(image.stanzas, image.digest, "in-file")
        keys = stage("commitment", image.keys, key)
        count = stage("payload", image.authentic_count, keys)
        failure = None
        for k in range(count):
            try:
                released.append(stage("payload", image.chunk, keys, k))
            except Ended as ended:
                failure = failure or ended
        if failure:
            raise failure

    def key_file(self, released):
        digest, stanzas = stage("header", envelope_v1.read_key_file, self.body)
        released.append(self.content_key(stanzas, digest, "key-file"))

    def key_box(self, released):
        digest, stanza = stage("header", envelope_v1.read_key_box, self.body)
        released.append(self.content_key([stanza], digest, "key-box"))

    def segment_list(self, released):
        size, length = (int(self.fields[name]) for name in ("segment-size", "object-length"))
        segments = stage("header", SegmentList, self.body, self.fields["algorithm"], size, length)
        received = plaintext(int(self.fields["received-length"]))
        refused = []
        for k in range(max(len(segments.digests), -(-len(received) // size))):
            segment = received[k * size : (k + 1) * size]
            (released if segments.check(k, segment) else refused).append(segment)
        stage("segment", require, not refused, "a segment does not match")

    def expected(self, reader):
        at_random = reader.__name__ == "at_random" and self.fields["expect"] == "payload"
        what = "random-access" if at_random else "released"
        return self.fields["expect"], int(self.fields[f"{what}-length"]), self.fields[f"{what}-sha256"]


def ending(reader):
    """Class, length and SHA-256 of what was released, and why."""
    released, name, why = [], "success", ""
    try:
        reader(released)
    except Ended as ended:
        name, why = ended.name, str(ended)
    plain = b"".join(released)
    return (name, len(plain), hashlib.sha256(plain).hexdigest()), why


def run(check, directory=None):
    """Calls `check(what, whether it holds, detail)` for every vector and reader; gives back how many vectors there are."""
    paths = sorted(pathlib.Path(directory or ENVELOPE / "testdata").glob("*.vec"))
    for path in paths:
        vector = Vector(path)
        for reader in vector.readers():
            found, why = ending(reader)
            expected = vector.expected(reader)
            check(f"vector {vector.name}, {reader.__name__}", found == expected, f"{expected} but {found} {why}")
    check(f"there are {FLOOR} vectors or more", len(paths) >= FLOOR, f"{len(paths)} in the directory")
    return len(paths)


def main(directory=None):
    tally = {True: 0, False: 0}

    def check(what, holds, detail):
        tally[bool(holds)] += 1
        if not holds:
            print(f"FAILED: {what}\n{detail}")

    run(check, directory)
    print(f"{tally[True]} passed, {tally[False]} failed")
    return 0 if tally[True] and not tally[False] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
