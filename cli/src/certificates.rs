//! X.509 for the set-up that `sealift ca` and `sealift vehicle provision` make: ECDSA P-256 throughout.

use std::net::IpAddr;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use sealift_metadata::ids::VehicleId;
use sealift_wire::paths;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::failure::{Failure, Fault};
use crate::passphrase::{Passphrase, Unlock};
use crate::world::SystemRng;
use crate::{World, demo, keys};

/// First and last day of a certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    first: Date,
    last: Date,
}

impl Lifetime {
    /// From the day before `now` (clocks differ) for `days` days.
    pub(crate) fn from(now: jiff::Timestamp, days: u16) -> Result<Self, Failure> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let far = |error| Failure::usage("the certificate would expire too far in the future").because(error);
        let first = today.checked_sub(jiff::Span::new().days(1)).map_err(far)?;
        let last = today
            .checked_add(jiff::Span::new().days(i64::from(days)))
            .map_err(far)?;
        Ok(Self { first, last })
    }

    fn apply(self, params: &mut CertificateParams) {
        let day = |date: Date| {
            rcgen::date_time_ymd(
                date.year().into(),
                date.month().unsigned_abs(),
                date.day().unsigned_abs(),
            )
        };
        params.not_before = day(self.first);
        params.not_after = day(self.last);
    }
}

/// Whom a certificate names.
#[derive(Debug)]
pub(crate) enum Subject<'a> {
    /// A TLS server by DNS names and addresses.
    Server {
        /// DNS names.
        names: &'a [String],
        /// IP addresses.
        addresses: &'a [IpAddr],
    },
    /// A vehicle by its URN.
    Vehicle {
        /// Vehicle id.
        id: &'a VehicleId,
    },
}

/// A fresh key and its certificate.
pub(crate) struct Issued {
    /// The certificate alone; whoever checks it has the authority's.
    pub(crate) certificate_pem: String,
    /// PKCS#8, unencrypted.
    pub(crate) key_pem: Zeroizing<String>,
}

/// A certificate authority with its private key.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

impl Authority {
    /// Makes a new self-signed authority.
    pub(crate) fn create(name: &str, lifetime: Lifetime) -> Result<Self, Failure> {
        let key = new_key()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        lifetime.apply(&mut params);
        let certificate = params
            .self_signed(&key)
            .map_err(|error| failed("make the authority", error))?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate_pem: certificate.pem(),
        })
    }

    /// Loads certificate and key, the key encrypted or not.
    pub(crate) fn load(
        world: &World,
        certificate: &Path,
        key: &Path,
        unlock: &Unlock,
    ) -> Result<Self, Failure> {
        let certificate_pem = keys::certificates(world, certificate)?;
        let key_pem = keys::Named::of(key)?.pem()?;
        let der = decrypted(&key_pem, key, unlock)?;
        let bad_key = |error| {
            Failure::new(Fault::Key, format!("{} is no usable CA key", key.display()))
                .because(error)
                .next("use the ca.key.pem that belongs to the certificate")
        };
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(der.as_slice()),
            &PKCS_ECDSA_P256_SHA256,
        )
        .map_err(bad_key)?;
        let id = hex::encode(Sha256::digest(pair.subject_public_key_info()));
        demo::refuse(world, key, [id.as_str()])?;
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, pair).map_err(|error| {
            Failure::refused(format!("{} is no CA certificate", certificate.display())).because(error)
        })?;
        Ok(Self {
            issuer,
            certificate_pem,
        })
    }

    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key as PKCS#8 PEM, encrypted when a passphrase is given.
    pub(crate) fn key_pem(
        &self,
        passphrase: Option<&Passphrase>,
        rng: &mut SystemRng,
    ) -> Result<Zeroizing<String>, Failure> {
        let Some(passphrase) = passphrase else {
            return Ok(Zeroizing::new(self.issuer.key().serialize_pem()));
        };
        let der = Zeroizing::new(self.issuer.key().serialize_der());
        let encrypted = PrivateKeyInfoRef::try_from(der.as_slice())
            .and_then(|info| info.encrypt_with_rng(rng, passphrase.as_bytes()))
            .map_err(|error| Failure::new(Fault::Key, "cannot encrypt the CA key").because(error))?;
        encrypted
            .to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF)
            .map_err(|error| Failure::new(Fault::Key, "cannot write the CA key as PEM").because(error))
    }

    /// Makes a key and a certificate for it.
    pub(crate) fn issue(&self, subject: &Subject<'_>, lifetime: Lifetime) -> Result<Issued, Failure> {
        let key = new_key()?;
        let mut params = CertificateParams::default();
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        lifetime.apply(&mut params);
        match subject {
            Subject::Server { names, addresses } => {
                let common = names
                    .first()
                    .cloned()
                    .or_else(|| addresses.first().map(ToString::to_string));
                params
                    .distinguished_name
                    .push(DnType::CommonName, common.unwrap_or_default());
                for name in *names {
                    let name = name
                        .as_str()
                        .try_into()
                        .map_err(|error| Failure::usage(format!("{name:?} is no DNS name")).because(error))?;
                    params.subject_alt_names.push(SanType::DnsName(name));
                }
                params
                    .subject_alt_names
                    .extend(addresses.iter().copied().map(SanType::IpAddress));
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }
            Subject::Vehicle { id } => {
                params.distinguished_name.push(DnType::CommonName, id.as_str());
                let urn = paths::vehicle_urn(id.as_str())
                    .as_str()
                    .try_into()
                    .map_err(|error| {
                        Failure::usage("the vehicle id cannot be part of a URI").because(error)
                    })?;
                params.subject_alt_names.push(SanType::URI(urn));
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }
        }
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(|error| failed("issue the certificate", error))?;
        Ok(Issued {
            certificate_pem: certificate.pem(),
            key_pem: Zeroizing::new(key.serialize_pem()),
        })
    }
}

fn new_key() -> Result<KeyPair, Failure> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| failed("make a key", error))
}

fn failed(verb: &str, error: rcgen::Error) -> Failure {
    Failure::new(Fault::Other, format!("cannot {verb}")).because(error)
}

fn decrypted(pem: &str, path: &Path, unlock: &Unlock) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unreadable = || {
        Failure::new(Fault::Key, format!("{} is no PKCS#8 private key", path.display()))
            .next("convert it with `openssl pkcs8 -topk8`")
    };
    let (label, document) =
        pkcs8::SecretDocument::from_pem(pem).map_err(|error| unreadable().because(error))?;
    if label != "ENCRYPTED PRIVATE KEY" {
        return Ok(Zeroizing::new(document.as_bytes().to_vec()));
    }
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
        .map_err(|error| unreadable().because(error))?;
    keys::try_passphrases(path, unlock, |passphrase| {
        encrypted
            .decrypt(passphrase)
            .map(|plain| Zeroizing::new(plain.as_bytes().to_vec()))
    })
}
