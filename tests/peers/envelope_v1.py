#!/usr/bin/env python3
"""A second implementation of sealed image, version 1, written from docs/spec/envelope-v1.md.

It needs PyPI `cryptography>=50` and nothing else, and holds the whole image in memory: it is here to be compared with.

    envelope_v1.py seal IMAGE SEALED LENGTH|unknown RECIPIENT.pem...
    envelope_v1.py open SEALED PLAIN PRIVATE.pem
    envelope_v1.py keyfile-make SEALED PRIVATE.pem KEYS REPOSITORY PATH RECIPIENT.pem...
    envelope_v1.py keyfile-open SEALED KEYS PRIVATE.pem REPOSITORY PATH PLAIN
    envelope_v1.py keybox-make SEALED PRIVATE.pem BOX REPOSITORY PATH VEHICLE ECU RECIPIENT.pem
    envelope_v1.py keybox-open SEALED BOX PRIVATE.pem REPOSITORY PATH VEHICLE ECU PLAIN

Exit code 0 on success, 1 on any failure.
"""

import base64
import hashlib
import hmac
import os
import sys

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HPKE_P256, RSA_OAEP, X_WING = 1, 2, 3
CHUNK, SEALED_CHUNK = 16384, 16400
MAX_HEADER, MAX_KEY_FILE, MAX_KEY_BOX = 65536, 1 << 20, 4096
MAX_RECIPIENTS, MAX_KEY_FILE_RECIPIENTS = 256, 1024
SUITES = {wrap: Suite(kem, KDF.HKDF_SHA256, AEAD.AES_256_GCM) for wrap, kem in ((1, KEM.P256), (3, KEM.MLKEM768_X25519))}
ENC_LEN = {HPKE_P256: range(65, 66), RSA_OAEP: range(256, 1025), X_WING: range(1120, 1121)}
OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


class Refused(Exception):
    """The input is not what the specification allows."""


class NotARecipient(Refused):
    """The key is in no stanza; nothing was tried."""


def require(condition, what):
    if not condition:
        raise Refused(what)


# --- §2: deterministic CBOR, the part of it that the format uses ---


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


# --- §5.2: X-Wing keys, which the library knows as two halves ---

X_WING_SPKI = bytes.fromhex("308204d4300d060b2b0601040183e62d81c87a038204c100")
X_WING_PKCS8 = bytes.fromhex("3034020100300d060b2b0601040183e62d81c87a0420")


class XWingPublic:
    def __init__(self, raw):
        self.raw = raw
        halves = mlkem.MLKEM768PublicKey.from_public_bytes(raw[:1184]), x25519.X25519PublicKey.from_public_bytes(raw[1184:])
        require_order(raw[1184:])
        self.key = MLKEM768X25519PublicKey(*halves)


class XWingPrivate:
    def __init__(self, seed):
        expanded = hashlib.shake_256(seed).digest(96)
        self.halves = (
            mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
            x25519.X25519PrivateKey.from_private_bytes(expanded[64:]),
        )
        self.key = MLKEM768X25519PrivateKey(*self.halves)

    def public_key(self):
        return XWingPublic(b"".join(half.public_key().public_bytes_raw() for half in self.halves))


def require_order(point):
    any_key = x25519.X25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    any_key.exchange(x25519.X25519PublicKey.from_public_bytes(point))  # raises where the secret is zero


def x_wing_of(pem, head):
    der = base64.b64decode(b"".join(line for line in pem.splitlines() if not line.startswith(b"--")))
    return der[len(head) :] if der.startswith(head) else None


# --- §5: recipients ---


def wrap_of(public):
    if isinstance(public, XWingPublic):
        return X_WING
    if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        return HPKE_P256
    require(isinstance(public, rsa.RSAPublicKey) and public.key_size >= 3072, "unsupported key")
    return RSA_OAEP


def key_id(public):
    if isinstance(public, XWingPublic):
        return hashlib.sha256(b"X-Wing" + public.raw).digest()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def info_string(purpose, wrap, kid, digest, path=None, repository=None, vehicle=None, ecu=None):
    fields = [wrap, kid, digest, path, repository, vehicle, ecu]
    return b"sealift.v1/" + purpose.encode() + b"\0" + encode(fields)


def rsa_schedule(secret, enc, info):
    salt = hashlib.sha256(enc).digest()
    okm = HKDF(hashes.SHA256(), 44, salt, info).derive(secret)
    return AESGCM(okm[:32]), okm[32:]


def make_stanza(content_key, public, digest, purpose, *place):
    wrap, kid = wrap_of(public), key_id(public)
    info = info_string(purpose, wrap, kid, digest, *place)
    if wrap in SUITES:
        sealed = SUITES[wrap].encrypt(content_key, public.key if wrap == X_WING else public, info)
        return [wrap, kid, sealed[:-48], sealed[-48:]]
    secret = os.urandom(32)
    enc = public.encrypt(secret, OAEP)
    cipher, nonce = rsa_schedule(secret, enc, info)
    return [wrap, kid, enc, cipher.encrypt(nonce, content_key, None)]


def open_stanza(stanza, private, digest, purpose, *place):
    wrap, kid, enc, ciphertext = stanza
    info = info_string(purpose, wrap, kid, digest, *place)
    if wrap == X_WING:
        require_order(enc[1088:])
    if wrap in SUITES:
        return SUITES[wrap].decrypt(enc + ciphertext, private.key if wrap == X_WING else private, info)
    secret = private.decrypt(enc, OAEP)
    require(len(secret) == 32, "length of the secret")
    cipher, nonce = rsa_schedule(secret, enc, info)
    return cipher.decrypt(nonce, ciphertext, None)


def check_stanzas(stanzas, cap):
    require(isinstance(stanzas, list) and len(stanzas) <= cap, "recipients")
    for stanza in stanzas:
        check_stanza(stanza)
    require(len({s[1] for s in stanzas}) == len(stanzas), "duplicate recipient")


def check_stanza(stanza):
    require(isinstance(stanza, list) and len(stanza) == 4, "stanza")
    wrap, kid, enc, ciphertext = stanza
    require(isinstance(wrap, int) and wrap in ENC_LEN, "recipient type")
    require(all(isinstance(x, bytes) for x in (kid, enc, ciphertext)), "stanza types")
    require(len(kid) == 32 and len(ciphertext) == 48, "stanza lengths")
    require(len(enc) in ENC_LEN[wrap], "encapsulation length")


def find_and_open(stanzas, private, digest, purpose, *place):
    mine = [s for s in stanzas if s[1] == key_id(private.public_key())]
    if not mine:
        raise NotARecipient("key not among the recipients")
    return open_stanza(mine[0], private, digest, purpose, *place)


# --- §3, §4: the image ---


def seal(plain, length, recipients):
    immutable = encode({1: 1, 2: length, 3: "application/octet-stream", 4: os.urandom(16)})
    context = b"SEALIFT\0" + (1).to_bytes(2, "big") + len(immutable).to_bytes(4, "big") + immutable
    content_key = Cobblestone256Encryptor.generate_key()
    encryptor = Cobblestone256Encryptor(content_key, context)
    message = encryptor.update(plain) + encryptor.finalize()
    digest = hashlib.sha256(context + message[:56]).digest()
    stanzas = encode([make_stanza(content_key, public, digest, "in-file") for public in recipients])
    header = context + len(stanzas).to_bytes(4, "big") + stanzas + message[:56]
    require(len(header) <= MAX_HEADER, "header too large")
    return header + message[56:]


class Image:
    """A parsed sealed image."""

    def __init__(self, data):
        require(data[:8] == b"SEALIFT\0" and len(data) >= 14, "magic")
        require(data[8:10] == b"\0\x01", "version")
        context_len = 14 + int.from_bytes(data[10:14], "big")
        require(context_len + 4 + 56 <= MAX_HEADER and len(data) >= context_len + 4, "header length")
        stanzas_end = context_len + 4 + int.from_bytes(data[context_len : context_len + 4], "big")
        require(stanzas_end + 56 <= MAX_HEADER and len(data) >= stanzas_end + 56, "header length")
        self.context, self.message = data[:context_len], data[stanzas_end:]
        immutable = decode(data[14:context_len])
        require(isinstance(immutable, dict) and list(immutable) == [1, 2, 3, 4] and immutable[1] == 1, "suite")
        self.length = immutable[2]
        require(self.length is None or self.length < 1 << 52, "plaintext length")
        require(isinstance(immutable[3], str) and len(immutable[3]) <= 255, "media type")
        require(all(" " <= c <= "~" for c in immutable[3]), "media type")
        require(isinstance(immutable[4], bytes) and len(immutable[4]) == 16, "envelope id")
        self.stanzas = decode(data[context_len + 4 : stanzas_end])
        check_stanzas(self.stanzas, MAX_RECIPIENTS)
        self.digest = hashlib.sha256(self.context + self.message[:56]).digest()

    def open(self, content_key):
        return b"".join(self.chunks(content_key))

    def chunks(self, content_key):
        """Checks the commitment, then gives the chunks one by one as they are found genuine (§4.5)."""
        decryptor = Cobblestone256Decryptor(content_key, self.context)
        decryptor.update(self.message[:56])
        return self.chunks_of(decryptor)

    def chunks_of(self, decryptor):
        length, whole = 0, (len(self.message) - 56) // SEALED_CHUNK
        for k in range(whole):
            require(self.length is None or length + CHUNK <= self.length, "longer than announced")
            yield decryptor.update(self.message[56 + k * SEALED_CHUNK :][:SEALED_CHUNK])
            length += CHUNK
        last = decryptor.update(self.message[56 + whole * SEALED_CHUNK :]) + decryptor.finalize()
        require(self.length in (None, length + len(last)), "plaintext length")
        yield last

    # Random access (§4.6). The library has none, so the keys are derived here, by §4.1.

    def keys(self, content_key):
        info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + self.message[:24] + self.context
        first = hmac.digest(content_key, info + b"\1", "sha512")
        okm = first + hmac.digest(content_key, first + info + b"\2", "sha512")
        require(hmac.compare_digest(okm[44:76], self.message[24:56]), "commitment")
        return AESGCM(okm[:32]), int.from_bytes(okm[32:44], "big")

    def chunk(self, keys, k):
        cipher, base_nonce = keys
        sealed = self.message[56 + k * SEALED_CHUNK :][:SEALED_CHUNK]
        return cipher.decrypt((base_nonce ^ k).to_bytes(12, "big"), sealed, None)

    def authentic_count(self, keys):
        """How many chunks there are, after the last one was opened."""
        whole, rest = divmod(len(self.message) - 56, SEALED_CHUNK)
        require(rest >= 16, "no last chunk")
        require(self.length in (None, whole * CHUNK + len(self.chunk(keys, whole))), "plaintext length")
        return whole + 1


# --- §6, §7: key file and key box ---


def write_key_file(digest, stanzas):
    body = encode({1: digest, 2: stanzas})
    return b"SEALKEY\0" + (1).to_bytes(2, "big") + len(body).to_bytes(4, "big") + body


def read_key_file(data):
    require(len(data) <= MAX_KEY_FILE and data[:10] == b"SEALKEY\0\0\x01", "key file")
    require(int.from_bytes(data[10:14], "big") == len(data) - 14, "key file length")
    body = decode(data[14:])
    require(isinstance(body, dict) and list(body) == [1, 2], "key file fields")
    check_digest(body[1])
    check_stanzas(body[2], MAX_KEY_FILE_RECIPIENTS)
    return body[1], body[2]


def read_key_box(data):
    require(len(data) <= MAX_KEY_BOX, "key box length")
    body = decode(data)
    require(isinstance(body, dict) and list(body) == [1, 2], "key box fields")
    check_digest(body[1])
    check_stanza(body[2])
    return body[1], body[2]


def check_digest(digest):
    require(isinstance(digest, bytes) and len(digest) == 32, "envelope digest")


# --- command line ---


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def private_key(path):
    seed = x_wing_of(read(path), X_WING_PKCS8)
    return XWingPrivate(seed) if seed else serialization.load_pem_private_key(read(path), None)


def public_key(path):
    raw = x_wing_of(read(path), X_WING_SPKI)
    return XWingPublic(raw) if raw else serialization.load_pem_public_key(read(path))


def main(command, *args):
    if command == "seal":
        source, out, length, *recipients = args
        length = None if length == "unknown" else int(length)
        write(out, seal(read(source), length, [public_key(r) for r in recipients]))
    elif command == "open":
        sealed, out, key = args
        image = Image(read(sealed))
        write(out, image.open(find_and_open(image.stanzas, private_key(key), image.digest, "in-file")))
    elif command in ("keyfile-make", "keybox-make"):
        sealed, key, out, repository, path, *rest = args
        image = Image(read(sealed))
        content_key = find_and_open(image.stanzas, private_key(key), image.digest, "in-file")
        if command == "keyfile-make":
            place = ("key-file", path, repository)
            stanzas = [make_stanza(content_key, public_key(r), image.digest, *place) for r in rest]
            write(out, write_key_file(image.digest, stanzas))
        else:
            vehicle, ecu, recipient = rest
            place = ("key-box", path, repository, vehicle, ecu)
            stanza = make_stanza(content_key, public_key(recipient), image.digest, *place)
            write(out, encode({1: image.digest, 2: stanza}))
    elif command == "keyfile-open":
        sealed, keys, key, repository, path, out = args
        digest, stanzas = read_key_file(read(keys))
        content_key = find_and_open(stanzas, private_key(key), digest, "key-file", path, repository)
        write(out, Image(read(sealed)).open(content_key))
    elif command == "keybox-open":
        sealed, box, key, repository, path, vehicle, ecu, out = args
        digest, stanza = read_key_box(read(box))
        place = ("key-box", path, repository, vehicle, ecu)
        write(out, Image(read(sealed)).open(find_and_open([stanza], private_key(key), digest, *place)))
    else:
        raise Refused("unknown command")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:  # one exit code for every failure, whatever the library calls it
        print(f"envelope_v1: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
