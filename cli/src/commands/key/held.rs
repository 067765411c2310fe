//! A key that is held elsewhere proves itself, before anybody relies on its public half: what is wrapped for a key whose private
//! half is another is lost, and what it signs nobody accepts.

use std::path::Path;

use sealift_custody::{CustodyError, Fault as Holder, HeldKey, KeyUri};
use sealift_envelope::{Binding, ContentKey, EnvelopeDigest, KeyBox, UnwrapError, UnwrapKey as _};
use sealift_metadata::Signer as _;
use sealift_metadata::signer::sign_checked;

use crate::failure::{Failure, Fault};
use crate::passphrase::Terminal;
use crate::{World, demo, faults};

/// Signed to see whether the key can. No document of any role begins like this.
const WORTHLESS: &[u8] = b"sealift key show: signed for nothing";

/// What a key did to show that it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It unwrapped something worthless.
    Unwrapping,
    /// It signed something worthless.
    Signing,
}

impl Proof {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unwrapping => "unwrapping",
            Self::Signing => "signing",
        }
    }
}

/// The public half of a key that did what it is for.
pub(super) struct Proven {
    pub(super) public_pem: String,
    pub(super) proof: Proof,
}

/// Has the key unwrap something, or where it is for nothing of that kind, sign something.
pub(super) fn prove(world: &mut World, uri: &KeyUri) -> Result<Proven, Failure> {
    let opening = match unwraps(world, uri)? {
        Ok(proven) => return Ok(proven),
        Err(unable) => unable,
    };
    match signs(world, uri)? {
        Ok(proven) => Ok(proven),
        Err(signing) => {
            let failure = Failure::new(Fault::Key, format!("the key {uri} neither opens nor signs"));
            Err(failure
                .because(signing)
                .next(format!("to open images: {opening}")))
        }
    }
}

/// The inner error: the key is not for this.
type Tried = Result<Result<Proven, CustodyError>, Failure>;

fn unwraps(world: &mut World, uri: &KeyUri) -> Tried {
    let key = match sealift_custody::open(uri, &Terminal) {
        Ok(key) => key,
        Err(error) => return unable(uri, error),
    };
    known(world, uri, &key.key_id().to_string())?;
    match unwrap(world, uri, &key)? {
        Ok(()) => Ok(Ok(Proven {
            public_pem: key.public().to_pem(),
            proof: Proof::Unwrapping,
        })),
        Err(error) => unable(uri, error),
    }
}

fn unwrap(world: &mut World, uri: &KeyUri, key: &HeldKey) -> Result<Result<(), CustodyError>, Failure> {
    // A box of no vehicle.
    let (digest, binding) = (
        EnvelopeDigest::from_bytes([0; 32]),
        Binding::key_box("", "", "", ""),
    );
    let secret = ContentKey::generate(world.rng());
    let wrapped = KeyBox::create(&secret, key.public(), &digest, &binding, world.rng())
        .map_err(|error| faults::seal(format!("cannot wrap for {uri}"), error))?;
    let failed = |error| {
        let failure = faults::unwrap(format!("{uri} does not unwrap what is wrapped for it"), error);
        failure.next("wrap nothing for this key before this works")
    };
    match wrapped.open(key, &binding) {
        Ok(opened) if opened.expose() == secret.expose() => Ok(Ok(())),
        Ok(_) => {
            Err(Failure::new(Fault::Key, format!("{uri} unwraps to something else")).next("report this"))
        }
        Err(UnwrapError::Unavailable(source)) => match source.downcast::<CustodyError>() {
            Ok(error) if error.fault() == Holder::Unable => Ok(Err(*error)),
            Ok(error) => Err(failed(UnwrapError::Unavailable(error))),
            Err(source) => Err(failed(UnwrapError::Unavailable(source))),
        },
        Err(error) => Err(failed(error)),
    }
}

fn signs(world: &World, uri: &KeyUri) -> Tried {
    let signer = match sealift_custody::open_signer(uri, &Terminal) {
        Ok(signer) => signer,
        Err(error) => return unable(uri, error),
    };
    known(world, uri, signer.public().keyid().as_str())?;
    let signed = crate::commands::block_on(async {
        let signed = sign_checked(&signer, WORTHLESS).await;
        signed.map_err(|error| {
            let failure = faults::signing(format!("{uri} does not sign"), error);
            failure.next("list this key in no root before this works")
        })
    });
    signed?;
    Ok(Ok(Proven {
        public_pem: signer.public().to_pem().map_err(faults::key)?,
        proof: Proof::Signing,
    }))
}

fn known(world: &World, uri: &KeyUri, id: &str) -> Result<(), Failure> {
    demo::refuse(world, Path::new(&uri.to_string()), [id])
}

/// A key of another kind may be for the other use; all else ends the search, a PIN above all.
fn unable(uri: &KeyUri, error: CustodyError) -> Tried {
    match error.fault() {
        Holder::Unable => Ok(Err(error)),
        _ => Err(faults::custody(format!("cannot use the key {uri}"), error)),
    }
}
