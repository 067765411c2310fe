//! One update cycle, in the order of the Uptane Standard (5.4.2): report, time, Director, Image repository, images,
//! install, report. Every stage takes what the one before it has proved.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Mutex;

use sealift_metadata::trust::{RepositoryKind, TrustedRepository};
use sealift_metadata::uptane::cross_check;
use sealift_metadata::{EcuSerial, TimeSource, TrustedTime};

use crate::backoff::CircuitBreaker;
use crate::download::{self, Download, Wanted};
use crate::ecu_state::EcuState;
use crate::error::{Attack, CycleError, LocalError, Refusal};
use crate::events::{Event, Observer};
use crate::fetch::Fetch;
use crate::image::{Identity, VerifiedSealed};
use crate::installer::Installer;
use crate::keys::{self, DemoKeys, EcuKeys};
use crate::layout::{Layout, Repository};
use crate::lock::{DirectoryLock, LockError};
use crate::objects;
use crate::provision::Provisioned;
use crate::refresh::refresh;
use crate::report;
use crate::select::{Selected, select, something_new};
use crate::transport::{Policy, Transport};
use crate::world::World;

/// A provisioned vehicle, and the right to work on its directory.
#[derive(Debug)]
pub struct Vehicle {
    layout: Layout,
    provisioned: Provisioned,
    keys: BTreeMap<EcuSerial, EcuKeys>,
    breaker: Mutex<CircuitBreaker>,
    _lock: DirectoryLock,
}

/// What a cycle works with.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The network.
    pub fetch: &'a dyn Fetch,
    /// Clock, sleep, chance.
    pub world: &'a dyn World,
    /// Listens.
    pub observer: &'a dyn Observer,
    /// Puts images in place.
    pub installer: &'a dyn Installer,
    /// How patient requests are.
    pub policy: Policy,
}

/// A cycle that ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Everything that the Director wants is installed already.
    UpToDate,
    /// At least one image was installed, and all that were wanted.
    Installed,
}

/// The vehicle's directory cannot be worked on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process does.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Provisioning, keys or memory are unusable.
    #[error(transparent)]
    Local(#[from] LocalError),
}

impl Vehicle {
    /// Locks the directory of `layout` and reads what was provisioned.
    ///
    /// # Errors
    /// [`OpenError`], busy or unusable.
    pub fn open(layout: Layout, demo: DemoKeys) -> Result<Self, OpenError> {
        let provisioned = Provisioned::load(&layout).map_err(LocalError::from)?;
        let lock = DirectoryLock::acquire(&layout.lock())?;
        let keys = keys::load(&layout, &provisioned, demo)?;
        Ok(Self {
            layout,
            provisioned,
            keys,
            breaker: Mutex::default(),
            _lock: lock,
        })
    }

    /// The provisioned facts.
    #[must_use]
    pub fn provisioned(&self) -> &Provisioned {
        &self.provisioned
    }

    /// Runs one cycle. Dropping the future at any point, like killing the process, leaves a directory from which the next
    /// cycle goes on.
    ///
    /// # Errors
    /// [`CycleError`]; what was refused is on record and has been reported if the server could be reached.
    pub async fn cycle(&self, surroundings: Surroundings<'_>) -> Result<Outcome, CycleError> {
        let Surroundings {
            fetch,
            world,
            observer,
            installer,
            policy,
        } = surroundings;
        let transport = Transport::new(fetch, world, observer, policy, &self.breaker);
        observer
            .observe(Event::CycleStarted {
                vehicle: self.provisioned.vehicle_id.to_string(),
            })
            .await;
        let mut states = self.load_states()?;
        let mut run = Run {
            vehicle: self,
            transport: &transport,
            installer,
            states: &mut states,
        };
        let ended = run.update().await;
        if let Err(error) = &ended {
            run.record(error).await;
            if matches!(error, CycleError::Refused(_) | CycleError::Install { .. }) {
                run.report_late().await;
            }
        }
        let outcome = match &ended {
            Ok(Outcome::UpToDate) => "up_to_date",
            Ok(Outcome::Installed) => "installed",
            Err(error) => error.name(),
        };
        observer.observe(Event::CycleFinished { outcome }).await;
        ended
    }

    fn load_states(&self) -> Result<BTreeMap<EcuSerial, EcuState>, LocalError> {
        let mut states = BTreeMap::new();
        for ecu in &self.provisioned.ecus {
            states.insert(
                ecu.serial.clone(),
                EcuState::load(&self.layout.ecu_state(ecu.serial.as_str()))?,
            );
        }
        // Only after all were read: a file that is missing beside others is a loss, not a new ECU.
        for state in states.values() {
            state.store()?;
        }
        Ok(states)
    }
}

struct Run<'a> {
    vehicle: &'a Vehicle,
    transport: &'a Transport<'a>,
    installer: &'a dyn Installer,
    states: &'a mut BTreeMap<EcuSerial, EcuState>,
}

impl Run<'_> {
    async fn update(&mut self) -> Result<Outcome, CycleError> {
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
        let targets = cross_check(&director, &image).map_err(|error| {
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
        let (held, segments) = download.progress();
        if held > 0 {
            self.transport
                .emit(Event::Resumed {
                    path: path.clone(),
                    held,
                    segments,
                })
                .await;
        }
        let (file, part) = download.run(self.transport).await?;
        self.gate(selected, file, part).await
    }

    /// The flat SHA-256 gate. A file that fails it is useless, whoever spoilt it.
    async fn gate(
        &self,
        selected: Selected,
        file: File,
        part: PathBuf,
    ) -> Result<VerifiedSealed, CycleError> {
        let sha256 = *selected.target().sha256();
        match VerifiedSealed::check(selected, file, &part) {
            Ok(sealed) => {
                self.transport
                    .emit(Event::SealedVerified {
                        path: sealed.target_path().to_owned(),
                    })
                    .await;
                Ok(sealed)
            }
            Err(error) => {
                download::discard(&self.vehicle.layout, &sha256)?;
                Err(error)
            }
        }
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

    /// Puts a refusal on record, for the next report.
    async fn record(&mut self, error: &CycleError) {
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
    async fn report_late(&mut self) {
        if let Err(error) = self.report().await {
            tracing::warn!(%error, "the report after this cycle did not arrive; the next cycle repeats it");
        }
    }
}
