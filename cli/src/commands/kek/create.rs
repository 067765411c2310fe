//! `sealift kek create`.

use clap::{Args, ValueEnum};

use crate::World;
use crate::commands::key::{Kind, NewKeyArgs};
use crate::failure::Failure;

#[derive(Args, Debug)]
pub(in crate::commands) struct Create {
    /// Kind of key
    #[arg(long, value_enum, default_value_t = KekKind::P256)]
    kind: KekKind,

    #[command(flatten)]
    generate: NewKeyArgs,
}

/// Keys that content keys can be wrapped for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KekKind {
    /// HPKE with P-256
    P256,
    /// RSA-OAEP, 3072 bits
    #[value(name = "rsa-3072", alias = "rsa")]
    Rsa3072,
    /// RSA-OAEP, 4096 bits
    #[value(name = "rsa-4096")]
    Rsa4096,
    /// HPKE with X-Wing, against quantum computers as well
    #[value(name = "x-wing", alias = "xwing")]
    XWing,
}

impl Create {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        let kind = match self.kind {
            KekKind::P256 => Kind::P256,
            KekKind::Rsa3072 => Kind::Rsa3072,
            KekKind::Rsa4096 => Kind::Rsa4096,
            KekKind::XWing => Kind::XWing,
        };
        self.generate.run(kind, world)
    }
}
