//! Stanzas for RSA-OAEP: made here by the specification, so that each step can go wrong by itself.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _};
use hkdf::Hkdf;
use pkcs8::DecodePublicKey as _;
use rand_core::Rng as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{Oaep, Pkcs1v15Encrypt, RsaPublicKey};
use sealift_envelope::{Binding, KeyId, Wrap};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::cbor;
use super::forge::{Forge, key};
use super::seeded::Seeded;
use super::stanzas::flipped;
use super::vector::{Class, Identity, Vector};
use super::world::{CONTENT_KEY, World, sealed};
use crate::failure::Failure;

pub(super) fn all(world: &World) -> Result<Vec<Vector>, Failure> {
    let made = Maker::new(world)?;
    let mut vectors = vec![
        Vector::image(
            "rsa",
            "the one recipient, 3072 bits",
            sealed(b"x", &[&world.rsa])?,
        )
        .with(Identity::Rsa3072)
        .opens_to(b"x"),
        made.opens(
            "rsa-by-hand",
            "made from the specification alone",
            Oaep::<Sha256>::new(),
        )?,
    ];
    vectors.extend(made.paddings()?);
    vectors.extend(made.numbers()?);
    vectors.extend(made.ciphertexts()?);
    Ok(vectors)
}

/// What wraps for the RSA recipient.
struct Maker {
    public: RsaPublicKey,
    key_id: KeyId,
    forge: Forge,
}

impl Maker {
    fn new(world: &World) -> Result<Self, Failure> {
        let public = world.rsa.public();
        Ok(Self {
            public: RsaPublicKey::from_public_key_der(&public.to_spki_der())?,
            key_id: public.key_id(),
            forge: Forge::of(b"x"),
        })
    }

    /// OAEP or another padding with another secret.
    fn opens<P: rsa::traits::PaddingScheme>(
        &self,
        name: &str,
        comment: &str,
        padding: P,
    ) -> Result<Vector, Failure> {
        let secret = secret(name);
        let enc = self.encrypt(name, padding, &secret)?;
        Ok(self
            .image(name, comment, &enc, &self.wrap(&secret, &enc))
            .opens_to(b"x"))
    }

    fn encrypt<P: rsa::traits::PaddingScheme>(
        &self,
        seed: &str,
        padding: P,
        secret: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        Ok(self.public.encrypt(&mut Seeded::new(seed), padding, secret)?)
    }

    /// The content key under what follows from secret and encapsulation.
    fn wrap(&self, secret: &[u8], enc: &[u8]) -> Vec<u8> {
        let info = Binding::in_file().info(Wrap::RsaOaep, &self.key_id, &self.forge.digest());
        let mut okm = [0; 44];
        Hkdf::<Sha256>::new(Some(&Sha256::digest(enc)), secret)
            .expand(&info, &mut okm)
            .expect("44 bytes");
        let nonce: [u8; 12] = okm[32..].try_into().expect("12 bytes");
        let cipher = Aes256Gcm::new(&key(&okm[..32]));
        cipher
            .encrypt(&nonce.into(), &CONTENT_KEY[..])
            .expect("a key is short")
    }

    fn image(&self, name: &str, comment: &str, enc: &[u8], ciphertext: &[u8]) -> Vector {
        let list = [
            cbor::head(4, 1),
            cbor::head(4, 4),
            cbor::uint(2),
            cbor::bytes(self.key_id.as_bytes()),
            cbor::bytes(enc),
            cbor::bytes(ciphertext),
        ];
        let image = self.forge.clone().recipients(list.concat()).build();
        Vector::image(name, comment, image).with(Identity::Rsa3072)
    }

    fn refused(&self, name: &str, comment: &str, secret: &[u8], enc: &[u8]) -> Vector {
        self.image(name, comment, enc, &self.wrap(secret, enc))
            .fails(Class::Unwrap)
    }

    /// The right secret in another padding, and other secrets in the right one.
    fn paddings(&self) -> Result<Vec<Vector>, Failure> {
        let label = Oaep::<Sha256>::new_with_label("sealift".as_bytes());
        let mut vectors = vec![
            self.opens("rsa-oaep-sha1", "OAEP with SHA-1", Oaep::<Sha1>::new())?,
            self.opens(
                "rsa-oaep-mgf-sha1",
                "OAEP whose MGF1 uses SHA-1",
                Oaep::<Sha256, Sha1>::new_with_mgf_hash(),
            )?,
            self.opens("rsa-oaep-label", "OAEP with a label", label)?,
            self.opens("rsa-pkcs1", "PKCS #1 v1.5 padding", Pkcs1v15Encrypt)?,
        ];
        for vector in &mut vectors {
            *vector = vector.clone().fails(Class::Unwrap);
        }
        for len in [0, 31, 33] {
            let (name, comment) = (format!("rsa-secret-{len}"), format!("a secret of {len} bytes"));
            let secret = &[secret(&name), secret("more")].concat()[..len];
            let enc = self.encrypt(&name, Oaep::<Sha256>::new(), secret)?;
            vectors.push(self.refused(&name, &comment, secret, &enc));
        }
        let (name, comment) = (
            "rsa-bare-key",
            "the content key itself in OAEP, and as the secret",
        );
        let enc = self.encrypt(name, Oaep::<Sha256>::new(), &CONTENT_KEY)?;
        vectors.push(self.image(name, comment, &enc, &[0; 48]).fails(Class::Unwrap));
        Ok(vectors)
    }

    /// Encapsulations that are not the number that RSA gave. The wrapped key would open with the right secret.
    fn numbers(&self) -> Result<Vec<Vector>, Failure> {
        let modulus = self.public.n().to_be_bytes().to_vec();
        let find = |seed: &str, fits: &dyn Fn(&[u8]) -> Option<Vec<u8>>| {
            let tries = (0..100_000).map(|n| format!("{seed} {n}"));
            for seed in tries {
                let secret = secret(&seed);
                let enc = self.encrypt(&seed, Oaep::<Sha256>::new(), &secret)?;
                if let Some(enc) = fits(&enc) {
                    return Ok((secret, enc));
                }
            }
            Err(Failure::new(format!("no seed gives {seed}")))
        };
        let (above_secret, above) = find("above", &|enc| sum(enc, &modulus))?;
        let short = |enc: &[u8]| (enc[0] == 0).then(|| enc[1..].to_vec());
        let (short_secret, short) = find("short", &short)?;
        let (secret, enc) = find("plain", &|enc| Some(enc.to_vec()))?;
        let one = [&[0; 383][..], &[1]].concat();
        let padded = [&[0], &enc[..]].concat();
        let refused = |name, comment, secret: &[u8; 32], enc: &[u8]| self.refused(name, comment, secret, enc);
        Ok(vec![
            refused(
                "rsa-above-modulus",
                "the encapsulation and the modulus, added",
                &above_secret,
                &above,
            ),
            refused("rsa-modulus", "the modulus as encapsulation", &secret, &modulus),
            refused("rsa-zero", "zero as encapsulation", &secret, &[0; 384]),
            refused("rsa-one", "one as encapsulation", &secret, &one),
            refused(
                "rsa-padded",
                "a zero byte before the encapsulation",
                &secret,
                &padded,
            ),
            refused(
                "rsa-stripped",
                "the encapsulation without its leading zero byte",
                &short_secret,
                &short,
            ),
            refused(
                "rsa-altered",
                "a bit of the encapsulation is turned",
                &secret,
                &flipped(&enc, 200),
            ),
            refused(
                "rsa-2048-bits",
                "as long an encapsulation as RSA with 2048 bits has",
                &secret,
                &enc[..256],
            ),
        ])
    }

    /// The encapsulation is right, what it wraps is not.
    fn ciphertexts(&self) -> Result<Vec<Vector>, Failure> {
        let secret = secret("ciphertexts");
        let enc = self.encrypt("ciphertexts", Oaep::<Sha256>::new(), &secret)?;
        let good = self.wrap(&secret, &enc);
        let refused = |name, comment, ciphertext: &[u8]| {
            self.image(name, comment, &enc, ciphertext).fails(Class::Unwrap)
        };
        Ok(vec![
            refused(
                "rsa-ciphertext",
                "a bit of the wrapped key is turned",
                &flipped(&good, 0),
            ),
            refused("rsa-tag", "a bit of the tag is turned", &flipped(&good, 47)),
            refused(
                "rsa-unsalted",
                "HKDF without the digest of the encapsulation",
                &self.wrap(&secret, b""),
            ),
        ])
    }
}

fn secret(seed: &str) -> [u8; 32] {
    let mut secret = [0; 32];
    Seeded::new(format!("secret {seed}")).fill_bytes(&mut secret);
    secret
}

/// `a + b`, big-endian, where that takes no more bytes.
fn sum(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let mut sum = a.to_vec();
    let mut carry = 0;
    for (x, y) in sum.iter_mut().zip(b).rev() {
        let [high, low] = (u16::from(*x) + u16::from(*y) + carry).to_be_bytes();
        (*x, carry) = (low, u16::from(high));
    }
    (carry == 0).then_some(sum)
}
