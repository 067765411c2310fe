//! Wrapping a content key for one recipient (§5). One small file for each way of wrapping.

pub mod external;
mod hpke_base;
pub(crate) mod hpke_p256;
pub(crate) mod rsa_oaep;
pub(crate) mod x_wing;

use rand_core::CryptoRng;

use crate::Binding;
use crate::content_key::ContentKey;
use crate::digest::EnvelopeDigest;
use crate::error::SealError;
use crate::keys::RecipientKey;
use crate::scrub::scrubbed;
use crate::stanza::{Stanza, WRAPPED_KEY_LEN};

/// An encapsulation and the content key wrapped with it.
type Wrapped = (Vec<u8>, [u8; WRAPPED_KEY_LEN]);

/// Wraps `key`, the content key of the image `digest`, for `to`, bound to where the stanza will live.
///
/// # Errors
/// [`SealError::Wrap`].
pub fn wrap<R: CryptoRng + ?Sized>(
    key: &ContentKey,
    to: &RecipientKey,
    digest: &EnvelopeDigest,
    binding: &Binding,
    rng: &mut R,
) -> Result<Stanza, SealError> {
    let key_id = to.key_id();
    let info = binding.info(to.wrap(), &key_id, digest);
    let wrapped = scrubbed(|| match to {
        RecipientKey::P256(public) => hpke_p256::wrap(key, public, &info, rng),
        RecipientKey::Rsa(public) => rsa_oaep::wrap(key, public, &info, rng),
        RecipientKey::XWing(public) => x_wing::wrap(key, public.as_bytes(), &info, rng),
    });
    let (enc, ciphertext) = wrapped.ok_or(SealError::Wrap(key_id))?;
    Stanza::new(to.wrap(), key_id, enc, ciphertext).map_err(SealError::Params)
}
