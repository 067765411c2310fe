//! What is written down of an upload, so that another process can go on with it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::backend::UploadId;

/// SHA-256 of the object from its beginning through the end of a part. It says what is in the part and what is before it.
pub type Through = [u8; 32];

/// Where an upload is written down while it goes on. Calls may block, and come in the order in which things happen; what
/// cannot be written down is the recorder's to tell, and ends no upload but where [`UploadRecord::sending`] says so.
pub trait UploadRecord: Debug + Send + Sync + 'static {
    /// The store knows the upload by this id; parts told before were another upload's.
    fn begun(&self, id: &UploadId);

    /// The part number `part` is about to be sent. It must be on disk when this returns: whoever goes on sends these bytes in
    /// this place, or none. A recorder that cannot write it may let the part go only when nobody will go on with the upload.
    ///
    /// # Errors
    /// The part must not be sent; the upload ends.
    fn sending(&self, part: u32, through: &Through) -> io::Result<()>;

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

/// Calls a recorder off the async threads; an error when it panics.
pub(super) async fn write<T: Default + Send + 'static>(
    record: Option<&Arc<dyn UploadRecord>>,
    line: impl FnOnce(&dyn UploadRecord) -> T + Send + 'static,
) -> io::Result<T> {
    match record.map(Arc::clone) {
        Some(record) => spawn_blocking(move || line(&*record))
            .await
            .map_err(io::Error::other),
        None => Ok(T::default()),
    }
}
