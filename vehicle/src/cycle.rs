//! One update cycle, in the order of the Uptane Standard (5.4.2): report, time, Director, Image repository, images,
//! install, report. Every stage takes what the one before it has proved.

use std::collections::BTreeMap;
use std::sync::Mutex;

use sealift_metadata::EcuSerial;

use crate::backoff::CircuitBreaker;
use crate::ecu_state::EcuState;
use crate::error::{CycleError, LocalError};
use crate::events::{Event, Observer};
use crate::fetch::Fetch;
use crate::installer::Installer;
use crate::keys::{self, DemoKeys, EcuKeys};
use crate::layout::Layout;
use crate::lock::{DirectoryLock, LockError};
use crate::provision::Provisioned;
use crate::transport::{Policy, Transport};
use crate::world::World;

mod run;

use run::Run;

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
        run.count_unreachable(&ended);
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
        Ok(states)
    }
}
