//! What opening a key with a passphrase may cost: the file says how slow the derivation is, and is not believed.

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;

/// Rounds of PBKDF2, at most. A few seconds.
const MAX_ROUNDS: u32 = 10_000_000;
/// Bytes that scrypt writes (128 · N · r · p), at most; four times what OWASP recommends. Memory stays below it as well.
const MAX_SCRYPT_BYTES: u64 = 512 * 1024 * 1024;

/// Whether the derivation stays within the caps. Beyond them, and for a cost of zero, the library would take hours, all
/// memory, or panic.
pub(super) fn is_affordable(info: &EncryptedPrivateKeyInfoRef<'_>) -> bool {
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        // PBES1 is compiled in nowhere; the library says so.
        return true;
    };
    match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count <= MAX_ROUNDS,
        Kdf::Scrypt(kdf) => [
            kdf.cost_parameter,
            kdf.block_size.into(),
            kdf.parallelization.into(),
        ]
        .into_iter()
        .try_fold(128, u64::checked_mul)
        .is_some_and(|bytes| (1..=MAX_SCRYPT_BYTES).contains(&bytes)),
        _ => false,
    }
}
