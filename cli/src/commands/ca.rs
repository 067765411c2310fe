//! `sealift ca`: certificates for a small or test set-up.
//!
//! A fleet with a certificate authority of its own does not need this.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use sealift_metadata::ids::VehicleId;
use serde_json::json;

use crate::World;
use crate::certificates::{Authority, Lifetime, Subject};
use crate::failure::Failure;
use crate::outfile::{self, Overwrite, Secrecy};
use crate::output;
use crate::passphrase::{Protect, Unlock};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a certificate authority: ca.pem and ca.key.pem
    Create(Create),
    /// Issue the server's TLS certificate: server.pem and server.key.pem
    IssueServer(IssueServer),
    /// Issue a vehicle's client certificate: client.pem and client.key.pem
    IssueVehicle(IssueVehicle),
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// Directory that receives ca.pem and ca.key.pem
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Common name of the authority
    #[arg(long, default_value = "Sealift fleet CA")]
    name: String,

    /// Days until it expires
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u16).range(1..=18250))]
    days: u16,

    #[command(flatten)]
    protect: Protect,
    #[command(flatten)]
    overwrite: Overwrite,
}

#[derive(Args, Debug)]
struct AuthorityArgs {
    /// Certificate of the authority
    #[arg(long, value_name = "CA.pem")]
    ca_cert: PathBuf,

    /// Private key of the authority: a PEM file or env:NAME
    #[arg(long, value_name = "CA.key.pem")]
    ca_key: PathBuf,

    #[command(flatten)]
    unlock: Unlock,
}

#[derive(Args, Debug)]
pub(super) struct IssueServer {
    #[command(flatten)]
    authority: AuthorityArgs,

    /// DNS name of the server; may be given several times
    #[arg(long, value_name = "DNS", required_unless_present = "ip")]
    name: Vec<String>,

    /// IP address of the server; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    ip: Vec<IpAddr>,

    /// Days until the certificate expires
    #[arg(long, default_value_t = 397, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,

    /// Directory that receives server.pem and server.key.pem (unencrypted, mode 0600)
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    #[command(flatten)]
    overwrite: Overwrite,
}

#[derive(Args, Debug)]
pub(super) struct IssueVehicle {
    /// Vehicle id; the certificate's only name is urn:sealift:vehicle:ID
    id: VehicleId,

    #[command(flatten)]
    authority: AuthorityArgs,

    /// Days until the certificate expires
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u16).range(1..=7300))]
    days: u16,

    /// Directory that receives client.pem and client.key.pem (unencrypted, mode 0600)
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    #[command(flatten)]
    overwrite: Overwrite,
}

impl Command {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(world),
            Self::IssueServer(args) => args.run(world),
            Self::IssueVehicle(args) => args.run(world),
        }
    }
}

impl Create {
    fn run(self, world: &mut World) -> Result<(), Failure> {
        let certificate = self.out.join("ca.pem");
        let key = self.out.join("ca.key.pem");
        outfile::directory(&self.out)?;
        outfile::refuse_existing(&certificate, self.overwrite)?;
        outfile::refuse_existing(&key, self.overwrite)?;
        let passphrase = self.protect.for_new_key(&key)?;
        let lifetime = Lifetime::from(world.now(), self.days)?;
        let authority = Authority::create(&self.name, lifetime)?;
        let key_pem = authority.key_pem(passphrase.as_ref(), world.rng())?;
        outfile::write(&key, key_pem.as_bytes(), Secrecy::Private, self.overwrite)?;
        outfile::write(
            &certificate,
            authority.certificate_pem().as_bytes(),
            Secrecy::Public,
            self.overwrite,
        )?;
        shown(world, &certificate, &key)
    }
}

impl IssueServer {
    fn run(self, world: &mut World) -> Result<(), Failure> {
        let authority = Authority::load(
            world,
            &self.authority.ca_cert,
            &self.authority.ca_key,
            &self.authority.unlock,
        )?;
        let subject = Subject::Server {
            names: &self.name,
            addresses: &self.ip,
        };
        issue(
            world,
            &authority,
            &subject,
            self.days,
            &self.out,
            "server",
            self.overwrite,
        )
    }
}

impl IssueVehicle {
    fn run(self, world: &mut World) -> Result<(), Failure> {
        let authority = Authority::load(
            world,
            &self.authority.ca_cert,
            &self.authority.ca_key,
            &self.authority.unlock,
        )?;
        let subject = Subject::Vehicle { id: &self.id };
        issue(
            world,
            &authority,
            &subject,
            self.days,
            &self.out,
            "client",
            self.overwrite,
        )
    }
}

fn issue(
    world: &World,
    authority: &Authority,
    subject: &Subject<'_>,
    days: u16,
    out: &Path,
    stem: &str,
    overwrite: Overwrite,
) -> Result<(), Failure> {
    let certificate = out.join(format!("{stem}.pem"));
    let key = out.join(format!("{stem}.key.pem"));
    outfile::directory(out)?;
    outfile::refuse_existing(&certificate, overwrite)?;
    outfile::refuse_existing(&key, overwrite)?;
    let issued = authority.issue(subject, Lifetime::from(world.now(), days)?)?;
    outfile::write(&key, issued.key_pem.as_bytes(), Secrecy::Private, overwrite)?;
    outfile::write(
        &certificate,
        issued.certificate_pem.as_bytes(),
        Secrecy::Public,
        overwrite,
    )?;
    shown(world, &certificate, &key)
}

fn shown(world: &World, certificate: &Path, key: &Path) -> Result<(), Failure> {
    let json = json!({"certificate": certificate.display().to_string(), "key": key.display().to_string()});
    output::show(world, &json, || {
        output::facts(&[
            ("certificate", certificate.display().to_string()),
            ("private key", key.display().to_string()),
        ])
    })
}
