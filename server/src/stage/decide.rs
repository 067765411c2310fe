//! The decision: what each ECU of a vehicle should install now, and why not where it should not. Pure functions.

use crate::db::{AssignmentRow, EcuRow, VehicleRow};
use std::collections::{BTreeMap, BTreeSet};

/// What a vehicle should install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// By target path, then by serial.
    pub install: BTreeMap<&'a str, Vec<(&'a EcuRow, &'a AssignmentRow)>>,
    /// ECUs with an assignment that is not handed out.
    pub withheld: Vec<(&'a str, Withheld)>,
}

/// Why an assignment is not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// It is what the ECU reports as installed.
    Installed,
    /// The ECU reports a higher release counter and would refuse it.
    InstalledIsNewer,
    /// The Image repository lists no such target for the hardware of all who are to install it, or another image under its path:
    /// assign again.
    NotListed,
}

impl Withheld {
    /// Its name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::InstalledIsNewer => "installed-is-newer",
            Self::NotListed => "not-listed",
        }
    }
}

/// What the Image repository lists under a path: SHA-256 of the object, and release counter.
pub(crate) type Listed = ([u8; 32], u64);

impl<'a> Decision<'a> {
    /// What `vehicle` is assigned and has not installed.
    pub fn of(vehicle: &'a VehicleRow) -> Self {
        let mut decision = Self {
            install: BTreeMap::new(),
            withheld: Vec::new(),
        };
        for ecu in &vehicle.ecus {
            let Some(assignment) = &ecu.assignment else {
                continue;
            };
            match not_needed(ecu, assignment) {
                Some(why) => decision.withheld.push((ecu.serial.as_str(), why)),
                None => decision
                    .install
                    .entry(assignment.target.as_str())
                    .or_default()
                    .push((ecu, assignment)),
            }
        }
        decision
    }

    /// The hardware of all ECUs that are to install a target, by its path.
    pub fn hardware(&self) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let ids = |ecus: &[(&'a EcuRow, &'a AssignmentRow)]| {
            ecus.iter().map(|(ecu, _)| ecu.hardware_id.as_str()).collect()
        };
        let targets = self.install.iter();
        targets.map(|(path, ecus)| (*path, ids(ecus))).collect()
    }

    /// Withholds what the Image repository does not list so.
    pub(crate) fn withhold_unlisted(&mut self, listed: impl Fn(&str) -> Option<Listed>) {
        let withheld = &mut self.withheld;
        self.install.retain(|path, ecus| {
            let listed = listed(path);
            ecus.retain(|(ecu, assignment)| {
                let same = listed == Some((assignment.sha256, assignment.release_counter));
                if !same {
                    withheld.push((ecu.serial.as_str(), Withheld::NotListed));
                }
                same
            });
            !ecus.is_empty()
        });
    }
}

fn not_needed(ecu: &EcuRow, assignment: &AssignmentRow) -> Option<Withheld> {
    let installed = ecu.report.as_ref().and_then(|report| report.installed.as_ref())?;
    if is_installed(installed.sha256, installed.release_counter, assignment) {
        return Some(Withheld::Installed);
    }
    (installed.release_counter > assignment.release_counter).then_some(Withheld::InstalledIsNewer)
}

/// Whether a reported image is the assigned one: by plaintext and release counter, so that sealing anew re-flashes nobody.
pub(super) fn is_installed(plain_sha256: [u8; 32], release_counter: u64, assignment: &AssignmentRow) -> bool {
    plain_sha256 == assignment.plain_sha256 && release_counter == assignment.release_counter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{InstalledRow, ReportRow};
    use jiff::Timestamp;
    use sealift_wire::VehicleState;

    fn vehicle(installed: Option<([u8; 32], u64)>) -> VehicleRow {
        let at = Timestamp::UNIX_EPOCH;
        let assignment = AssignmentRow {
            target: "a.img".to_owned(),
            length: 1,
            sha256: [1; 32],
            plain_sha256: [2; 32],
            release_counter: 5,
            key_box: None,
            assigned_at: at,
            correlation_id: "c".to_owned(),
            confirmed_at: None,
        };
        let report = installed.map(|(sha256, release_counter)| ReportRow {
            counter: 1,
            sha256: [0; 32],
            latest_time: at,
            received_at: at,
            installed: Some(InstalledRow {
                path: "b.img".to_owned(),
                sha256,
                length: 1,
                release_counter,
            }),
            attacks: vec![],
        });
        let ecu = EcuRow {
            serial: "e".to_owned(),
            hardware_id: "hw".to_owned(),
            primary: true,
            signing_key_id: String::new(),
            signing_key_pem: String::new(),
            sealing_key: None,
            require_sealed: false,
            assignment: Some(assignment),
            report,
        };
        VehicleRow {
            id: "v".to_owned(),
            state: VehicleState::Active,
            certificate_key_id: String::new(),
            last_seen_at: None,
            manifest_sha256: None,
            ecus: vec![ecu],
        }
    }

    #[test]
    fn truth_table() {
        let listed = Some(([1; 32], 5));
        for (installed, listed, wanted) in [
            (None, listed, None),
            (Some(([9; 32], 4)), listed, None),
            (Some(([9; 32], 5)), listed, None),
            (Some(([2; 32], 4)), listed, None),
            (Some(([2; 32], 5)), listed, Some(Withheld::Installed)),
            (Some(([2; 32], 5)), None, Some(Withheld::Installed)),
            (Some(([9; 32], 6)), listed, Some(Withheld::InstalledIsNewer)),
            (None, None, Some(Withheld::NotListed)),
            (None, Some(([3; 32], 5)), Some(Withheld::NotListed)),
            (None, Some(([1; 32], 6)), Some(Withheld::NotListed)),
        ] {
            let vehicle = vehicle(installed);
            let mut decision = Decision::of(&vehicle);
            decision.withhold_unlisted(|path| listed.filter(|_| path == "a.img"));
            assert_eq!(
                decision.withheld.first().map(|(_, why)| *why),
                wanted,
                "{installed:?} {listed:?}"
            );
            assert_eq!(decision.install.is_empty(), wanted.is_some());
        }
    }
}
