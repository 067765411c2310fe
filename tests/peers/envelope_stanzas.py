"""Recipients: their keys, and content keys wrapped for them (docs/spec/envelope-v1.md §5)."""

import hashlib
import os
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from envelope_cbor import Refused, encode, require
from envelope_x_wing import PKCS8, SPKI, XWingPrivate, XWingPublic, require_order, x_wing_of

HPKE_P256, RSA_OAEP, X_WING = 1, 2, 3
SUITES = {wrap: Suite(kem, KDF.HKDF_SHA256, AEAD.AES_256_GCM) for wrap, kem in ((1, KEM.P256), (3, KEM.MLKEM768_X25519))}
ENC_LEN = {HPKE_P256: range(65, 66), RSA_OAEP: range(256, 1025), X_WING: range(1120, 1121)}
OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


class NotARecipient(Refused):
    """The key is in no stanza; nothing was tried."""


def private_key(path):
    pem = pathlib.Path(path).read_bytes()
    seed = x_wing_of(pem, PKCS8)
    return XWingPrivate(seed) if seed else serialization.load_pem_private_key(pem, None)


def public_key(path):
    pem = pathlib.Path(path).read_bytes()
    raw = x_wing_of(pem, SPKI)
    return XWingPublic(raw) if raw else serialization.load_pem_public_key(pem)


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
