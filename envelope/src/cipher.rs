//! AES-256-GCM of one chunk (§4.3), by one of several implementations that make and accept the same bytes.

#[cfg(feature = "aws-lc")]
mod aws_lc;
mod portable;

use zeroize::Zeroize as _;

use crate::layout::TAG_LEN;

pub(crate) const KEY_LEN: usize = 32;
pub(crate) const NONCE_LEN: usize = 12;

/// An implementation of the body's cipher. All make the same bytes, accept the same bytes and refuse the same bytes; they
/// differ in speed and in what they need to be built.
///
/// Which of them exist is decided by the features of this crate; [`CipherBackend::default`] is the fastest of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CipherBackend {
    /// The `aes-gcm` crate: Rust alone, wherever Rust runs.
    Portable,
    /// `aws-lc-rs`: C and assembly, several times as fast. With feature `aws-lc`.
    #[cfg(feature = "aws-lc")]
    AwsLc,
}

impl CipherBackend {
    /// Those that this build has, the slowest first.
    pub const ALL: &[Self] = &[
        Self::Portable,
        #[cfg(feature = "aws-lc")]
        Self::AwsLc,
    ];

    /// Its name, as a command line takes it: `portable` or `aws-lc`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(feature = "aws-lc")]
            Self::AwsLc => "aws-lc",
        }
    }

    /// The one with this name, if this build has it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|backend| backend.name() == name)
    }
}

impl Default for CipherBackend {
    fn default() -> Self {
        Self::ALL.last().copied().unwrap_or(Self::Portable)
    }
}

/// A chunk could not be sealed, or is not genuine. There is nothing more to know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// The cipher under one key.
pub(crate) enum ChunkCipher {
    Portable(Box<portable::Cipher>),
    #[cfg(feature = "aws-lc")]
    AwsLc(aws_lc::Cipher),
}

impl ChunkCipher {
    pub(crate) fn new(backend: CipherBackend, key: &[u8; KEY_LEN]) -> Self {
        let portable = || Self::Portable(Box::new(portable::Cipher::new(key)));
        match backend {
            CipherBackend::Portable => portable(),
            // It refuses only where its allocator does. The bytes are the same either way.
            #[cfg(feature = "aws-lc")]
            CipherBackend::AwsLc => aws_lc::Cipher::new(key).map_or_else(|_| portable(), Self::AwsLc),
        }
    }

    /// Seals `plain` into `sealed`, which is longer by the tag. A nonce serves once.
    ///
    /// On failure `sealed` is zeros.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        plain: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), Refused> {
        let (body, tag) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(Refused)?;
        let result = match self {
            Self::Portable(cipher) => cipher.seal(nonce, plain, body, tag),
            #[cfg(feature = "aws-lc")]
            Self::AwsLc(cipher) => cipher.seal(nonce, plain, body, tag),
        };
        if result.is_err() {
            sealed.zeroize();
        }
        result
    }

    /// Opens `sealed` into `plain`, which is shorter by the tag.
    ///
    /// On failure `plain` is zeros, whatever the implementation left there.
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        sealed: &[u8],
        plain: &mut [u8],
    ) -> Result<(), Refused> {
        let (body, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Refused)?;
        let result = match self {
            Self::Portable(cipher) => cipher.open(nonce, body, tag, plain),
            #[cfg(feature = "aws-lc")]
            Self::AwsLc(cipher) => cipher.open(nonce, body, tag, plain),
        };
        if result.is_err() {
            plain.zeroize();
        }
        result
    }
}

#[cfg(test)]
mod tests;
