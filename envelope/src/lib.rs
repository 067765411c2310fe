//! The sealed-image format: framing, key schedule, recipients.
//!
//! The bytes are specified in `docs/spec/envelope-v1.md`; a `§` in this crate's documentation is a section there.
//! The crate knows nothing of metadata, networks or clocks. Randomness is always an argument.
//!
//! - Writing: [`SealPlan`] fixes content key, salt and wrapped recipients, and can then be run any number of times with
//!   identical bytes. [`Sealer`] is the push machine inside it.
//! - Reading: [`open()`] for a stream, [`Opener`] for bytes pushed by the caller, [`RangedOpener`] for random access.
//! - Keys: [`RecipientKey`] wraps, [`PrivateKey`] (or anything that is [`UnwrapKey`]) unwraps. The same stanza travels in
//!   the header, in a [`KeyFile`] and in a [`KeyBox`]; its [`Binding`] says in which.
//!
//! Feature `aws-lc` adds a second implementation of the body's cipher, in C and assembly, which is then the default
//! ([`CipherBackend`]). Without it the crate is Rust alone.

mod binding;
mod cbor;
mod cipher;
mod cobblestone;
mod content_key;
mod digest;
mod error;
mod header;
mod key_box;
mod key_file;
mod keys;
mod layout;
mod open;
mod ranged;
mod scrub;
mod seal;
mod segments;
mod stanza;
mod stream;
mod wrap;
#[cfg(test)]
mod wycheproof_tests;

pub mod danger;

pub use binding::{Binding, Purpose};
pub use cipher::CipherBackend;
pub use content_key::ContentKey;
pub use digest::{Digest, EnvelopeDigest};
pub use error::{FormatError, KeyError, OpenError, SealError, UnwrapError};
pub use header::{Header, MAX_HEADER_LEN, MAX_MEDIA_TYPE_LEN};
pub use key_box::{KeyBox, MAX_KEY_BOX_LEN};
pub use key_file::{KeyFile, MAX_KEY_FILE_LEN, MAX_KEY_FILE_RECIPIENTS};
pub use keys::{KeyId, PrivateKey, RecipientKey, UnwrapKey, XWingPublic};
pub use layout::{CHUNK_LEN, Layout, MAX_PLAIN_LEN, SEALED_CHUNK_LEN};
pub use open::Opener;
pub use ranged::{RangedOpener, ReadAt};
pub use seal::{SealParams, SealPlan, Sealed, Sealer};
pub use segments::{MAX_SEGMENT_LIST_LEN, SegmentAlg, SegmentHasher, SegmentList, SegmentSize};
pub use stanza::{MAX_RECIPIENTS, Stanza, Wrap};
pub use stream::{Opened, open, seal};
pub use wrap::{external, wrap};
