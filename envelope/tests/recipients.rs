//! Recipients of an image: how many, whose, and found how.

use sealift_envelope::{
    Binding, FormatError, Header, PrivateKey, RecipientKey, SealError, SealParams, SealPlan, Stanza,
    UnwrapError, UnwrapKey, Wrap, wrap,
};

use crate::support::{P256, P256_OTHER, RSA, TestRng, X_WING, plan};

fn keys(count: usize) -> Vec<PrivateKey> {
    let mut rng = TestRng::new("many recipients");
    (0..count).map(|_| PrivateKey::generate_p256(&mut rng)).collect()
}

fn plan_for(recipients: Vec<RecipientKey>) -> Result<SealPlan, SealError> {
    SealPlan::new(
        SealParams {
            recipients,
            ..SealParams::default()
        },
        &mut TestRng::new("plan"),
    )
}

#[test]
fn none_one_255_256_and_257() {
    let keys = keys(257);
    for count in [0, 1, 255, 256] {
        let plan = plan_for(keys[..count].iter().map(PrivateKey::public).collect()).unwrap();
        let (header, _) = Header::parse(plan.header().bytes()).unwrap();
        assert_eq!(header.stanzas().len(), count);
        if let Some(last) = keys[..count].last() {
            let key = header.unwrap_with(last, &Binding::in_file()).unwrap();
            assert_eq!(key.expose(), plan.content_key().expose());
        }
    }
    let error = plan_for(keys.iter().map(PrivateKey::public).collect()).unwrap_err();
    let SealError::Params(FormatError::TooLarge {
        claimed: 257,
        cap: 256,
        ..
    }) = error
    else {
        panic!("{error}")
    };
}

/// A key with the modulus of [`RSA`] altered: good for wrapping, and for nothing else.
fn fake_rsa(number: u8) -> RecipientKey {
    let mut der = RSA.public().to_spki_der();
    der[100] = number;
    RecipientKey::from_spki_der(&der).unwrap()
}

#[test]
fn a_header_that_would_pass_its_cap_is_refused() {
    // 64 KiB hold 138 stanzas for RSA-3072, of 473 bytes each.
    let recipients = |count| (0..count).map(fake_rsa).collect();
    let plan = plan_for(recipients(138)).unwrap();
    assert_eq!(
        Header::parse(plan.header().bytes()).unwrap().0.stanzas().len(),
        138
    );
    let error = plan_for(recipients(139)).unwrap_err();
    assert!(
        matches!(error, SealError::HeaderTooLarge { needed, cap: 65_536 } if needed > 65_536),
        "{error}"
    );
}

#[test]
fn the_same_recipient_twice_is_refused() {
    let error = plan_for(vec![P256.public(), RSA.public(), P256.public()]).unwrap_err();
    let SealError::Params(FormatError::DuplicateRecipient(id)) = error else {
        panic!("{error}")
    };
    assert_eq!(id, P256.key_id());

    // And so it is in a header from elsewhere.
    let plan = plan("dup", None, vec![P256.public(), P256_OTHER.public()]);
    let mut bytes = plan.header().bytes().to_vec();
    let (first, second) = (bytes.len() - 56 - 2 * 153, bytes.len() - 56 - 153);
    bytes.copy_within(first..second, second);
    assert_eq!(
        Header::parse(&bytes).unwrap_err(),
        FormatError::DuplicateRecipient(P256.key_id())
    );
}

#[test]
fn a_key_that_is_no_recipient_is_not_tried() {
    struct Counting(PrivateKey, std::cell::Cell<u32>);
    impl UnwrapKey for Counting {
        fn key_id(&self) -> sealift_envelope::KeyId {
            self.0.key_id()
        }
        fn wrap(&self) -> Wrap {
            self.0.wrap()
        }
        fn unwrap_stanza(
            &self,
            stanza: &Stanza,
            info: &[u8],
        ) -> Result<sealift_envelope::ContentKey, UnwrapError> {
            self.1.set(self.1.get() + 1);
            self.0.unwrap_stanza(stanza, info)
        }
    }
    let plan = plan("not mine", None, vec![P256.public(), RSA.public()]);
    let stranger = Counting(PrivateKey::generate_p256(&mut TestRng::new("stranger")), 0.into());
    let error = plan
        .header()
        .unwrap_with(&stranger, &Binding::in_file())
        .unwrap_err();
    let UnwrapError::NotARecipient { key, recipients: 2 } = error else {
        panic!("{error}")
    };
    assert_eq!(key, stranger.key_id());
    assert_eq!(stranger.1.get(), 0);
}

#[test]
fn every_refusal_looks_the_same() {
    let plan = plan(
        "uniform",
        None,
        vec![P256.public(), RSA.public(), X_WING.public()],
    );
    let info = Binding::in_file();
    for key in [&*P256, &*RSA, &*X_WING] {
        let stanza = plan
            .header()
            .stanzas()
            .iter()
            .find(|s| s.key_id() == key.key_id())
            .unwrap();
        let info = info.info(stanza.wrap(), &stanza.key_id(), &plan.envelope_digest());
        let altered = |enc: Option<usize>, ct: Option<usize>| {
            let mut e = stanza.enc().to_vec();
            let mut c: [u8; 48] = stanza.ciphertext().try_into().unwrap();
            if let Some(at) = enc {
                e[at] ^= 1;
            }
            if let Some(at) = ct {
                c[at] ^= 1;
            }
            Stanza::new(stanza.wrap(), stanza.key_id(), e, c).unwrap()
        };
        assert_eq!(
            key.unwrap_stanza(stanza, &info).unwrap().expose(),
            plan.content_key().expose()
        );
        let zero_enc = Stanza::new(
            stanza.wrap(),
            stanza.key_id(),
            vec![0; stanza.enc().len()],
            [0; 48],
        )
        .unwrap();
        let all_ones = Stanza::new(
            stanza.wrap(),
            stanza.key_id(),
            vec![255; stanza.enc().len()],
            [0; 48],
        )
        .unwrap();
        let cases = [
            altered(Some(0), None),
            altered(Some(40), None),
            altered(None, Some(0)),
            altered(None, Some(47)),
            zero_enc,
            all_ones,
        ];
        for case in cases {
            assert!(matches!(
                key.unwrap_stanza(&case, &info),
                Err(UnwrapError::Refused)
            ));
        }
        assert!(matches!(
            key.unwrap_stanza(stanza, b"other info"),
            Err(UnwrapError::Refused)
        ));
    }
}

#[test]
fn a_p256_encapsulation_off_the_curve_is_refused() {
    let plan = plan("off the curve", None, vec![P256.public()]);
    let stanza = &plan.header().stanzas()[0];
    let info = Binding::in_file().info(Wrap::HpkeP256, &P256.key_id(), &plan.envelope_digest());
    let genuine = stanza.enc();
    let mut off = genuine.to_vec();
    off[64] ^= 1;
    let mut negated_form = genuine.to_vec();
    negated_form[0] = 5;
    // Zero coordinates are no point, and infinity, one zero byte, has another length.
    let infinity = [&[0][..], &[0; 64]].concat();
    let zero = [&[4][..], &[0; 64]].concat();
    for enc in [off, negated_form, infinity, zero] {
        let bad = Stanza::new(Wrap::HpkeP256, stanza.key_id(), enc, [0; 48]).unwrap();
        let result = P256.unwrap_stanza(&bad, &info);
        assert!(matches!(result, Err(UnwrapError::Refused)));
    }
    assert!(matches!(
        Stanza::new(Wrap::HpkeP256, stanza.key_id(), vec![0], [0; 48]),
        Err(FormatError::Field { .. })
    ));
}

#[test]
fn encapsulations_of_odd_lengths_are_refused() {
    let id = P256.key_id();
    for (wrap, good, bad) in [
        (Wrap::HpkeP256, [65, 65], [64, 66]),
        (Wrap::RsaOaep, [256, 1024], [255, 1025]),
        (Wrap::XWing, [1120, 1120], [1119, 1121]),
    ] {
        for len in good {
            Stanza::new(wrap, id, vec![4; len], [0; 48]).unwrap();
        }
        for len in bad {
            assert!(matches!(
                Stanza::new(wrap, id, vec![4; len], [0; 48]),
                Err(FormatError::Field { .. })
            ));
        }
    }
}

#[test]
fn a_stanza_opens_only_where_it_was_made_for() {
    let plan = plan("binding", None, vec![]);
    let mut rng = TestRng::new("binding");
    let digest = plan.envelope_digest();
    let other_digest = sealift_envelope::EnvelopeDigest::from_bytes([1; 32]);
    let bindings = [
        Binding::in_file(),
        Binding::key_file("repo", "path"),
        Binding::key_file("repo", "path2"),
        Binding::key_file("repo2", "path"),
        Binding::key_file("path", "repo"),
        Binding::key_box("repo", "path", "vehicle", "ecu"),
        Binding::key_box("repo", "path", "vehicle2", "ecu"),
        Binding::key_box("repo", "path", "vehicle", "ecu2"),
        Binding::key_box("repo", "path", "ecu", "vehicle"),
    ];
    for key in [&*P256, &*RSA, &*X_WING] {
        for made in &bindings {
            let stanza = wrap(plan.content_key(), &key.public(), &digest, made, &mut rng).unwrap();
            for used in &bindings {
                let info = used.info(stanza.wrap(), &stanza.key_id(), &digest);
                assert_eq!(
                    key.unwrap_stanza(&stanza, &info).is_ok(),
                    made == used,
                    "{made:?} {used:?}"
                );
            }
            let info = made.info(stanza.wrap(), &stanza.key_id(), &other_digest);
            assert!(key.unwrap_stanza(&stanza, &info).is_err());
        }
    }
}
