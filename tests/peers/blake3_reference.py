"""BLAKE3 with 32 bytes of output, straight from its specification (§2 of the paper). Slow: it is here to be compared with."""

MASK = 0xFFFFFFFF
IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
CHUNK, BLOCK = 1024, 64


def quarter(v, a, b, c, d, x, y):
    for word, first, second in ((x, 16, 12), (y, 8, 7)):
        v[a] = v[a] + v[b] + word & MASK
        w = v[d] ^ v[a]
        v[d] = w >> first | w << 32 - first & MASK
        v[c] = v[c] + v[d] & MASK
        w = v[b] ^ v[c]
        v[b] = w >> second | w << 32 - second & MASK


def words(block):
    block += bytes(BLOCK - len(block))
    return [int.from_bytes(block[i : i + 4], "little") for i in range(0, BLOCK, 4)]


def compress(chaining, m, length, counter, flags):
    v = [*chaining, *IV[:4], counter & MASK, counter >> 32, length, flags]
    for _ in range(7):
        for i in range(4):
            quarter(v, i, i + 4, i + 8, i + 12, m[2 * i], m[2 * i + 1])
        for i in range(4):
            quarter(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
        m = [m[i] for i in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)]


def chunk_value(data, counter, root):
    chaining, blocks = IV, [data[i : i + BLOCK] for i in range(0, len(data), BLOCK)] or [b""]
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        flags = CHUNK_START * (i == 0) | CHUNK_END * last | ROOT * (root and last)
        chaining = compress(chaining, words(block), len(block), counter, flags)
    return chaining


def tree_value(data, counter, root):
    if len(data) <= CHUNK:
        return chunk_value(data, counter, root)
    left = CHUNK
    while left * 2 < len(data):
        left *= 2
    children = tree_value(data[:left], counter, False) + tree_value(data[left:], counter + left // CHUNK, False)
    return compress(IV, children, BLOCK, 0, PARENT | ROOT * root)


def blake3(data):
    return b"".join(word.to_bytes(4, "little") for word in tree_value(data, 0, True))
