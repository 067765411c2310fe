//! Vendors' modules, each loaded and initialised once in a process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};

use crate::error::{CustodyError, Fault};
use crate::pin;

/// Modules stay for the life of the process: a second `C_Initialize` fails, and a `C_Finalize` would take the sessions of
/// every other key with it.
static LOADED: Mutex<Vec<(PathBuf, Pkcs11)>> = Mutex::new(Vec::new());

pub(super) fn load(named: Option<&Path>) -> Result<Pkcs11, CustodyError> {
    let path = named.map(Path::to_owned).or_else(pin::default_module);
    let path = path.ok_or_else(|| {
        CustodyError::new(
            Fault::Settings,
            "no PKCS#11 module is named",
            "Add `?module-path=/…/module.so` to the URI, or set SEALIFT_PKCS11_MODULE",
        )
    })?;
    if !path.is_absolute() {
        return Err(CustodyError::new(
            Fault::Settings,
            format!("the PKCS#11 module {} is not an absolute path", path.display()),
            "Give the whole path in SEALIFT_PKCS11_MODULE",
        ));
    }
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, module)) = loaded.iter().find(|(known, _)| *known == path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(&path).map_err(|error| {
        CustodyError::new(
            Fault::Settings,
            format!("{} cannot be loaded as a PKCS#11 module", path.display()),
            "Give the module of the token's vendor, such as /usr/lib/softhsm/libsofthsm2.so",
        )
        .because(error)
    })?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => {
            return Err(CustodyError::new(
                Fault::Settings,
                format!("the PKCS#11 module {} does not start", path.display()),
                "Check its vendor's configuration (for SoftHSM: SOFTHSM2_CONF) and who may read it",
            )
            .because(error));
        }
    }
    loaded.push((path, module.clone()));
    Ok(module)
}
