"""Segment lists (docs/spec/envelope-v1.md §8)."""

import functools
import hashlib

from blake3_reference import blake3
from envelope_cbor import require

MAX_LIST, DIGEST = 8 << 20, 32
# The same few segments come in many vectors, and BLAKE3 is slow here.
ALGORITHMS = {"blake3": functools.cache(blake3), "sha256": lambda data: hashlib.sha256(data).digest()}


class SegmentList:
    """A list of digests, and what signed metadata says of it."""

    def __init__(self, data, algorithm, size, object_length):
        require(algorithm in ALGORITHMS, "algorithm")
        require(size.bit_count() == 1 and 1 << 16 <= size <= 1 << 26, "segment size")
        require(len(data) <= MAX_LIST and len(data) == -(-object_length // size) * DIGEST, "length of the list")
        self.hash, self.size, self.object_length = ALGORITHMS[algorithm], size, object_length
        self.digests = [data[i : i + DIGEST] for i in range(0, len(data), DIGEST)]

    def check(self, index, segment):
        """Whether these bytes are segment `index`: of its length and digest."""
        if index >= len(self.digests):
            return False
        length = min(self.size, self.object_length - index * self.size)
        return len(segment) == length and self.hash(segment) == self.digests[index]
