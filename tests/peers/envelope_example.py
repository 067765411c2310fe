#!/usr/bin/env python3
"""The worked example of docs/spec/envelope-v1.md, derived again from the document alone, and printed as a table.

    envelope_example.py [--values]

It takes the sealed bytes, the private key and the content key from section 1 and derives every other value there with
HMAC-SHA-256, HMAC-SHA-512, SHA-256, one ECDH and AES-256-GCM: no HKDF, HPKE, CBOR or Cobblestone of any library, and
nothing of envelope_v1.py. With --values it prints the values in the form in which the document shows them.
Exit code 0 only if each is what the document says and the example opens.
"""

import hashlib
import hmac
import pathlib
import re
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SPEC = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "spec" / "envelope-v1.md"
KEM, HPKE, LABEL = b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x02", b"HPKE-v1"


def fenced(text, language):
    return re.search(rf"```{language}\n(.*?)```", text, re.DOTALL).group(1)


def shown_values(text):
    """`name  hex`, with more hex on indented lines."""
    values, name = {}, None
    for line in fenced(text, "values").splitlines():
        if not line.startswith(" "):
            name, line = re.split(r"  +", line, maxsplit=1)
            values[name] = ""
        values[name] += line.strip()
    return {name: bytes.fromhex(digits) for name, digits in values.items()}


def expand(key, info, length, digest):
    """HKDF-Expand (RFC 5869, section 2.3)."""
    out, block, number = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([number]), digest)
        out, number = out + block, number + 1
    return out[:length]


def labeled_extract(suite, salt, label, ikm):
    """RFC 9180, section 4."""
    return hmac.digest(salt or bytes(32), LABEL + suite + label + ikm, "sha256")


def labeled_expand(suite, prk, label, info, length):
    return expand(prk, length.to_bytes(2, "big") + LABEL + suite + label + info, length, "sha256")


def xor(nonce, number):
    return (int.from_bytes(nonce, "big") ^ number).to_bytes(12, "big")


def derive(image, private, content_key):
    """Every value by its name, in the order of the document; section numbers are its own."""
    values = {}
    # 3.1: the header
    immutable_end = 14 + int.from_bytes(image[10:14], "big")
    recipients = immutable_end + 4
    recipients_end = recipients + int.from_bytes(image[immutable_end:recipients], "big")
    context, salt = image[:immutable_end], image[recipients_end : recipients_end + 24]
    body = image[recipients_end + 56 :]
    values["context"] = context
    values["salt"] = salt
    values["content key"] = content_key
    # 4.1: the key schedule
    schedule = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    okm = expand(content_key, schedule, 76, "sha512")
    values["HKDF info"] = schedule
    values["chunk key"], values["base nonce"], commitment = okm[:32], okm[32:44], okm[44:]
    values["commitment"] = commitment
    # 4.4
    envelope_digest = hashlib.sha256(context + salt + commitment).digest()
    values["envelope digest"] = envelope_digest
    # 5: one stanza, whose lengths are those of a P-256 recipient
    spki = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key_id = hashlib.sha256(spki).digest()
    values["key id"] = key_id
    point = recipients + 5 + 32 + 2
    assert image[recipients : recipients + 5] == b"\x81\x84\x01\x58\x20", "one stanza of type 1"
    assert image[recipients + 5 : point] == key_id + b"\x58\x41", "the key id, then 65 bytes"
    enc, wrapped = image[point : point + 65], image[point + 67 : point + 67 + 48]
    # 5.1
    info = b"sealift.v1/in-file\0" + b"\x87\x01\x58\x20" + key_id + b"\x58\x20" + envelope_digest + b"\xf6" * 4
    values["info string"] = info
    values["encapsulation"] = enc
    values["wrapped key"] = wrapped
    # 5.2: RFC 9180, sections 4.1 and 5.1
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), enc)
    shared_x = private.exchange(ec.ECDH(), theirs)
    values["ECDH"] = shared_x
    eae_prk = labeled_extract(KEM, b"", b"eae_prk", shared_x)
    shared_secret = labeled_expand(KEM, eae_prk, b"shared_secret", enc + spki[-65:], 32)
    values["shared secret"] = shared_secret
    hashes = [labeled_extract(HPKE, b"", label, ikm) for label, ikm in ((b"psk_id_hash", b""), (b"info_hash", info))]
    schedule_context = b"\0" + b"".join(hashes)
    secret = labeled_extract(HPKE, shared_secret, b"secret", b"")
    values["HPKE key"] = labeled_expand(HPKE, secret, b"key", schedule_context, 32)
    values["HPKE nonce"] = labeled_expand(HPKE, secret, b"base_nonce", schedule_context, 12)
    # 4.5
    values["nonce of chunk 0"] = xor(okm[32:44], 0)
    values["nonce of chunk 1"] = xor(okm[32:44], 1)
    values["last nonce"] = xor(okm[32:44], 2**38 - 1)
    values["chunk 0"] = body

    assert commitment == image[recipients_end + 24 : recipients_end + 56], "4.3: the commitment"
    unwrapped = AESGCM(values["HPKE key"]).decrypt(values["HPKE nonce"], wrapped, None)
    assert unwrapped == content_key, "5.2: the wrapped key is the content key"
    plain = AESGCM(values["chunk key"]).decrypt(values["nonce of chunk 0"], body, None)
    assert plain == b"hello, sealift", "4.5: the plaintext"
    return values


def lines(name, value):
    """As the document shows a value."""
    digits = value.hex()
    parts = [digits[at : at + 64] for at in range(0, len(digits), 64)]
    return "\n".join(f"{name if not at else '':<18}{part}" for at, part in enumerate(parts))


def main(option=None):
    text = SPEC.read_text()
    image = bytes.fromhex(fenced(text, "hex"))
    pem = re.search(r"-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----\n", text, re.DOTALL).group(0)
    private = serialization.load_pem_private_key(pem.encode(), None)
    values = derive(image, private, bytes(range(32)))
    if option == "--values":
        print("\n".join(lines(name, value) for name, value in values.items()))
        return 0
    shown = shown_values(text)
    differ = [name for name in {*shown, *values} if shown.get(name) != values.get(name)]
    print("| value | bytes | starts with | as shown |\n|---|---|---|---|")
    for name, value in values.items():
        print(f"| {name} | {len(value)} | `{value[:8].hex()}` | {'no' if name in differ else 'yes'} |")
    print(f"{len(values) - len(differ)} passed, {len(differ)} failed")
    return 1 if differ or not values else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
