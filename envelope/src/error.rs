//! Errors, grouped by whose fault they are.

use std::error::Error as StdError;
use std::io;

use crate::keys::KeyId;
use crate::segments::SegmentSize;

/// Bytes from outside are not what the format allows (§3–§8). Nothing was taken from them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The input ends inside the structure. `needed` is how many bytes, from its start, are needed to get further.
    #[error("the {what} ends early; at least {needed} bytes are needed. Fetch the file again")]
    Truncated {
        /// Which structure.
        what: &'static str,
        /// Bytes from the start of the structure; never above its cap.
        needed: usize,
    },
    /// The first eight bytes are another file type's.
    #[error("this is not a {what}: its first eight bytes differ. Check that the right file was given")]
    Magic {
        /// Which structure was expected.
        what: &'static str,
    },
    /// A version of the format that this build does not know.
    #[error("{what} version {version} is not supported (this build reads version 1). Update this program")]
    Version {
        /// Which structure.
        what: &'static str,
        /// The version found.
        version: u16,
    },
    /// A cipher suite that this build does not know (§4).
    #[error(
        "cipher suite {0} is not supported (this build reads suite 1, Cobblestone-256). Update this program"
    )]
    Suite(u64),
    /// A recipient type that this build does not know (§5).
    #[error("recipient type {0} is not supported (this build reads 1 to 3). Update this program")]
    Wrap(u64),
    /// A length or count above its cap; nothing was allocated for it.
    #[error("{what} of {claimed} is above the cap of {cap}. The file is corrupt or hostile")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The claim.
        claimed: u64,
        /// The cap.
        cap: u64,
    },
    /// The same recipient twice in one list.
    #[error("recipient {0} is listed twice. Write the list again with distinct recipients")]
    DuplicateRecipient(KeyId),
    /// Not CBOR, or not its one deterministic encoding (§2).
    #[error(
        "the {what} is not deterministic CBOR of the expected shape. The file is corrupt or was made by a faulty writer"
    )]
    Cbor {
        /// Which structure.
        what: &'static str,
    },
    /// A field with a value that the format does not allow.
    #[error("{what} is not allowed by the format. The file is corrupt or was made by a faulty writer")]
    Field {
        /// Which field, and what is wrong with it.
        what: &'static str,
    },
    /// Bytes behind the end of the structure.
    #[error("there are bytes behind the end of the {what}. The file is corrupt")]
    Trailing {
        /// Which structure.
        what: &'static str,
    },
}

/// A content key could not be had from a stanza (§5.4).
///
/// [`UnwrapError::Refused`] is one and the same for every cryptographic reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnwrapError {
    /// No stanza in the list is for the key offered. Nothing was tried.
    #[error("key {key} is not among the {recipients} recipients. Use a key that the image was sealed for")]
    NotARecipient {
        /// The key offered.
        key: KeyId,
        /// How many recipients the list has.
        recipients: usize,
    },
    /// The key offered does not open its stanza: other key, other binding, or altered bytes.
    #[error("the wrapped content key does not open. It was made for another place or key, or altered")]
    Refused,
    /// The key lives elsewhere (token, key service) and could not be reached.
    #[error("the private key is held elsewhere and could not be used there")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}

/// A sealed image could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The header is malformed.
    #[error("the sealed image's header is refused")]
    Format(#[source] FormatError),
    /// No content key.
    #[error("the content key could not be unwrapped")]
    Unwrap(#[source] UnwrapError),
    /// The content key is not the one that this header commits to, or the header was altered (§4.3).
    #[error("the content key does not match this image, or its header was altered. Nothing was opened")]
    Commitment,
    /// A chunk does not authenticate: altered, moved, or from another image.
    #[error("chunk {index} does not authenticate; everything before it was genuine. Fetch the image again")]
    Chunk {
        /// Number of the chunk, from 0.
        index: u64,
    },
    /// The image ends without its short last chunk.
    #[error("the image is cut off after {chunks} whole chunks. Fetch the rest of it")]
    Truncated {
        /// Whole, genuine chunks seen.
        chunks: u64,
    },
    /// The header announces another plaintext length than the body has.
    #[error(
        "the header announces {announced} bytes of plaintext, the body holds {found}. The image is inconsistent"
    )]
    PlainLength {
        /// Bytes by the header.
        announced: u64,
        /// Bytes in the body, or a lower bound where opening stopped early.
        found: u64,
    },
    /// The body has more chunks than the format allows.
    #[error("the image is larger than the format allows (4 PiB). Nothing behind that was opened")]
    TooLong,
    /// A range outside the plaintext.
    #[error("bytes {start}+{len} are outside the plaintext of {plain_length} bytes. Ask for less")]
    Range {
        /// First byte asked for.
        start: u64,
        /// Bytes asked for.
        len: u64,
        /// Bytes there are.
        plain_length: u64,
    },
    /// The source gave another number of bytes than it was asked for.
    #[error("the source gave {got} bytes where {asked} were asked for. It is cut off, changed, or faulty")]
    Answer {
        /// Bytes asked for.
        asked: u64,
        /// Bytes given.
        got: u64,
    },
    /// The machine was used again after it had failed.
    #[error("this opener has already failed. Start again with a new one")]
    Poisoned,
    /// A thread that digests died, which no input should bring about.
    #[error("a digest could not be computed. Report this")]
    Digest,
    /// The source of the sealed bytes failed.
    #[error("the sealed image could not be read")]
    Read(#[source] io::Error),
    /// The target of the plaintext failed.
    #[error("the plaintext could not be written")]
    Write(#[source] io::Error),
}

/// An image could not be sealed, or a content key not wrapped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// More input than announced or allowed, or less than announced.
    #[error("the input has {found} bytes where {announced} were announced. Announce what it has")]
    PlainLength {
        /// Bytes announced.
        announced: u64,
        /// Bytes found, or a lower bound where sealing stopped early.
        found: u64,
    },
    /// A plan came to another plaintext than it had sealed before.
    #[error(
        "the input is not what this content key was used for before. It changed; seal it with a fresh key"
    )]
    OtherPlaintext,
    /// The machine was used again after it had failed.
    #[error("this sealer has already failed. Start again with a new one")]
    Poisoned,
    /// A thread that digests died, which no input should bring about.
    #[error("a digest could not be computed. Report this")]
    Digest,
    /// More than 4 PiB of input.
    #[error("the input is larger than the format allows (4 PiB). Split it")]
    TooLong,
    /// The parameters do not fit the format.
    #[error("the parameters are refused")]
    Params(#[source] FormatError),
    /// Too many or too large recipients for one header.
    #[error("the header would have {needed} bytes, the cap is {cap}. Put recipients into a key file instead")]
    HeaderTooLarge {
        /// Bytes that the header would need.
        needed: u64,
        /// The cap.
        cap: u64,
    },
    /// The list of segment digests would pass its cap.
    #[error("segments of {size} make too long a list for this image. Choose a larger segment size")]
    SegmentList {
        /// The segment size in use.
        size: SegmentSize,
    },
    /// The recipient's public key cannot be used for wrapping.
    #[error("wrapping for recipient {0} failed. Its public key is unusable")]
    Wrap(KeyId),
    /// The cipher refused, which no input should bring about.
    #[error("the cipher refused a chunk. Report this")]
    Cipher,
    /// The source of the plaintext failed.
    #[error("the plaintext could not be read")]
    Read(#[source] io::Error),
    /// The target of the sealed bytes failed.
    #[error("the sealed image could not be written")]
    Write(#[source] io::Error),
}

/// A key could not be read, made or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No PEM block of a supported kind.
    #[error("no supported PEM block found; expected {expected}. Check that the right file was given")]
    Pem {
        /// The labels that would do.
        expected: &'static str,
    },
    /// The key inside is of a kind that is not supported, or malformed.
    #[error("the key is not a well-formed P-256, RSA or X-Wing key. Make one with `sealift key generate`")]
    Malformed,
    /// An encrypted key without a passphrase.
    #[error("the private key is encrypted and no passphrase was given. Give its passphrase")]
    PassphraseMissing,
    /// The passphrase does not open the key.
    #[error("the private key does not open with this passphrase. Check the passphrase")]
    Passphrase,
    /// An encrypted key whose file asks for too much work to try a passphrase.
    #[error(
        "the encrypted private key asks for more than 10 million rounds of PBKDF2, 512 MiB of scrypt, or nonsense. \
         Get the file anew, or encrypt the key again with `openssl pkcs8 -topk8`"
    )]
    PassphraseCost,
    /// OpenSSL's traditional encryption, which has no proper key derivation.
    #[error("the private key uses OpenSSL's traditional encryption. Convert it with `openssl pkcs8 -topk8`")]
    TraditionalEncryption,
    /// An RSA key outside the allowed sizes.
    #[error("an RSA key of {bits} bits is outside {min}..={max}. Use a key of at least 3072 bits")]
    RsaSize {
        /// Bits of the modulus.
        bits: usize,
        /// Smallest size allowed here.
        min: usize,
        /// Largest size allowed.
        max: usize,
    },
    /// Key generation or encryption of the key failed.
    #[error("the key could not be generated or encrypted. Report this")]
    Generate,
}

impl From<FormatError> for OpenError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<UnwrapError> for OpenError {
    fn from(error: UnwrapError) -> Self {
        Self::Unwrap(error)
    }
}
