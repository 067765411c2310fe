//! Every digest that sealing reports is the plain SHA-256 of the bytes it names.

use sealift_envelope::Digest;
use sha2::{Digest as _, Sha256};

use crate::support::{P256, plaintext, plan};

#[test]
fn digests_name_plaintext_image_header_and_sealing() {
    let plain = plaintext(300_000);
    let plan = plan("digests", None, vec![P256.public()]);
    let mut image = Vec::new();
    let sealed = plan.run(plain.as_slice(), &mut image, &mut |_| {}).unwrap();
    let header = plan.header().bytes();
    assert!(image.starts_with(header));
    assert_eq!(
        sealed.plain,
        Digest {
            length: 300_000,
            sha256: Sha256::digest(&plain).into()
        }
    );
    assert_eq!(
        sealed.sealed,
        Digest {
            length: image.len() as u64,
            sha256: Sha256::digest(&image).into()
        }
    );
    assert_eq!(
        sealed.header,
        Digest {
            length: header.len() as u64,
            sha256: Sha256::digest(header).into()
        }
    );

    let context_len = 14 + usize::from(header[13]);
    let tail = &header[header.len() - 56..];
    let digest: [u8; 32] = Sha256::new()
        .chain_update(&header[..context_len])
        .chain_update(tail)
        .finalize()
        .into();
    assert_eq!(sealed.envelope.as_bytes(), &digest);
}

#[test]
fn recipients_do_not_change_the_envelope_digest() {
    let params = |recipients| sealift_envelope::SealParams {
        recipients,
        ..Default::default()
    };
    let with = |recipients| {
        let key = sealift_envelope::ContentKey::from_bytes([5; 32]);
        let mut rng = crate::support::TestRng::new("rng");
        sealift_envelope::danger::plan_with_key(params(recipients), key, [6; 24], &mut rng).unwrap()
    };
    let (none, one) = (with(vec![]), with(vec![P256.public()]));
    assert_eq!(none.envelope_digest(), one.envelope_digest());
    assert_ne!(none.header().digest(), one.header().digest());
}
