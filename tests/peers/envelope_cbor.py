"""Deterministic CBOR, the part of it that sealed images use (docs/spec/envelope-v1.md §2)."""


class Refused(Exception):
    """The input is not what the specification allows."""


def require(condition, what):
    if not condition:
        raise Refused(what)


def head(major, value):
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 24:
            return bytes([major << 5 | value])
        if value < 1 << 8 * size:
            return bytes([major << 5 | extra]) + value.to_bytes(size, "big")
    raise Refused("integer beyond 64 bits")


def encode(item):
    if item is None:
        return b"\xf6"
    if isinstance(item, int):
        return head(0, item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(encode, item))
    return head(5, len(item)) + b"".join(encode(k) + encode(v) for k, v in sorted(item.items()))


def decode(data):
    item, rest = decode_item(data, 0)
    require(not rest, "trailing bytes")
    require(encode(item) == data, "not deterministic CBOR")
    return item


def decode_item(data, depth):
    require(data and depth < 8, "CBOR ends early or is too deep")
    if data[0] == 0xF6:
        return None, data[1:]
    major, low = data[0] >> 5, data[0] & 31
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    require(low < 28 and len(data) > size and major <= 5 and major != 1, "CBOR item not of this format")
    value = int.from_bytes(data[1 : 1 + size], "big") if size else low
    data = data[1 + size :]
    if major == 0:
        return value, data
    if major in (2, 3):
        require(value <= len(data), "string ends early")
        text = data[:value]
        return (text if major == 2 else text.decode()), data[value:]
    require(value <= len(data), "more items than bytes")
    items = []
    for _ in range(value * (major - 3)):
        item, data = decode_item(data, depth + 1)
        items.append(item)
    if major == 4:
        return items, data
    pairs = dict(zip(items[::2], items[1::2]))
    require(len(pairs) == value, "duplicate key")
    return pairs, data
