//! Which implementation of the cipher runs.

use clap::Args;
use sealift_envelope::CipherBackend;

/// For measurements and comparisons; nobody needs it for anything else.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct CipherArgs {
    /// Implementation of the cipher, portable or aws-lc, for measurements: the bytes are the same with both [default:
    /// the fastest that is built in]
    #[arg(long, value_name = "NAME", value_parser = backend)]
    cipher: Option<CipherBackend>,
}

impl CipherArgs {
    /// The one that was asked for, or the fastest.
    pub(crate) fn backend(self) -> CipherBackend {
        self.cipher.unwrap_or_default()
    }
}

fn backend(name: &str) -> Result<CipherBackend, String> {
    CipherBackend::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = CipherBackend::ALL.iter().map(|backend| backend.name()).collect();
        format!("this build has {}", names.join(" and "))
    })
}
