//! SoftHSM: each test has a token of its own, in a child process of its own.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::Attribute;
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use sealift_custody::{AskPin, CustodyError, HeldKey, KeyUri, NobodyToAsk, Pin};

use crate::child;

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
pub(crate) const PIN: &str = "71077345";
const SO_PIN: &str = "31415926";
pub(crate) const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// True in the child. In the parent, makes a token `Director` and runs the child with it.
pub(crate) fn inside(name: &str) -> bool {
    if child::is_inside(name) {
        return true;
    }
    let Some(module) = MODULES.into_iter().find(|path| Path::new(path).exists()) else {
        eprintln!("left out: {name}: SoftHSM is not installed (on Debian: apt-get install softhsm2)");
        return false;
    };
    let dir = tempfile::tempdir().unwrap();
    let tokens = dir.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let conf = dir.path().join("softhsm2.conf");
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    std::fs::write(&conf, text).unwrap();
    for label in ["Director", "Spare"] {
        let made = Command::new("softhsm2-util")
            .args([
                "--init-token",
                "--free",
                "--label",
                label,
                "--pin",
                PIN,
                "--so-pin",
                SO_PIN,
            ])
            .env("SOFTHSM2_CONF", &conf)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let pin_file = dir.path().join("pin");
    std::fs::write(&pin_file, format!("{PIN}\n")).unwrap();
    child::run(
        name,
        &[
            ("SOFTHSM2_CONF", conf.into_os_string()),
            ("SEALIFT_PKCS11_MODULE", module.into()),
            ("PIN_FILE", pin_file.into_os_string()),
            ("TOKEN_PIN", PIN.into()),
        ],
    );
    false
}

pub(crate) fn variable(name: &str) -> String {
    std::env::var_os(name).unwrap().into_string().unwrap()
}

/// A session of the vendor's tool, so to speak.
pub(crate) struct Workshop(pub(crate) Session);

impl Workshop {
    pub(crate) fn open() -> Self {
        let module = Pkcs11::new(variable("SEALIFT_PKCS11_MODULE")).unwrap();
        // Fails where the crate under test was first.
        let _ = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let mut slots = module.get_slots_with_token().unwrap().into_iter();
        let slot = slots.find(|slot| module.get_token_info(*slot).unwrap().label() == "Director");
        let session = module.open_rw_session(slot.unwrap()).unwrap();
        let _ = session.login(UserType::User, Some(&AuthPin::from(PIN)));
        // The module stays initialised: finalising it would take the other sessions along.
        std::mem::forget(module);
        Self(session)
    }

    /// Makes a key pair whose id is its label.
    pub(crate) fn pair(
        &self,
        generate: &Mechanism<'_>,
        label: &str,
        public: &[Attribute],
        private: &[Attribute],
    ) {
        let name = [
            Attribute::Label(label.into()),
            Attribute::Id(label.into()),
            Attribute::Token(true),
        ];
        let (public, private) = ([&name[..], public].concat(), [&name[..], private].concat());
        self.0.generate_key_pair(generate, &public, &private).unwrap();
    }

    /// Whether the module has this mechanism.
    pub(crate) fn has(&self, mechanism: MechanismType) -> bool {
        let module = Pkcs11::new(variable("SEALIFT_PKCS11_MODULE")).unwrap();
        let slot = self.0.get_session_info().unwrap().slot_id();
        let list = module.get_mechanism_list(slot).unwrap();
        std::mem::forget(module);
        list.contains(&mechanism)
    }

    pub(crate) fn p256(&self, label: &str, id: u8) {
        let name = [
            Attribute::Label(label.into()),
            Attribute::Id(vec![id]),
            Attribute::Token(true),
        ];
        let public = [&name[..], &[Attribute::EcParams(P256.to_vec())]].concat();
        let private = [&name[..], &[Attribute::Derive(true), Attribute::Sensitive(true)]].concat();
        self.0
            .generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)
            .unwrap();
    }

    pub(crate) fn rsa(&self, label: &str, bits: u64) {
        let name = [
            Attribute::Label(label.into()),
            Attribute::Id(vec![0x55]),
            Attribute::Token(true),
        ];
        let numbers = [
            Attribute::ModulusBits(bits.into()),
            Attribute::PublicExponent(vec![1, 0, 1]),
            Attribute::Encrypt(true),
        ];
        let public = [&name[..], &numbers].concat();
        let private = [&name[..], &[Attribute::Decrypt(true)]].concat();
        self.0
            .generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private)
            .unwrap();
    }
}

pub(crate) fn open(uri: &str) -> Result<HeldKey, CustodyError> {
    sealift_custody::open(&uri.parse::<KeyUri>().unwrap(), &NobodyToAsk)
}

/// Answers with this, and counts how often it was asked.
pub(crate) struct Answers<'a>(pub(crate) &'a str, pub(crate) Cell<u32>);

impl AskPin for Answers<'_> {
    fn ask(&self, token: &str) -> Result<Option<Pin>, Box<dyn std::error::Error + Send + Sync>> {
        assert_eq!(token, "Director");
        self.1.set(self.1.get() + 1);
        Ok(Some(Pin::new(self.0.to_owned().into())))
    }
}
