//! What must be in the store before a target is listed: the segment list, the companions, and the wrapped keys.

use sealift_repository::{Store, Written, companions, paths, upload_bytes};

use super::super::object::Described;
use super::super::uploads::forget;
use super::Add;
use super::attached::Attached;
use crate::failure::{Failure, Fault};
use crate::journal::Journal;
use crate::{World, faults};

impl Add {
    /// Uploads all of it.
    pub(super) async fn upload_beside(
        &self,
        world: &World,
        store: &Store,
        described: &Described,
        attached: &Attached,
        key_file: Option<Vec<u8>>,
        journal: &mut Option<Journal>,
    ) -> Result<(), Failure> {
        let list = described.segments.digest();
        let list_path = paths::segments(&list.sha256).map_err(faults::store)?;
        upload_bytes(store, list_path, described.segments.bytes())
            .await
            .map_err(faults::upload)?;
        for bytes in attached.bytes() {
            companions::put(store, bytes).await.map_err(faults::upload)?;
        }
        let Some(key_file) = key_file else { return Ok(()) };
        let key_path = paths::key_file(&self.path, &described.object.sha256).map_err(faults::store)?;
        match store
            .create_exact(&key_path, key_file)
            .await
            .map_err(faults::store)?
        {
            Written::Ours(_) => Ok(()),
            Written::Theirs => {
                // It stays in the way of this object: the next run needs another one.
                forget(world, journal.take());
                let next = if self.presealed.is_given() {
                    "seal the image again and publish that, or give the key file that was published with it"
                } else {
                    "run the command again; it will make a fresh content key"
                };
                let what = format!("{key_path} exists with other content");
                Err(Failure::new(Fault::Conflict, what).next(next))
            }
        }
    }
}
