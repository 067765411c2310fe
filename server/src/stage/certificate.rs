//! Client certificates: which vehicle one names, and which key it holds.

use super::{Stage, StageError};
use sealift_metadata::VehicleId;
use sealift_wire::{ProblemKind, VehicleState, paths};
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a certificate says, once its chain is verified. Nothing here is believed before the inventory agrees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    claim: Result<Claim, &'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    vehicle: VehicleId,
    key_id: String,
}

impl PeerCertificate {
    /// Reads a certificate (DER). One that names no vehicle is kept as such, so that its holder is told why.
    pub fn from_der(der: &[u8]) -> Self {
        Self { claim: claim(der) }
    }

    /// The vehicle that it names and the lower-hex SHA-256 of its SPKI, or why it names none.
    ///
    /// # Errors
    /// A sentence about the certificate.
    pub fn vehicle(&self) -> Result<(&VehicleId, &str), &'static str> {
        self.claim
            .as_ref()
            .map(|claim| (&claim.vehicle, claim.key_id.as_str()))
            .map_err(|why| *why)
    }
}

fn claim(der: &[u8]) -> Result<Claim, &'static str> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| "the certificate cannot be read")?;
    if !rest.is_empty() {
        return Err("there are bytes behind the certificate");
    }
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| "the certificate names its subject twice")?
        .ok_or("the certificate has no subject alternative name")?;
    let mut uris = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let (Some(uri), None) = (uris.next(), uris.next()) else {
        return Err("the certificate must have exactly one URI among its subject alternative names");
    };
    let id = uri
        .strip_prefix(paths::VEHICLE_URN_PREFIX)
        .ok_or("the certificate's URI does not start with urn:sealift:vehicle:")?;
    let vehicle = VehicleId::new(id).map_err(|_| "the certificate's URI holds no vehicle id")?;
    Ok(Claim {
        vehicle,
        key_id: hex::encode(Sha256::digest(certificate.public_key().raw)),
    })
}

impl Stage {
    /// The vehicle that a certificate belongs to, if it is active. Asked anew for every request, so a revocation holds
    /// from the next one on.
    ///
    /// # Errors
    /// [`StageError::Refused`] with `certificate-refused` or `vehicle-revoked`.
    pub async fn identify(&self, peer: &PeerCertificate) -> Result<VehicleId, StageError> {
        let refuse = |detail: &str| StageError::refused(ProblemKind::CertificateRefused, detail);
        let (vehicle, key_id) = peer.vehicle().map_err(refuse)?;
        let Some(status) = self.db.vehicle_by_certificate(key_id).await? else {
            return Err(refuse("the certificate's key is not registered")
                .advise("register the vehicle with `sealift vehicle add`"));
        };
        if status.id != vehicle.as_str() {
            return Err(refuse(
                "the certificate names another vehicle than its key is registered for",
            ));
        }
        match status.state {
            VehicleState::Active => Ok(vehicle.clone()),
            VehicleState::Revoked => Err(StageError::refused(
                ProblemKind::VehicleRevoked,
                format!("vehicle {vehicle} is revoked"),
            )),
        }
    }
}
