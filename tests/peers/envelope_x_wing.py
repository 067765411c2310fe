"""X-Wing keys, which the library knows as two halves (docs/spec/envelope-v1.md §5.2)."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

SPKI = bytes.fromhex("308204d4300d060b2b0601040183e62d81c87a038204c100")
PKCS8 = bytes.fromhex("3034020100300d060b2b0601040183e62d81c87a0420")


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
