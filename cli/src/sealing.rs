//! How an image is sealed: options that `image seal` and `target add` share.

use clap::{Args, ValueEnum};
use rand_core::Rng;
use sealift_envelope::{RecipientKey, SealParams, SegmentAlg, SegmentSize};

use crate::world::SystemRng;

/// Media type, segment digest and segment size.
#[derive(Args, Clone, Debug)]
pub(crate) struct SealOptions {
    /// Media type of the image, kept in the header
    #[arg(long, default_value = "application/octet-stream", value_parser = media_type)]
    media_type: String,

    /// Digest of the segments that let a download be checked piece by piece
    #[arg(long, value_enum, default_value_t = SegmentDigest::Blake3)]
    segment_digest: SegmentDigest,

    /// Segment size: a power of two from 64KiB to 64MiB
    #[arg(long, default_value = "1MiB", value_parser = segment_size)]
    segment_size: SegmentSize,
}

/// `blake3`, or `sha256` where policy demands it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SegmentDigest {
    /// Fast; the default
    Blake3,
    /// Where policy forbids BLAKE3
    Sha256,
}

impl SealOptions {
    /// Parameters with a fresh envelope id.
    pub(crate) fn params(
        &self,
        plain_length: Option<u64>,
        recipients: Vec<RecipientKey>,
        rng: &mut SystemRng,
    ) -> SealParams {
        let mut envelope_id = [0; 16];
        rng.fill_bytes(&mut envelope_id);
        SealParams {
            plain_length,
            media_type: self.media_type.clone(),
            envelope_id,
            recipients,
            segment_alg: self.segment_alg(),
            segment_size: self.segment_size,
        }
    }

    /// The digest of the segments.
    pub(crate) fn segment_alg(&self) -> SegmentAlg {
        match self.segment_digest {
            SegmentDigest::Blake3 => SegmentAlg::Blake3,
            SegmentDigest::Sha256 => SegmentAlg::Sha256,
        }
    }

    /// The size of the segments.
    pub(crate) fn segment_size(&self) -> SegmentSize {
        self.segment_size
    }
}

fn media_type(text: &str) -> Result<String, String> {
    let fits = text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if fits {
        Ok(text.to_owned())
    } else {
        Err("at most 255 printable ASCII characters".to_owned())
    }
}

fn segment_size(text: &str) -> Result<SegmentSize, String> {
    let (digits, unit) = if let Some(digits) = text.strip_suffix("KiB") {
        (digits, 1 << 10)
    } else if let Some(digits) = text.strip_suffix("MiB") {
        (digits, 1 << 20)
    } else {
        (text, 1)
    };
    let wrong = || "a power of two from 64KiB to 64MiB, for example 1MiB".to_owned();
    let bytes = digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(unit))
        .ok_or_else(wrong)?;
    SegmentSize::new(bytes).map_err(|_| wrong())
}
