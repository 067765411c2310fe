//! What every holder has to do alike when it signs.

use sealift_custody::{CustodyError, HeldSigner};
use sealift_metadata::signer::sign_checked;
use sealift_metadata::{SignError, Signer};

/// Signs, on a runtime with a single thread, and verifies.
pub(crate) fn sign(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(sign_checked(signer, message))
}

/// A short document and a long one.
pub(crate) fn signs(signer: &HeldSigner) {
    for message in [&b"{}"[..], &[b' '; 100_000]] {
        sign(signer, message).unwrap();
    }
}

/// Why the holder did not sign.
pub(crate) fn trouble(signer: &HeldSigner) -> CustodyError {
    held(sign(signer, b"{}"))
}

/// What the holder said.
pub(crate) fn held(result: Result<Vec<u8>, SignError>) -> CustodyError {
    match result {
        Err(SignError::Holder { source, .. }) => *source.downcast::<CustodyError>().unwrap(),
        other => panic!("{other:?}"),
    }
}
