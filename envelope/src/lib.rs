//! The sealed-image format: framing, key schedule, recipients.
//!
//! The bytes are specified in `docs/spec/envelope-v1.md`; a `§` in this crate's documentation is a section there.
//! The crate knows nothing of metadata, networks or clocks. Randomness is always an argument.
//!
//! - Writing: [`SealPlan`] fixes content key, salt and wrapped recipients, and can then be run any number of times with
//!   identical bytes. [`Sealer`] takes the plaintext from a caller that pushes it.
//! - Reading: [`open()`] for a stream, [`Opener`] for bytes pushed by the caller, [`RangedReader`] (`Read + Seek`) and
//!   [`RangedOpener`] (ranges) for random access, [`RangedCore`] for the same without I/O.
//! - Keys: [`RecipientKey`] wraps, [`PrivateKey`] (or anything that is [`UnwrapKey`]) unwraps. The same stanza travels in
//!   the header, in a [`KeyFile`] and in a [`KeyBox`]; its [`Binding`] says in which.
//!
//! Feature `aws-lc` adds a second implementation of the body's cipher, in C and assembly, which is then the default
//! ([`CipherBackend`]). Without it the crate needs no C compiler.
//!
//! # Random access
//!
//! The length of an image is authenticated before anything is given out; after that a byte costs the chunk that it is in, at
//! any size up to 4 PiB.
//!
//! ```
//! use std::io::{Read, Seek, SeekFrom};
//!
//! use sealift_envelope::{Binding, PrivateKey, RangedReader, SealParams, SealPlan};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//! let key = PrivateKey::generate_p256(&mut rng);
//! let recipients = vec![key.public()];
//! let plan = SealPlan::new(SealParams { recipients, ..SealParams::default() }, &mut rng)?;
//! let mut image = Vec::new();
//! plan.run([b"a hundred pages ".repeat(1000), b"and an index".to_vec()].concat().as_slice(), &mut image, &mut |_| {})?;
//!
//! // Anything that is `ReadAt`: a file, a slice, a store.
//! let mut reader = RangedReader::new(image, |header| header.unwrap_with(&key, &Binding::in_file()))?;
//! assert_eq!(reader.plain_length(), 16_012);
//! let mut found = String::new();
//! reader.seek(SeekFrom::End(-5))?;
//! reader.read_to_string(&mut found)?;
//! assert_eq!(found, "index");
//! # Ok(())
//! # }
//! ```
//!
//! Features, all off unless asked for: `async` has the same over sources that are waited for (`AsyncReadAt`,
//! `AsyncRangedOpener`, `AsyncRangedReader`, and `Blocking` for files), `http` and `object-store` have sources for web servers
//! and object stores, which notice that an object is replaced while it is read. `examples/serve_range.rs` serves plaintext by
//! HTTP ranges from any of them.

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
#[cfg(feature = "async")]
mod sources;
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
#[cfg(feature = "async")]
pub use ranged::{AsyncRangedOpener, AsyncRangedReader, AsyncReadAt};
pub use ranged::{Chunks, ClaimedLength, RangedCore, RangedOpener, RangedReader, ReadAt};
pub use seal::{InterruptedPlan, SealParams, SealPlan, Sealed, Sealer};
pub use segments::{MAX_SEGMENT_LIST_LEN, SegmentAlg, SegmentHasher, SegmentList, SegmentSize};
#[cfg(feature = "http")]
pub use sources::HttpSource;
#[cfg(feature = "object-store")]
pub use sources::ObjectSource;
#[cfg(feature = "async")]
pub use sources::{Blocking, SourceError};
pub use stanza::{MAX_RECIPIENTS, Stanza, Wrap};
pub use stream::{Opened, open};
pub use wrap::{external, wrap};
