//! The stages of one cycle.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use sealift_envelope::SegmentList;
use sealift_metadata::trust::{RepositoryKind, TrustedRepository};
use sealift_metadata::uptane::cross_check;
use sealift_metadata::{EcuSerial, TimeSource, TrustedTime};

use super::{Outcome, Vehicle};
use crate::download::{self, Download, Wanted};
use crate::ecu_state::EcuState;
use crate::error::{Attack, CycleError, LocalError, Refusal};
use crate::events::Event;
use crate::image::{Identity, VerifiedSealed};
use crate::installer::Installer;
use crate::layout::Repository;
use crate::objects;
use crate::refresh::refresh;
use crate::report;
use crate::search::find_directed;
use crate::select::{Selected, select, something_new};
use crate::transport::Transport;

/// Cycles in a row without an answer that are reported as an attack.
const UNREACHABLE_CYCLES: u32 = 3;

/// One cycle under way.
pub(super) struct Run<'a> {
    pub(super) vehicle: &'a Vehicle,
    pub(super) transport: &'a Transport<'a>,
    pub(super) installer: &'a dyn Installer,
    pub(super) states: &'a mut BTreeMap<EcuSerial, EcuState>,
}

impl Run<'_> {
    pub(super) async fn update(&mut self) -> Result<Outcome, CycleError> {
        self.report().await?;
        let now = self.time().await?;
        let director = self.refresh(Repository::Director, now).await?;
        self.raise_floor(now)?;
        if !something_new(&director, self.states)? {
            download::discard_others(&self.vehicle.layout, &[])?;
            self.transport.emit(Event::NothingNew).await;
            return Ok(Outcome::UpToDate);
        }
        let image = self.refresh(Repository::Image, now).await?;
        let listed = find_directed(self.transport, &self.vehicle.layout, &director, image, now).await?;
        let targets = cross_check(&director, &listed).map_err(|error| {
            Refusal::new(error.attack(), "director and image repository disagree").because(error)
        })?;
        let selected = select(targets, &self.vehicle.provisioned, self.states)?;
        download::discard_others(&self.vehicle.layout, &selected)?;
        let mut images = Vec::with_capacity(selected.len());
        for selected in selected {
            let key_box = objects::key_box(self.transport, &selected).await?;
            images.push((self.fetch(selected).await?, key_box));
        }
        let mut failed = None;
        for (sealed, key_box) in images {
            if let Err(error) = self.install(sealed, key_box.as_deref()).await {
                // The others are complete and verified; one ECU's trouble is not theirs.
                if failed.is_some() {
                    self.record(&error).await;
                }
                failed.get_or_insert(error);
            }
        }
        match failed {
            Some(error) => Err(error),
            None => {
                download::discard_others(&self.vehicle.layout, &[])?;
                self.report_late().await;
                Ok(Outcome::Installed)
            }
        }
    }

    /// Step 2: the one instant of this cycle (TUF 5.1).
    async fn time(&self) -> Result<TrustedTime, CycleError> {
        let clock = TrustedTime::new(self.transport.world().now(), TimeSource::SystemClock);
        let floor = self.floor();
        let Some(now) = TrustedTime::select([clock], floor) else {
            let detail = format!(
                "the clock says {}, which is before {floor}; set the clock",
                clock.instant()
            );
            return Err(Refusal::new(Attack::Time, detail).into());
        };
        self.transport
            .emit(Event::TimeTrusted {
                instant: now.instant().to_string(),
            })
            .await;
        Ok(now)
    }

    fn floor(&self) -> jiff::Timestamp {
        let kept = self.states.values().filter_map(EcuState::time_floor).max();
        kept.map_or(self.vehicle.provisioned.time_floor, |kept| {
            kept.max(self.vehicle.provisioned.time_floor)
        })
    }

    /// Metadata signed as fresh vouch for the instant: a clock set far ahead finds only expired ones and raises nothing.
    fn raise_floor(&mut self, now: TrustedTime) -> Result<(), CycleError> {
        for state in self.states.values_mut() {
            state.raise_time_floor(now.instant()).map_err(LocalError::from)?;
        }
        Ok(())
    }

    async fn refresh(
        &self,
        repository: Repository,
        now: TrustedTime,
    ) -> Result<TrustedRepository, CycleError> {
        let ecus = self.vehicle.provisioned.ecus.iter();
        let kind = match repository {
            Repository::Image => RepositoryKind::Image,
            Repository::Director => RepositoryKind::Director {
                vehicle_id: self.vehicle.provisioned.vehicle_id.clone(),
                ecus: ecus
                    .map(|ecu| (ecu.serial.clone(), ecu.hardware_id.clone()))
                    .collect(),
            },
        };
        refresh(self.transport, &self.vehicle.layout, repository, kind, now).await
    }

    /// Step 4: the sealed bytes, complete and verified.
    async fn fetch(&self, selected: Selected) -> Result<VerifiedSealed, CycleError> {
        let (target, layout) = (selected.target(), &self.vehicle.layout);
        self.transport
            .emit(Event::TargetSelected {
                ecu: selected.ecu().serial.to_string(),
                path: target.path().to_string(),
                version: target.profile().version.clone(),
                length: target.length(),
            })
            .await;
        let segments = objects::segment_list(self.transport, target).await?;
        let path = target.path().to_string();
        let wanted = Wanted {
            path: &path,
            url_path: sealift_wire::paths::repo_target(&target.path().store_name(target.sha256())),
            sha256: *target.sha256(),
            length: target.length(),
            segments: segments.as_ref(),
        };
        let (download, discarded) = Download::open(wanted, layout)?;
        if let Some(reason) = discarded {
            self.transport
                .emit(Event::JournalDiscarded {
                    path: path.clone(),
                    reason,
                })
                .await;
        }
        let (held, count) = download.progress();
        if held > 0 {
            self.transport
                .emit(Event::Resumed {
                    path: path.clone(),
                    held,
                    segments: count,
                })
                .await;
        }
        let (file, part) = download.run(self.transport).await?;
        self.gate(selected, file, part, segments.as_ref()).await
    }

    /// The flat SHA-256 gate. A file that fails it is useless, whoever spoilt it.
    async fn gate(
        &self,
        selected: Selected,
        file: File,
        part: PathBuf,
        segments: Option<&SegmentList>,
    ) -> Result<VerifiedSealed, CycleError> {
        let sha256 = *selected.target().sha256();
        let error = match VerifiedSealed::check(selected, file, &part) {
            Ok(sealed) => {
                self.transport
                    .emit(Event::SealedVerified {
                        path: sealed.target_path().to_owned(),
                    })
                    .await;
                return Ok(sealed);
            }
            Err(error) => error,
        };
        // Every segment fitted when it arrived. If one does not fit now, the storage is at fault and nobody attacked.
        let intact = segments.is_none_or(|list| download::still_fits(&part, list));
        download::discard(&self.vehicle.layout, &sha256)?;
        Err(if intact {
            error
        } else {
            LocalError::StorageChanged(part).into()
        })
    }

    /// Steps 5 to 7 for ECUs in this process: open, check, commit, remember.
    async fn install(
        &mut self,
        mut sealed: VerifiedSealed,
        key_box: Option<&[u8]>,
    ) -> Result<(), CycleError> {
        let ecu = sealed.ecu().clone();
        let key = self
            .vehicle
            .keys
            .get(&ecu.serial)
            .and_then(|keys| keys.sealing.as_ref());
        let identity = Identity {
            vehicle_id: self.vehicle.provisioned.vehicle_id.as_str(),
            repository_id: self.vehicle.provisioned.repository_id.as_str(),
        };
        let failed = |source| CycleError::Install {
            ecu: ecu.serial.to_string(),
            source,
        };
        let mut staging = self.installer.begin(&sealed).map_err(failed)?;
        let opened = match sealed.open(key_box, key, identity, staging.as_mut()) {
            Ok(opened) => opened,
            Err(error) => {
                staging.abort();
                return Err(error);
            }
        };
        let length = opened.installed().length;
        self.transport
            .emit(Event::Opened {
                ecu: ecu.serial.to_string(),
                length,
            })
            .await;
        staging.commit(&opened).map_err(failed)?;
        let installed = opened.installed().clone();
        if let Some(state) = self.states.get_mut(&ecu.serial) {
            state
                .record_install(installed.clone())
                .map_err(LocalError::from)?;
        }
        let (path, release_counter) = (installed.path, installed.release_counter);
        self.transport
            .emit(Event::Installed {
                ecu: ecu.serial.to_string(),
                path,
                release_counter,
            })
            .await;
        Ok(())
    }

    /// Counts cycles that did not reach the server: after some in a row that is worth a report (TUF 1.5.2).
    pub(super) fn count_unreachable(&mut self, ended: &Result<Outcome, CycleError>) {
        let primary = self
            .vehicle
            .provisioned
            .primary()
            .map(|primary| primary.serial.as_str());
        let Some(state) = primary.and_then(|serial| self.states.get_mut(serial)) else {
            return;
        };
        let counted = if matches!(ended, Err(CycleError::Network(_))) {
            state.note_unreachable().and_then(|count| match count {
                UNREACHABLE_CYCLES => state.note_attack(Attack::Unreachable.code()),
                _ => Ok(()),
            })
        } else {
            state.note_reached()
        };
        if let Err(error) = counted {
            tracing::warn!(%error, "how many cycles failed could not be put on record");
        }
    }

    /// Puts a refusal on record, for the next report.
    pub(super) async fn record(&mut self, error: &CycleError) {
        let CycleError::Refused(refusal) = error else {
            return;
        };
        let code = refusal.code.code();
        let (ecu, detail) = (refusal.ecu.clone(), refusal.detail.clone());
        let primary = self
            .vehicle
            .provisioned
            .primary()
            .map(|primary| primary.serial.as_str());
        if let Some(state) = ecu
            .as_deref()
            .or(primary)
            .and_then(|serial| self.states.get_mut(serial))
            && let Err(error) = state.note_attack(code)
        {
            tracing::warn!(%error, code, "an attack could not be put on record");
        }
        self.transport.emit(Event::Refused { code, ecu, detail }).await;
    }

    /// Step 1: nothing is asked for before the server knows what runs here.
    async fn report(&mut self) -> Result<(), CycleError> {
        let floor = self.floor();
        report::send(
            self.transport,
            &self.vehicle.provisioned,
            &self.vehicle.keys,
            self.states,
            floor,
        )
        .await
    }

    /// A report after the fact. If it does not arrive, the next cycle's first one says the same.
    pub(super) async fn report_late(&mut self) {
        if let Err(error) = self.report().await {
            tracing::warn!(%error, "the report after this cycle did not arrive; the next cycle repeats it");
        }
    }
}
