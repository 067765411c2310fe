//! A plan seals one plaintext: another is noticed before anything is given out that repeats a nonce.

use std::io::{self, Read, Write};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sealift_envelope::{
    CHUNK_LEN, ContentKey, Digest, InterruptedPlan, SealError, SealPlan, Sealed, SegmentAlg, SegmentSize,
};

use crate::support::{key_of, plaintext, plan, run};

/// Bytes of plaintext that are sealed and given out together.
const BLOCK: usize = 8 * CHUNK_LEN;

/// What a run gives out, whatever its end.
fn attempt(plan: &SealPlan, plain: impl Read) -> (Result<Sealed, SealError>, Vec<u8>) {
    let mut out = Vec::new();
    let result = plan.run(plain, &mut out, &mut |_| ());
    (result, out)
}

fn assert_other<T>(result: Result<T, SealError>) {
    let error = result.err().unwrap();
    assert!(matches!(error, SealError::OtherPlaintext), "{error}");
}

#[test]
fn every_way_to_be_another_plaintext_ends_at_its_block() {
    let first = plaintext(3 * BLOCK + 100);
    let changed = |at: usize| {
        let mut other = first.clone();
        other[at] ^= 1;
        other
    };
    let longer = [&first[..], &[0]].concat();
    for (what, other, whole_blocks) in [
        ("first byte", changed(0), 0),
        ("last byte of a block", changed(BLOCK - 1), 0),
        ("first byte of the next", changed(BLOCK), 1),
        ("last byte", changed(3 * BLOCK + 99), 3),
        ("shorter", first[..3 * BLOCK + 99].to_vec(), 3),
        ("cut at a block", first[..2 * BLOCK].to_vec(), 2),
        ("empty", Vec::new(), 0),
        ("longer", longer, 3),
        ("longer by blocks", [&first[..], &first].concat(), 3),
    ] {
        let plan = plan("one", None, vec![]);
        let image = run(&plan, &first);
        let (result, out) = attempt(&plan, other.as_slice());
        assert_other(result);
        let header = plan.header().bytes().len();
        assert_eq!(out.len(), header + whole_blocks * 8 * (CHUNK_LEN + 16), "{what}");
        assert_eq!(out, image[..out.len()], "{what}");

        // The machine that is pushed does the same, and the plan is as good as before.
        let mut sealer = plan.sealer().unwrap();
        let mut pushed = plan.header().bytes().to_vec();
        let mut pieces = other.chunks(10_000);
        let failed = pieces.try_for_each(|piece| sealer.update(piece, &mut pushed));
        assert_other(failed.and_then(|()| sealer.finish(&mut pushed)));
        assert_eq!(pushed, out, "{what}");
        assert_eq!(run(&plan, &first), image, "{what}");
    }
}

/// What an interrupted run gave out counts as well.
#[test]
fn a_run_that_broke_off_binds_the_next() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (one, other) = (plaintext(3 * BLOCK), vec![7; 3 * BLOCK]);
    let plan = plan("broke off", None, vec![]);
    let broken = plan.run(one.as_slice(), Full(BLOCK + BLOCK / 2), &mut |_| ());
    assert!(matches!(broken, Err(SealError::Write(_))));
    let (result, out) = attempt(&plan, other.as_slice());
    assert_other(result);
    assert_eq!(out, plan.header().bytes());
    // It may end differently where nothing was sealed yet.
    let ending = [&one[..2 * BLOCK], &other[2 * BLOCK..]].concat();
    let (result, _) = attempt(&plan, ending.as_slice());
    result.unwrap();
    assert_other(attempt(&plan, one.as_slice()).0);
}

/// The source changes while both runs are under way; neither has come to an end.
#[test]
fn runs_that_overlap_agree() {
    struct Interleaved<'a> {
        plan: &'a SealPlan,
        inner: bool,
    }
    impl Read for Interleaved<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.inner, false) {
                let (result, _) = attempt(self.plan, [1; BLOCK].as_slice());
                result.map_err(io::Error::other)?;
            }
            out.fill(2);
            Ok(out.len())
        }
    }
    let plan = plan("overlap", None, vec![]);
    let inner = true;
    let (result, out) = attempt(&plan, Interleaved { plan: &plan, inner });
    assert_other(result);
    assert_eq!(out, plan.header().bytes());
}

#[test]
fn a_plan_of_an_earlier_process_is_held_to_its_plaintext() {
    let (one, other) = (plaintext(BLOCK + 1), vec![7; BLOCK + 1]);
    let plan = plan("earlier", None, vec![]);
    let (sealed, image) = attempt(&plan, one.as_slice());
    let plain = sealed.unwrap().plain;
    let resume = |key| {
        let (alg, size) = (SegmentAlg::default(), SegmentSize::default());
        InterruptedPlan::new(key, plan.header().clone(), plain, alg, size)
    };
    let prove = |plain: &[u8]| resume(key_of(&plan)).unwrap().prove(plain, &mut |_| ());
    assert_other(prove(&other));
    assert_other(prove(&one[..BLOCK]));
    let (resumed, again) = prove(&one).unwrap();
    assert_eq!(again.sealed, Digest::of(&image));
    assert_eq!(run(&resumed, &one), image);
    let (result, out) = attempt(&resumed, other.as_slice());
    assert_other(result);
    assert_eq!(out, resumed.header().bytes());
    assert!(matches!(
        resume(ContentKey::from_bytes([7; 32])),
        Err(SealError::Cipher)
    ));
}

/// Whoever comes to a block first decides; nobody gives out another.
#[test]
fn threads_agree() {
    let plan = plan("threads", None, vec![]);
    let outs = thread::scope(|scope| {
        let run = |n| {
            let plan = &plan;
            scope.spawn(move || (n, attempt(plan, [n; 4 * BLOCK].as_slice())))
        };
        let threads: Vec<_> = (0..4_u8).map(run).collect();
        let outs = threads.into_iter().map(|thread| thread.join().unwrap());
        outs.collect::<Vec<_>>()
    });
    let longest = outs.iter().map(|(_, (_, out))| out).max_by_key(|out| out.len());
    for (n, (_, out)) in &outs {
        assert!(longest.unwrap().starts_with(out), "{n}");
    }
    assert_eq!(outs.iter().filter(|(_, (result, _))| result.is_ok()).count(), 1);
}

#[test]
fn a_sealer_that_failed_stays_failed() {
    let (one, other) = (plaintext(2 * BLOCK), vec![7; BLOCK]);
    let plan = plan("failed", None, vec![]);
    run(&plan, &one);
    let mut sealer = plan.sealer().unwrap();
    let mut out = vec![1];
    assert_other(sealer.update(&other, &mut out));
    for piece in [&one[BLOCK..], &[]] {
        let again = sealer.update(piece, &mut out);
        assert!(matches!(again, Err(SealError::Poisoned)));
    }
    assert!(matches!(sealer.finish(&mut out), Err(SealError::Poisoned)));
    assert_eq!(out, [1]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_place_is_given_out_twice(len in 0..3 * BLOCK, at in any::<prop::sample::Index>(), cut: bool) {
        let one = plaintext(len + 1);
        let mut other = one.clone();
        let at = at.index(other.len());
        if cut { other.truncate(at) } else { other[at] ^= 0x80 }
        let plan = plan("any", None, vec![]);
        let image = run(&plan, &one);
        let (result, out) = attempt(&plan, other.as_slice());
        prop_assert!(matches!(result, Err(SealError::OtherPlaintext)));
        prop_assert!(image.starts_with(&out));
    }
}
