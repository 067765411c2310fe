//! `sealift kek rotate`: wrap every content key for a new key-encryption key.
//!
//! One key file at a time: unwrap with the old key, prove the content key by the commitment in the image's signed header,
//! wrap for the new key, replace the file only if nobody changed it. So it can be killed anywhere and run again, and what
//! is done already is passed over.

use std::path::PathBuf;

use clap::Args;
use sealift_envelope::{
    Binding, ContentKey, Header, KeyFile, KeyId, MAX_KEY_FILE_LEN, RecipientKey, UnwrapKey, wrap,
};
use sealift_metadata::uptane::{self, Protection, VerifiedTarget};
use sealift_repository::{Written, paths};
use serde_json::json;

use crate::failure::{Failure, Fault};
use crate::passphrase::Unlock;
use crate::progress::Progress;
use crate::store::{Connection, RepositoryArgs};
use crate::{World, faults, keys, output};

#[derive(Args, Debug)]
pub(in crate::commands) struct Rotate {
    #[command(flatten)]
    repository: RepositoryArgs,

    /// Private key-encryption key that opens the key files now: a PEM file, or a key held elsewhere (pkcs11:… or awskms:…)
    #[arg(long, value_name = "KEK.pem|URI")]
    old: PathBuf,

    /// Public key-encryption key that shall open them
    #[arg(long, value_name = "NEW-PUB.pem")]
    new: PathBuf,

    /// Remove what is wrapped for the old key, so that it can be destroyed
    #[arg(long)]
    remove_old: bool,

    #[command(flatten)]
    unlock: Unlock,
}

/// What became of one key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Rotated,
    Already,
    OtherKek,
    NoKeyFile,
}

struct Keys {
    old: keys::Opener,
    old_id: KeyId,
    new: RecipientKey,
    new_id: KeyId,
}

impl Rotate {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let old = keys::opener(world, &self.old, &self.unlock)?;
        let new = keys::recipient(world, &self.new)?;
        let keys = Keys {
            old_id: old.key_id(),
            new_id: new.key_id(),
            old,
            new,
        };
        if keys.old_id == keys.new_id {
            return Err(Failure::usage("the old and the new key are the same"));
        }
        let connection = self.repository.connect_pinned(world).await?;
        let trusted = connection.walk(world).await?;
        let targets = trusted.targets().role().targets();
        let progress = Progress::items(world, "rotating", targets.len());
        let mut counts = [0_u64; 4];
        for path in targets.keys() {
            let target = uptane::image_target(&trusted, path).map_err(faults::trust)?;
            if target.profile().protection == Protection::SealedV1 {
                let outcome = self.one(world, &connection, &target, &keys).await?;
                if let Some(count) = counts.get_mut(outcome as usize) {
                    *count += 1;
                }
            }
            progress.advance();
        }
        drop(progress);
        let [rotated, already, other, without] = counts;
        let json = json!({
            "old": keys.old_id.to_string(),
            "new": keys.new_id.to_string(),
            "rotated": rotated,
            "already": already,
            "other_kek": other,
            "without_key_file": without,
        });
        output::show(world, &json, || {
            output::facts(&[
                ("rotated", rotated.to_string()),
                ("done before", already.to_string()),
                ("of another kek", other.to_string()),
                ("without key file", without.to_string()),
            ])
        })
    }

    async fn one(
        &self,
        world: &mut World,
        connection: &Connection,
        target: &VerifiedTarget,
        keys: &Keys,
    ) -> Result<Outcome, Failure> {
        let path = paths::key_file(target.path(), target.sha256()).map_err(faults::store)?;
        let cap = MAX_KEY_FILE_LEN as u64;
        let Some(stored) = connection.store().read(&path, cap).await.map_err(faults::store)? else {
            return Ok(Outcome::NoKeyFile);
        };
        let mut file = KeyFile::parse(&stored.bytes)
            .map_err(|error| faults::format(format!("{path} is refused"), error))?;
        let has = |file: &KeyFile, id: &KeyId| file.stanzas().iter().any(|stanza| stanza.key_id() == *id);
        match (has(&file, &keys.old_id), has(&file, &keys.new_id)) {
            (false, true) => return Ok(Outcome::Already),
            (true, true) if !self.remove_old => return Ok(Outcome::Already),
            (false, false) => return Ok(Outcome::OtherKek),
            (true, _) => {}
        }
        let binding = Binding::key_file(connection.repository_id().as_str(), target.path().as_str());
        let content_key = proven(connection, target, &file, &*keys.old, &binding).await?;
        // Before the old way in goes, the new one is made afresh from the proven key, not believed.
        file.remove(&keys.new_id);
        let stanza = wrap(
            &content_key,
            &keys.new,
            &file.envelope_digest(),
            &binding,
            world.rng(),
        )
        .map_err(|error| faults::seal("cannot wrap for the new key", error))?;
        file.add(stanza)
            .map_err(|error| faults::format(format!("{path} has no room for another key"), error))?;
        if self.remove_old {
            file.remove(&keys.old_id);
        }
        match connection
            .store()
            .replace_exact(&path, file.encode(), &stored.version)
            .await
            .map_err(faults::store)?
        {
            Written::Ours(_) => Ok(Outcome::Rotated),
            Written::Theirs => Err(Failure::new(
                Fault::Conflict,
                format!("{path} was changed by someone else"),
            )
            .next("run the command again; what is rotated already is passed over")),
        }
    }
}

/// The content key, proven by the commitment in the header that the repository's keys signed.
async fn proven(
    connection: &Connection,
    target: &VerifiedTarget,
    file: &KeyFile,
    old: &dyn UnwrapKey,
    binding: &Binding,
) -> Result<ContentKey, Failure> {
    let path = target.path();
    let object = paths::target(path, target.sha256()).map_err(faults::store)?;
    let signed = target
        .profile()
        .header
        .ok_or_else(|| Failure::refused(format!("{path} has no signed header")))?;
    let bytes = connection
        .store()
        .get_range(&object, 0..signed.length)
        .await
        .map_err(faults::store)?;
    let digest = sealift_envelope::Digest::of(&bytes);
    if digest.sha256 != signed.sha256 {
        return Err(
            Failure::refused(format!("the header of {path} is not the signed one"))
                .next("check the repository with `sealift repo verify --deep`"),
        );
    }
    let (header, _) = Header::parse(&bytes)
        .map_err(|error| faults::format(format!("the header of {path} is refused"), error))?;
    if header.envelope_digest() != file.envelope_digest() {
        return Err(
            Failure::refused(format!("the key file of {path} belongs to another image"))
                .next("restore it from a backup; nothing was changed"),
        );
    }
    let key = file.unwrap_with(old, binding).map_err(|error| {
        faults::unwrap(format!("the old key does not open the key file of {path}"), error)
    })?;
    header.check_key(&key).map_err(|error| {
        faults::open(
            format!("the content key of {path} is not the committed one"),
            error,
        )
    })?;
    Ok(key)
}
