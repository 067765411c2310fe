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

import hashlib
import hmac
import os
import sys

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from envelope_cbor import Refused, decode, encode, require
from envelope_stanzas import check_stanza, check_stanzas, find_and_open, make_stanza, private_key, public_key

CHUNK, SEALED_CHUNK = 16384, 16400
MAX_HEADER, MAX_KEY_FILE, MAX_KEY_BOX = 65536, 1 << 20, 4096
MAX_RECIPIENTS, MAX_KEY_FILE_RECIPIENTS = 256, 1024

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
