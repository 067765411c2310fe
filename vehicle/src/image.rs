//! From bytes on disk to an image that may be installed. Each step is a type that only its check can make:
//! [`VerifiedSealed`] is a file with the signed length and hashes, [`OpenedImage`] a plaintext with the signed ones.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sealift_envelope::{Binding, ContentKey, Header, KeyBox, Opener, PrivateKey};
use sha2::{Digest, Sha256, Sha512};

use crate::ecu_state::Installed;
use crate::error::{Attack, CycleError, LocalError, Refusal};
use crate::installer::Staging;
use crate::provision::Ecu;
use crate::select::Selected;
use sealift_metadata::uptane::Protection;

const BLOCK_BYTES: usize = 256 * 1024;
/// First bytes of every sealed image.
const SEALED_MAGIC: &[u8; 8] = b"SEALIFT\0";

/// A sealed (or plainly published) file whose length and every listed hash were compared with signed metadata.
#[derive(Debug)]
pub struct VerifiedSealed {
    selected: Selected,
    file: File,
    path: PathBuf,
}

/// A plaintext, completely written to a staging place, whose length and SHA-256 are the signed ones.
#[derive(Debug)]
pub struct OpenedImage {
    installed: Installed,
}

/// What a key box is bound to besides path and ECU.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) vehicle_id: &'a str,
    pub(crate) repository_id: &'a str,
}

impl VerifiedSealed {
    /// The gate: reads the whole file at `path` and compares length and every listed hash.
    pub(crate) fn check(selected: Selected, mut file: File, path: &Path) -> Result<Self, CycleError> {
        let io = |error| LocalError::io(path, error);
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let target = selected.target();
        let (mut sha256, mut sha512) = (Sha256::new(), target.sha512().map(|_| Sha512::new()));
        let mut length = 0_u64;
        let mut start = Vec::with_capacity(SEALED_MAGIC.len());
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            let filled = read_some(&mut file, &mut block).map_err(io)?;
            let bytes = block.get(..filled).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            let wanted = SEALED_MAGIC.len().saturating_sub(start.len());
            start.extend_from_slice(bytes.get(..wanted).unwrap_or(bytes));
            sha256.update(bytes);
            if let Some(sha512) = &mut sha512 {
                sha512.update(bytes);
            }
            length = length.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        }
        let sha512_fits = sha512.is_none_or(|hash| Some(&hash.finalize().into()) == target.sha512());
        if length != target.length()
            || <[u8; 32]>::from(sha256.finalize()) != *target.sha256()
            || !sha512_fits
        {
            let detail = format!("{}: the file is not the signed one", target.path());
            return Err(Refusal::new(Attack::ArbitrarySoftware, detail)
                .for_ecu(selected.ecu().serial.as_str())
                .into());
        }
        let sealed = start == SEALED_MAGIC;
        if sealed != (target.profile().protection == Protection::SealedV1) {
            let detail = format!("{}: protection is not what the metadata say", target.path());
            return Err(Refusal::new(Attack::EncryptionDowngrade, detail)
                .for_ecu(selected.ecu().serial.as_str())
                .into());
        }
        Ok(Self {
            selected,
            file,
            path: path.to_owned(),
        })
    }

    /// The ECU that it is for.
    #[must_use]
    pub fn ecu(&self) -> &Ecu {
        self.selected.ecu()
    }

    /// Target path in both repositories.
    #[must_use]
    pub fn target_path(&self) -> &str {
        self.selected.target().path().as_str()
    }

    /// Signed length of the plaintext in bytes.
    #[must_use]
    pub fn plain_length(&self) -> u64 {
        self.selected.target().profile().plain.length
    }

    /// Opens the image into `staging`. The content key comes out of the ECU's key box; an image published without
    /// protection is copied.
    pub(crate) fn open(
        &mut self,
        key_box: Option<&[u8]>,
        key: Option<&PrivateKey>,
        identity: Identity<'_>,
        staging: &mut dyn Staging,
    ) -> Result<OpenedImage, CycleError> {
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(|error| LocalError::io(&self.path, error))?;
        let plain = self.selected.target().profile().plain;
        let (length, sha256) = match self.selected.target().profile().protection {
            Protection::SealedV1 => self.open_sealed(key_box, key, identity, staging)?,
            Protection::None => self.copy(staging)?,
        };
        if (length, sha256) != (plain.length, plain.sha256) {
            return Err(self
                .refuse(
                    Attack::ArbitrarySoftware,
                    "the opened image is not the signed one",
                )
                .into());
        }
        Ok(OpenedImage {
            installed: self.selected.as_installed(),
        })
    }

    fn open_sealed(
        &mut self,
        key_box: Option<&[u8]>,
        key: Option<&PrivateKey>,
        identity: Identity<'_>,
        staging: &mut dyn Staging,
    ) -> Result<(u64, [u8; 32]), CycleError> {
        let header = self.header()?;
        let content_key = self.content_key(&header, key_box, key, identity)?;
        let mut opener = Opener::new(&header, content_key).map_err(|error| {
            self.refuse(Attack::DecryptFailed, "the key is not this image's")
                .because(error)
        })?;
        let (mut block, mut plain) = (vec![0; BLOCK_BYTES], Vec::new());
        loop {
            let filled =
                read_some(&mut self.file, &mut block).map_err(|error| LocalError::io(&self.path, error))?;
            let bytes = block.get(..filled).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            let opened = opener.update(bytes, &mut plain);
            opened.map_err(|error| {
                self.refuse(Attack::DecryptFailed, "the image does not open")
                    .because(error)
            })?;
            self.stage(staging, &plain)?;
            plain.clear();
        }
        let digest = opener.finish(&mut plain).map_err(|error| {
            self.refuse(Attack::DecryptFailed, "the image does not open")
                .because(error)
        })?;
        self.stage(staging, &plain)?;
        Ok((digest.length, digest.sha256))
    }

    /// The header, compared with its signed digest before a byte of it is interpreted.
    fn header(&mut self) -> Result<Header, CycleError> {
        let Some(signed) = self.selected.target().profile().header else {
            return Err(self
                .refuse(Attack::EncryptionDowngrade, "no header digest is signed")
                .into());
        };
        let too_long = self.refuse(Attack::EndlessData, "the signed header length is above the cap");
        let length = usize::try_from(signed.length)
            .ok()
            .filter(|length| *length <= sealift_envelope::MAX_HEADER_LEN);
        let mut bytes = vec![0; length.ok_or(too_long)?];
        self.file
            .read_exact(&mut bytes)
            .map_err(|error| LocalError::io(&self.path, error))?;
        if <[u8; 32]>::from(Sha256::digest(&bytes)) != signed.sha256 {
            return Err(self
                .refuse(Attack::ArbitrarySoftware, "the header is not the signed one")
                .into());
        }
        match Header::parse(&bytes) {
            Ok((header, consumed)) if consumed == bytes.len() => Ok(header),
            Ok(_) => Err(self
                .refuse(
                    Attack::ArbitrarySoftware,
                    "the header ends before its signed length",
                )
                .into()),
            Err(error) => Err(self
                .refuse(Attack::ArbitrarySoftware, "the header cannot be read")
                .because(error)
                .into()),
        }
    }

    fn content_key(
        &self,
        header: &Header,
        key_box: Option<&[u8]>,
        key: Option<&PrivateKey>,
        identity: Identity<'_>,
    ) -> Result<ContentKey, CycleError> {
        let refuse = |what| self.refuse(Attack::DecryptFailed, what);
        let key = key.ok_or_else(|| refuse("this ECU has no sealing key"))?;
        let bytes = key_box.ok_or_else(|| refuse("the Director gave no key box"))?;
        let key_box =
            KeyBox::parse(bytes).map_err(|error| refuse("the key box cannot be read").because(error))?;
        if key_box.envelope_digest() != header.envelope_digest() {
            return Err(refuse("the key box is for another image").into());
        }
        let binding = Binding::key_box(
            identity.repository_id,
            self.target_path(),
            identity.vehicle_id,
            self.selected.ecu().serial.as_str(),
        );
        Ok(key_box
            .open(key, &binding)
            .map_err(|error| refuse("the key box does not open").because(error))?)
    }

    fn copy(&mut self, staging: &mut dyn Staging) -> Result<(u64, [u8; 32]), CycleError> {
        let (mut block, mut hash, mut length) = (vec![0; BLOCK_BYTES], Sha256::new(), 0_u64);
        loop {
            let filled =
                read_some(&mut self.file, &mut block).map_err(|error| LocalError::io(&self.path, error))?;
            let bytes = block.get(..filled).unwrap_or_default();
            if bytes.is_empty() {
                return Ok((length, hash.finalize().into()));
            }
            hash.update(bytes);
            length = length.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
            self.stage(staging, bytes)?;
        }
    }

    fn stage(&self, staging: &mut dyn Staging, plain: &[u8]) -> Result<(), CycleError> {
        let written = staging.write(plain);
        written.map_err(|source| CycleError::Install {
            ecu: self.selected.ecu().serial.to_string(),
            source,
        })
    }

    fn refuse(&self, code: Attack, what: &str) -> Refusal {
        Refusal::new(code, format!("{}: {what}", self.target_path()))
            .for_ecu(self.selected.ecu().serial.as_str())
    }
}

impl OpenedImage {
    /// What the ECU's memory will say once the image is committed.
    #[must_use]
    pub fn installed(&self) -> &Installed {
        &self.installed
    }
}

fn read_some(file: &mut File, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
