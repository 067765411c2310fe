//! `signed.custom.sealift_delegations`: what Uptane says of delegations and TUF has no field for.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Agreement, DelegatedRole, MAX_DELEGATIONS};
use crate::document::FormatError;
use crate::fields::{Fields, wrong};
use crate::ids::HardwareId;

/// The name of the object inside `signed.custom`.
pub(super) const FIELD: &str = "sealift_delegations";
/// Most hardware ids of one role.
const MAX_HARDWARE_IDS: usize = 256;

/// Reads the object strictly, since whoever does not understand a term does not keep to it. Hardware ids go to the roles.
pub(super) fn apply(terms: &Fields<'_>, roles: &mut [DelegatedRole]) -> Result<Vec<Agreement>, FormatError> {
    terms.only(&["hardware_ids", "agreements"])?;
    if terms.optional("hardware_ids").is_some() {
        let lists = terms.object("hardware_ids")?;
        for (name, _) in lists.iter() {
            let at = position(roles, name).ok_or_else(|| {
                wrong(
                    terms.at("hardware_ids"),
                    "a role is named that is not delegated to",
                )
            })?;
            roles[at].hardware_ids = Some(hardware_ids(&lists, name)?);
        }
    }
    let mut agreements = Vec::new();
    if terms.optional("agreements").is_some() {
        for entry in terms.array("agreements", MAX_DELEGATIONS)? {
            let agreement = parse_agreement(&Fields::of(entry, terms.at("agreements[]"))?, roles)?;
            if agreements
                .iter()
                .any(|other: &Agreement| overlap(&other.roles, &agreement.roles))
            {
                return Err(wrong(terms.at("agreements"), "a role is in two agreements"));
            }
            agreements.push(agreement);
        }
    }
    Ok(agreements)
}

fn hardware_ids(lists: &Fields<'_>, name: &str) -> Result<BTreeSet<HardwareId>, FormatError> {
    let ids = lists.names(name, MAX_HARDWARE_IDS)?;
    match ids.is_empty() {
        true => Err(wrong(lists.at(name), "at least one hardware id is expected")),
        false => Ok(ids),
    }
}

fn parse_agreement(fields: &Fields<'_>, roles: &[DelegatedRole]) -> Result<Agreement, FormatError> {
    fields.only(&["roles", "threshold"])?;
    let at = || fields.at("roles");
    let names = fields.array("roles", MAX_DELEGATIONS)?;
    let first = names.first().and_then(|name| position(roles, name.as_str()?));
    let members = first
        .and_then(|first| Some(first..first.checked_add(names.len())?))
        .filter(|members| {
            roles.get(members.clone()).is_some_and(|roles| {
                roles
                    .iter()
                    .map(|role| Some(role.name.as_str()))
                    .eq(names.iter().map(|name| name.as_str()))
            })
        })
        .ok_or_else(|| {
            wrong(
                at(),
                "roles are expected that are delegated to one after the other",
            )
        })?;
    let (head, rest) = match roles[members.clone()].split_first() {
        Some((head, rest)) if !rest.is_empty() => (head, rest),
        _ => return Err(wrong(at(), "at least two roles are expected")),
    };
    let alike = |role: &DelegatedRole| {
        role.paths == head.paths
            && role.terminating == head.terminating
            && role.hardware_ids == head.hardware_ids
    };
    if !rest.iter().all(alike) {
        return Err(wrong(
            at(),
            "roles with the same paths, hardware ids and terminating are expected",
        ));
    }
    let threshold = usize::try_from(fields.version("threshold")?)
        .ok()
        .filter(|threshold| *threshold <= members.len())
        .ok_or_else(|| wrong(fields.at("threshold"), "at most the number of roles is expected"))?;
    Ok(Agreement {
        roles: members,
        threshold,
    })
}

fn position(roles: &[DelegatedRole], name: &str) -> Option<usize> {
    roles.iter().position(|role| role.name.as_str() == name)
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}
