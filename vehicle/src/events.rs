//! What a cycle tells while it runs, as a stream of plain values: for progress, for `--json`, for tests.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::Serialize;

/// One thing that happened. Serialised with its name in the field `event`; fields may be added later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A cycle begins.
    CycleStarted {
        /// This vehicle.
        vehicle: String,
    },
    /// The server confirmed a manifest.
    ManifestSent {
        /// Counter of the Primary's own report.
        counter: u64,
        /// Attack codes that it carried.
        attacks: Vec<String>,
    },
    /// The time that every expiry of this cycle is compared with.
    TimeTrusted {
        /// The instant, UTC.
        instant: String,
    },
    /// Metadata of a repository verified and stored.
    MetadataStored {
        /// "director" or "image".
        repository: &'static str,
        /// File name under `trust/<repository>/`.
        file: String,
    },
    /// A repository's metadata are complete, verified and fresh.
    MetadataVerified {
        /// "director" or "image".
        repository: &'static str,
    },
    /// The Director wants nothing that is not installed already.
    NothingNew,
    /// An ECU is to install an image, and both repositories agree.
    TargetSelected {
        /// The ECU.
        ecu: String,
        /// Target path.
        path: String,
        /// Signed version string.
        version: String,
        /// Length of the sealed bytes.
        length: u64,
    },
    /// An unfinished download is continued.
    Resumed {
        /// Target path.
        path: String,
        /// Verified segments already on disk.
        held: u64,
        /// Segments in all.
        segments: u64,
    },
    /// A journal or part file could not be used; the download starts from zero.
    JournalDiscarded {
        /// Target path.
        path: String,
        /// Why.
        reason: String,
    },
    /// A byte range was asked for and is being received.
    Range {
        /// First byte.
        start: u64,
        /// Last byte, inclusive.
        end: u64,
    },
    /// A segment arrived, matches the signed list, and is in the journal.
    Segment {
        /// Its index.
        index: u64,
        /// Verified bytes so far.
        verified: u64,
        /// Length of the object.
        length: u64,
    },
    /// The whole sealed file has the signed length and SHA-256.
    SealedVerified {
        /// Target path.
        path: String,
    },
    /// The image is open: plaintext length and SHA-256 are the signed ones.
    Opened {
        /// The ECU.
        ecu: String,
        /// Length of the plaintext.
        length: u64,
    },
    /// The installer committed the image and the ECU's memory says so.
    Installed {
        /// The ECU.
        ecu: String,
        /// Target path.
        path: String,
        /// Its release counter.
        release_counter: u64,
    },
    /// A request failed for now and will be made again.
    Retry {
        /// What was asked for.
        path: String,
        /// 1 for the first retry.
        attempt: u32,
        /// Wait before it.
        delay_ms: u64,
        /// What went wrong.
        reason: String,
    },
    /// Something was refused that may be an attack; it goes into the next report.
    Refused {
        /// Attack code.
        code: &'static str,
        /// The ECU concerned; absent if it is the vehicle as a whole.
        #[serde(skip_serializing_if = "Option::is_none")]
        ecu: Option<String>,
        /// What and where.
        detail: String,
    },
    /// The cycle is over.
    CycleFinished {
        /// "up_to_date", "installed" or the failure's name.
        outcome: &'static str,
    },
}

/// Listens to events. A slow observer slows the cycle down.
#[async_trait]
pub trait Observer: Send + Sync + Debug {
    /// Called at each event, in order.
    async fn observe(&self, event: Event);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

#[async_trait]
impl Observer for Silent {
    async fn observe(&self, _event: Event) {}
}
