//! Key boxes: the content key for one ECU of one vehicle.

use sealift_envelope::{Binding, FormatError, KeyBox, SealError, UnwrapError};

use crate::support::{P256, P256_OTHER, RSA, TestRng, X_WING, plan};

fn binding() -> Binding {
    Binding::key_box("repository", "brake/firmware.img", "VIN-1", "ECU-7")
}

#[test]
fn the_ecu_opens_its_box_and_no_other() {
    let plan = plan("key box", None, vec![]);
    let digest = plan.envelope_digest();
    for key in [&*P256, &*RSA, &*X_WING] {
        let mut rng = TestRng::new("box");
        let made = KeyBox::create(plan.content_key(), &key.public(), &digest, &binding(), &mut rng).unwrap();
        let key_box = KeyBox::parse(&made.encode()).unwrap();
        assert_eq!(key_box, made);
        assert_eq!(key_box.envelope_digest(), digest);
        plan.header()
            .check_key(&key_box.open(key, &binding()).unwrap())
            .unwrap();

        let others = [
            Binding::key_box("repository", "brake/firmware.img", "VIN-1", "ECU-8"),
            Binding::key_box("repository", "brake/firmware.img", "VIN-2", "ECU-7"),
            Binding::key_box("repository", "engine/firmware.img", "VIN-1", "ECU-7"),
            Binding::key_box("another", "brake/firmware.img", "VIN-1", "ECU-7"),
            Binding::key_file("repository", "brake/firmware.img"),
        ];
        for other in others {
            assert!(
                matches!(key_box.open(key, &other), Err(UnwrapError::Refused)),
                "{other:?}"
            );
        }
        let stranger = key_box.open(&*P256_OTHER, &binding());
        assert!(matches!(
            stranger,
            Err(UnwrapError::NotARecipient { recipients: 1, .. })
        ));
    }
}

#[test]
fn a_box_is_not_made_for_another_place() {
    let plan = plan("elsewhere", None, vec![]);
    for place in [
        Binding::in_file(),
        Binding::key_file("repository", "brake/firmware.img"),
    ] {
        let mut rng = TestRng::new("box");
        let made = KeyBox::create(
            plan.content_key(),
            &P256.public(),
            &plan.envelope_digest(),
            &place,
            &mut rng,
        );
        assert!(matches!(made, Err(SealError::Params(_))), "{place:?}");
    }
}

#[test]
fn a_box_is_small_enough_for_metadata() {
    let plan = plan("small", None, vec![]);
    let digest = plan.envelope_digest();
    let len = |key: &sealift_envelope::PrivateKey| {
        let mut rng = TestRng::new("box");
        KeyBox::create(plan.content_key(), &key.public(), &digest, &binding(), &mut rng)
            .unwrap()
            .encode()
            .len()
    };
    assert_eq!((len(&P256), len(&RSA), len(&X_WING)), (190, 510, 1246));
}

#[test]
fn malformed_boxes_are_refused() {
    let plan = plan("malformed", None, vec![]);
    let mut rng = TestRng::new("box");
    let digest = plan.envelope_digest();
    let made = KeyBox::create(plan.content_key(), &P256.public(), &digest, &binding(), &mut rng).unwrap();
    let bytes = made.encode();
    for cut in 0..bytes.len() {
        assert!(KeyBox::parse(&bytes[..cut]).is_err(), "{cut}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(
        KeyBox::parse(&longer),
        Err(FormatError::Trailing { .. })
    ));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            if let Ok(parsed) = KeyBox::parse(&altered) {
                assert_eq!(parsed.encode(), altered);
                assert!(parsed.open(&*P256, &binding()).is_err(), "byte {at}");
            }
        }
    }
}
