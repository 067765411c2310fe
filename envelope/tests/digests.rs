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
        sealift_envelope::SealPlan::with_key(params(recipients), key, [6; 24], &mut rng).unwrap()
    };
    let (none, one) = (with(vec![]), with(vec![P256.public()]));
    assert_eq!(none.envelope_digest(), one.envelope_digest());
    assert_ne!(none.header().digest(), one.header().digest());
}

#[test]
fn a_plan_runs_over_one_plaintext_only() {
    use sealift_envelope::{ContentKey, SealError, SealPlan, SegmentAlg, SegmentSize};
    let mut plan = plan("one plaintext", None, vec![]);
    let key = *plan.content_key().expose();
    let run = |plan: &SealPlan, plain: &[u8]| {
        let mut out = Vec::new();
        plan.run(plain, &mut out, &mut |_| ()).map(|sealed| (sealed, out))
    };
    let (sealed, first) = run(&plan, b"one").unwrap();
    let resume = |key, plan: &SealPlan| {
        let (alg, size) = (SegmentAlg::default(), SegmentSize::default());
        SealPlan::resume(
            ContentKey::from_bytes(key),
            plan.header().clone(),
            sealed.plain,
            alg,
            size,
        )
    };
    for _ in 0..2 {
        assert!(matches!(run(&plan, b"two"), Err(SealError::OtherPlaintext)));
        assert_eq!(run(&plan, b"one").unwrap().1, first);
        // A plan that another process goes on with remembers as well.
        plan = resume(key, &plan).unwrap();
    }
    assert!(matches!(resume([7; 32], &plan), Err(SealError::Cipher)));
}
