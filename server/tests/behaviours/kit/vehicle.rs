use super::TestRng;
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, SanType};
use sealift_envelope::PrivateKey;
use sealift_metadata::manifest::{EcuReport, InstalledImage, VehicleManifest, sign_manifest, sign_report};
use sealift_metadata::{EcuSerial, FileSigner, KeyType, Signer, VehicleId};
use sealift_server::stage::PeerCertificate;
use sealift_wire::{EcuRegistration, VehicleRegistration};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An ECU with its private keys.
#[derive(Debug)]
pub struct TestEcu {
    pub serial: String,
    pub hardware_id: String,
    pub primary: bool,
    pub signer: FileSigner,
    pub sealing: PrivateKey,
    pub require_sealed: bool,
}

/// A vehicle: a gateway (Primary) and a camera.
#[derive(Debug)]
pub struct TestVehicle {
    pub id: VehicleId,
    pub ecus: Vec<TestEcu>,
    pub certificate_pem: String,
    pub peer: Arc<PeerCertificate>,
}

/// A certificate with these URIs among its subject alternative names.
pub fn certificate(uris: &[&str]) -> rcgen::Certificate {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
    for uri in uris {
        params
            .subject_alt_names
            .push(SanType::URI((*uri).try_into().unwrap()));
    }
    params.self_signed(&key).unwrap()
}

impl TestVehicle {
    pub fn new(id: &str) -> Self {
        let certificate = certificate(&[&format!("urn:sealift:vehicle:{id}")]);
        Self::with_certificate(id, &certificate)
    }

    pub fn with_certificate(id: &str, certificate: &rcgen::Certificate) -> Self {
        let mut rng = TestRng::new(&format!("vehicle/{id}"));
        let mut ecu = |name: &str, primary| TestEcu {
            serial: format!("{id}-{name}"),
            hardware_id: format!("hw-{name}"),
            primary,
            signer: FileSigner::generate(KeyType::Ed25519, &mut rng).unwrap(),
            sealing: PrivateKey::generate_p256(&mut rng),
            require_sealed: false,
        };
        Self {
            id: VehicleId::new(id).unwrap(),
            ecus: vec![ecu("gateway", true), ecu("camera", false)],
            certificate_pem: certificate.pem(),
            peer: Arc::new(PeerCertificate::from_der(certificate.der())),
        }
    }

    pub fn registration(&self) -> VehicleRegistration {
        let ecus = self.ecus.iter().map(|ecu| EcuRegistration {
            serial: ecu.serial.clone(),
            hardware_id: ecu.hardware_id.clone(),
            primary: ecu.primary,
            signing_key_pem: ecu.signer.public().to_pem().unwrap(),
            sealing_key_pem: Some(ecu.sealing.public().to_pem()),
            require_sealed: ecu.require_sealed,
        });
        VehicleRegistration {
            id: self.id.to_string(),
            certificate_pem: self.certificate_pem.clone(),
            ecus: ecus.collect(),
        }
    }

    /// A report of one ECU that has nothing installed.
    pub fn report(&self, ecu: usize, counter: u64, now: Timestamp) -> EcuReport {
        EcuReport {
            ecu_serial: EcuSerial::new(self.ecus[ecu].serial.as_str()).unwrap(),
            vehicle_id: self.id.clone(),
            installed: None,
            attacks_detected: vec![],
            latest_time: Timestamp::from_second(now.as_second()).unwrap(),
            report_counter: counter,
        }
    }

    /// A manifest of these reports, each signed by its own ECU and the whole by the Primary.
    pub async fn manifest(&self, reports: &[EcuReport]) -> Vec<u8> {
        let mut signed = BTreeMap::new();
        for report in reports {
            let ecu = self
                .ecus
                .iter()
                .find(|ecu| ecu.serial == report.ecu_serial.as_str())
                .unwrap();
            signed.insert(
                report.ecu_serial.clone(),
                sign_report(report, &ecu.signer).await.unwrap(),
            );
        }
        let manifest = VehicleManifest {
            vehicle_id: self.id.clone(),
            primary_ecu_serial: EcuSerial::new(self.ecus[0].serial.as_str()).unwrap(),
            ecu_version_reports: signed,
        };
        sign_manifest(&manifest, &self.ecus[0].signer).await.unwrap()
    }

    /// A manifest of both ECUs with this counter.
    pub async fn plain_manifest(&self, counter: u64, now: Timestamp) -> Vec<u8> {
        self.manifest(&[self.report(0, counter, now), self.report(1, counter, now)])
            .await
    }

    /// What the camera reports after an install.
    pub fn installed(&self, counter: u64, now: Timestamp, image: InstalledImage) -> EcuReport {
        EcuReport {
            installed: Some(image),
            ..self.report(1, counter, now)
        }
    }
}
