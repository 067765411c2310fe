//! What AWS KMS's errors mean, by the names of its API reference.

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

use crate::error::{CustodyError, Fault};
use crate::held::Trouble;

/// A failed unwrapping. A ciphertext that the service looked at and refused is told apart from all else.
pub(super) fn trouble<E, R>(key: &str, permission: &str, error: SdkError<E, R>) -> Trouble
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("InvalidCiphertextException" | "IncorrectKeyException") => Trouble::Refused,
        _ => sort(key, permission, error).into(),
    }
}

/// A failed request of any kind.
pub(super) fn sort<E, R>(key: &str, permission: &str, error: SdkError<E, R>) -> CustodyError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .map(str::to_owned);
    let (fault, what, next) = match (&error, code.as_deref()) {
        (_, Some(code)) => service(key, permission, code),
        (SdkError::ServiceError(_) | SdkError::ResponseError(_), None) => (
            Fault::Unavailable,
            "AWS KMS answered with something that is not its protocol".to_owned(),
            "Check the address in the URI and any proxy between".to_owned(),
        ),
        _ => (
            Fault::Unavailable,
            "AWS KMS does not answer".to_owned(),
            "Check the network, the region and the address in the URI, then try again".to_owned(),
        ),
    };
    CustodyError::new(fault, what, next).because(error)
}

fn service(key: &str, permission: &str, code: &str) -> (Fault, String, String) {
    let (fault, what, next) = match code {
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" => (
            Fault::Denied,
            format!("these AWS credentials may not {permission} with {key}"),
            format!("Allow {permission} in the key's policy or in the role's"),
        ),
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "ExpiredTokenException"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "InvalidClientTokenId" => (
            Fault::Denied,
            "AWS does not accept these credentials".to_owned(),
            "Renew them, and check this machine's clock".to_owned(),
        ),
        "NotFoundException" => (
            Fault::NotFound,
            format!("AWS KMS knows no key {key}"),
            "Check the key's name, the region and the account".to_owned(),
        ),
        "DisabledException" => (
            Fault::Denied,
            format!("the key {key} is disabled"),
            "Enable it with `aws kms enable-key`".to_owned(),
        ),
        "KMSInvalidStateException" => (
            Fault::Denied,
            format!("the key {key} is in a state that forbids its use, such as pending deletion"),
            "Look with `aws kms describe-key`; a deletion is called off with `aws kms cancel-key-deletion`"
                .to_owned(),
        ),
        "InvalidKeyUsageException" | "UnsupportedOperationException" => (
            Fault::Unable,
            format!("the key {key} is not for this use"),
            "Make one of usage KEY_AGREEMENT (P-256) or ENCRYPT_DECRYPT (RSA) to unwrap, SIGN_VERIFY to sign"
                .to_owned(),
        ),
        "ThrottlingException" | "LimitExceededException" | "TooManyRequestsException" => (
            Fault::Unavailable,
            "AWS KMS has too many requests from this account".to_owned(),
            "Try again later, or have the account's quota for cryptographic operations raised".to_owned(),
        ),
        "KeyUnavailableException" | "DependencyTimeoutException" | "KMSInternalException" => (
            Fault::Unavailable,
            "AWS KMS has trouble of its own".to_owned(),
            "Try again".to_owned(),
        ),
        other => (
            Fault::Unavailable,
            format!("AWS KMS answered {other}"),
            format!("Look it up under {permission} in the API reference of AWS KMS"),
        ),
    };
    (fault, what, next)
}
