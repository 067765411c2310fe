//! What is written down of an upload, so that another process can go on with it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::backend::UploadId;

/// SHA-256 of the object from its beginning through the end of a part. It says what is in the part and what is before it.
pub type Through = [u8; 32];

/// Where an upload is written down while it goes on. Calls may block, and come in the order in which things happen; what
/// cannot be written down is the recorder's to tell, and ends no upload.
pub trait UploadRecord: Debug + Send + Sync + 'static {
    /// The store knows the upload by this id; parts told before were another upload's.
    fn begun(&self, id: &UploadId);

    /// The part number `part` is about to be sent. It must be on disk when this returns: whoever goes on sends these bytes in
    /// this place, or none.
    fn sending(&self, part: u32, through: &Through);

    /// The store has the part.
    fn stored(&self, part: u32, receipt: &str);
}

/// An upload that another process began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The store's name for it.
    pub id: UploadId,
    /// What may have reached the store.
    pub parts: BTreeMap<u32, KnownPart>,
}

/// A part that was sent before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPart {
    /// What it was.
    pub through: Through,
    /// The store's receipt, when the part has arrived.
    pub receipt: Option<String>,
}

/// Calls a recorder off the async threads.
pub(super) async fn write(
    record: Option<&Arc<dyn UploadRecord>>,
    line: impl FnOnce(&dyn UploadRecord) + Send + 'static,
) {
    if let Some(record) = record.map(Arc::clone) {
        // A recorder that panics has recorded nothing, which is its right.
        let _ = spawn_blocking(move || line(&*record)).await;
    }
}
