//! Finding the token.

use cryptoki::context::Pkcs11;
use cryptoki::slot::{Slot, TokenInfo};

use super::faults;
use crate::error::{CustodyError, Fault};
use crate::uri::Wanted;

/// The one token that fits.
pub(super) fn find(module: &Pkcs11, wanted: &Wanted) -> Result<(Slot, TokenInfo), CustodyError> {
    let module_fault = |error| faults::sort("", error);
    let mut present = Vec::new();
    let mut fitting = Vec::new();
    for slot in module.get_slots_with_token().map_err(module_fault)? {
        // A token that is being pulled out is none.
        let Ok(info) = module.get_token_info(slot) else {
            continue;
        };
        if !info.token_initialized() {
            continue;
        }
        present.push(format!("`{}` (serial {})", info.label(), info.serial_number()));
        if fits(wanted, slot, &info) {
            fitting.push((slot, info));
        }
    }
    match fitting.len() {
        1 => Ok(fitting.remove(0)),
        0 => {
            let present = match present.as_slice() {
                [] => "There is no token at all: plug it in, and check the module".to_owned(),
                some => format!("Name one of those that are there: {}", some.join(", ")),
            };
            Err(CustodyError::new(
                Fault::NotFound,
                "no token fits the URI",
                present,
            ))
        }
        _ => Err(CustodyError::new(
            Fault::NotFound,
            "more than one token fits the URI",
            format!("Name one by token, serial or slot-id: {}", present.join(", ")),
        )),
    }
}

fn fits(wanted: &Wanted, slot: Slot, info: &TokenInfo) -> bool {
    let same = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    same(&wanted.label, info.label())
        && same(&wanted.manufacturer, info.manufacturer_id())
        && same(&wanted.model, info.model())
        && same(&wanted.serial, info.serial_number())
        && wanted.slot.is_none_or(|wanted| wanted == slot.id())
}
