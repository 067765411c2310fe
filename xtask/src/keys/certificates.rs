//! Certificates of the demonstration: a server on the loopback, and one vehicle of a fleet.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose,
    SanType, SerialNumber,
};

use super::material::Key;
use crate::failure::Failure;

/// Fixed, so that a certificate is the same in every run.
const NOT_BEFORE: (i32, u8, u8) = (2026, 1, 1);
/// Twenty years: a demonstration must not stop on a birthday.
const NOT_AFTER: (i32, u8, u8) = (2046, 1, 1);
const VEHICLE_URI: &str = "urn:sealift:vehicle:demo-0001";

/// Certificates by their path below `keys-example/`.
pub(super) fn issue(keys: &BTreeMap<&str, Key>) -> Result<BTreeMap<String, String>, Failure> {
    let mut files = BTreeMap::new();
    let mut pair = |ca: &str, ca_name: &str, leaf: &str, params: CertificateParams| -> Result<(), Failure> {
        let ca_key = key(keys, ca)?.certifier()?;
        let ca_params = authority(ca_name)?;
        files.insert(format!("{ca}.pem"), ca_params.self_signed(&ca_key)?.pem());
        let issuer = Issuer::new(ca_params, ca_key);
        let leaf_key = key(keys, leaf)?.certifier()?;
        files.insert(format!("{leaf}.pem"), params.signed_by(&leaf_key, &issuer)?.pem());
        Ok(())
    };
    pair("tls/ca", "Sealift demonstration TLS CA", "tls/server", server()?)?;
    pair(
        "fleet/ca",
        "Sealift demonstration fleet CA",
        "fleet/vehicle",
        vehicle()?,
    )?;
    Ok(files)
}

fn key<'a>(keys: &'a BTreeMap<&str, Key>, name: &str) -> Result<&'a Key, Failure> {
    keys.get(name)
        .ok_or_else(|| Failure::new(format!("no key is called {name}")))
}

fn authority(name: &str) -> Result<CertificateParams, Failure> {
    let mut params = named(name, 1)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn server() -> Result<CertificateParams, Failure> {
    let mut params = named("localhost", 2)?;
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(leaf(params))
}

fn vehicle() -> Result<CertificateParams, Failure> {
    let mut params = named("demo-0001", 2)?;
    params.subject_alt_names = vec![SanType::URI(VEHICLE_URI.try_into()?)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(leaf(params))
}

fn leaf(mut params: CertificateParams) -> CertificateParams {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

fn named(common_name: &str, serial: u64) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.serial_number = Some(SerialNumber::from(serial));
    let date = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
    params.not_before = date(NOT_BEFORE);
    params.not_after = date(NOT_AFTER);
    Ok(params)
}
