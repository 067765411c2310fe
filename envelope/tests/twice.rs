//! A plan run twice gives the same bytes; announced lengths are held to.

use sealift_envelope::SealError;

use crate::support::{P256, RSA, plaintext, plan, run};

#[test]
fn a_plan_run_twice_gives_identical_bytes() {
    let plain = plaintext(1_100_000);
    let plan = plan(
        "twice",
        Some(plain.len() as u64),
        vec![P256.public(), RSA.public()],
    );
    let mut image = Vec::new();
    let first = plan.run(plain.as_slice(), std::io::sink(), &mut |_| {}).unwrap();
    let second = plan.run(plain.as_slice(), &mut image, &mut |_| {}).unwrap();
    assert_eq!(first, second);
    assert_eq!(image, run(&plan, &plain));
    assert_eq!(first.sealed, sealift_envelope::Digest::of(&image));
    assert_eq!(first.header, plan.header().digest());
    assert_eq!(first.envelope, plan.envelope_digest());
}

#[test]
fn two_plans_give_different_bytes() {
    let plain = plaintext(100);
    let (a, b) = (plan("a", None, vec![]), plan("b", None, vec![]));
    assert_ne!(run(&a, &plain), run(&b, &plain));
    assert_ne!(a.envelope_digest(), b.envelope_digest());
}

#[test]
fn an_announced_length_is_held_to() {
    let plan = plan("announced", Some(20_000), vec![]);
    for (len, found) in [(19_999, 19_999), (20_001, 20_001), (0, 0)] {
        let error = plan
            .run(plaintext(len).as_slice(), std::io::sink(), &mut |_| {})
            .unwrap_err();
        let SealError::PlainLength {
            announced: 20_000,
            found: f,
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!(f, found);
    }
    // Stops at once, long before the end of an endless input.
    let error = plan
        .run(std::io::repeat(0), std::io::sink(), &mut |_| {})
        .unwrap_err();
    assert!(
        matches!(
            error,
            SealError::PlainLength {
                announced: 20_000,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_failing_reader_or_writer_is_told_apart() {
    struct Bad;
    impl std::io::Read for Bad {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("bad"))
        }
    }
    impl std::io::Write for Bad {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("bad"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let plan = plan("bad", None, vec![]);
    let read = plan.run(Bad, std::io::sink(), &mut |_| {}).unwrap_err();
    assert!(matches!(read, SealError::Read(_)), "{read}");
    let write = plan.run(std::io::empty(), Bad, &mut |_| {}).unwrap_err();
    assert!(matches!(write, SealError::Write(_)), "{write}");
}
