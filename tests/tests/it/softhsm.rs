//! SoftHSM finds its tokens by an environment variable, so each test that has one runs again in a child process.

use std::fs;
use std::path::Path;
use std::process::Command;

pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub(crate) const PIN: &str = "71077345";
const INSIDE: &str = "SEALIFT_TEST_INSIDE";

/// True in the child for the test `name`, which has an empty token `Director`, and its PIN in `TOKEN_PIN`.
pub(crate) fn inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == *name) {
        return true;
    }
    if !Path::new(MODULE).exists() {
        eprintln!("left out: {name}: SoftHSM is not installed (on Debian: apt-get install softhsm2)");
        return false;
    }
    let dir = tempfile::tempdir().unwrap();
    let (conf, tokens) = (dir.path().join("softhsm2.conf"), dir.path().join("tokens"));
    fs::create_dir(&tokens).unwrap();
    let text = format!("directories.tokendir = {}\n", tokens.display());
    fs::write(&conf, text).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "Director"])
        .args(["--pin", PIN, "--so-pin", "31415926"])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, name)
        .env("SOFTHSM2_CONF", &conf)
        .env("SEALIFT_PKCS11_MODULE", MODULE)
        .env("TOKEN_PIN", PIN)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{errors}"
    );
    false
}

/// Moves a private key out of its file into the token, as its vendor's tool does; gives its new name.
pub(crate) fn take(file: &Path, label: &str) -> String {
    let imported = Command::new("softhsm2-util")
        .args(["--token", "Director", "--pin", PIN, "--label", label])
        .args(["--id", &hex::encode(label)])
        .arg("--import")
        .arg(file)
        .output()
        .unwrap();
    assert!(imported.status.success(), "{imported:?}");
    fs::remove_file(file).unwrap();
    format!("pkcs11:token=Director;object={label}?pin-source=env:TOKEN_PIN")
}
