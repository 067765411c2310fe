//! `sealift target add --sealed`: an image that was sealed before, on another machine perhaps, published as it is.

use std::fs::File;
use std::io::Seek;
use std::path::PathBuf;

use clap::Args;
use sealift_envelope::{Digest, Header, KeyFile, Layout, MAX_KEY_FILE_LEN};

use super::object::Form;
use crate::failure::Failure;
use crate::faults;
use crate::input;
use crate::sealing::SealOptions;

#[derive(Args, Debug)]
pub(super) struct PresealedArgs {
    /// INPUT was sealed by `sealift image seal --director`; publish it as it is
    #[arg(
        long,
        help_heading = "Image that is sealed already",
        requires_all = ["keys", "plain_sha256"],
        conflicts_with_all = ["director", "recipient", "protection"]
    )]
    sealed: bool,

    /// Key file that sealing wrote beside the image
    #[arg(
        long,
        help_heading = "Image that is sealed already",
        value_name = "FILE.keys",
        requires = "sealed"
    )]
    keys: Option<PathBuf>,

    /// SHA-256 of the plaintext, as `sealift image seal --json` printed it
    #[arg(
        long,
        help_heading = "Image that is sealed already",
        value_name = "HEX",
        requires = "sealed",
        value_parser = sha256
    )]
    plain_sha256: Option<[u8; 32]>,

    /// Length of the plaintext in bytes; needed only when the image does not state it
    #[arg(
        long,
        help_heading = "Image that is sealed already",
        value_name = "N",
        requires = "sealed"
    )]
    plain_length: Option<u64>,
}

impl PresealedArgs {
    /// Whether the input was sealed before.
    pub(super) fn is_given(&self) -> bool {
        self.sealed
    }

    /// SHA-256 of the key file, if one was given.
    pub(super) fn keys_digest(&self) -> Result<Option<[u8; 32]>, Failure> {
        use sha2::Digest as _;
        let Some(keys) = &self.keys else { return Ok(None) };
        let bytes = input::read_capped(keys, MAX_KEY_FILE_LEN as u64)?;
        Ok(Some(sha2::Sha256::digest(&bytes).into()))
    }

    /// The form and key file of a sealed input; `None` when the input is to be sealed here.
    pub(super) fn form(
        &self,
        input: Option<&File>,
        options: &SealOptions,
    ) -> Result<Option<(Form, KeyFile)>, Failure> {
        let (true, Some(keys), Some(sha256)) = (self.sealed, &self.keys, self.plain_sha256) else {
            return Ok(None);
        };
        let header = read_header(input)?;
        let bytes = input::read_capped(keys, MAX_KEY_FILE_LEN as u64)?;
        let file = KeyFile::parse(&bytes)
            .map_err(|error| faults::format(format!("{} is refused", keys.display()), error))?;
        if file.envelope_digest() != header.envelope_digest() {
            return Err(
                Failure::refused(format!("{} belongs to another image", keys.display()))
                    .next("give the key file that was written beside this image"),
            );
        }
        let length = match (header.plain_length(), self.plain_length) {
            (Some(stated), Some(given)) if stated != given => {
                return Err(Failure::refused(format!(
                    "the image states {stated} bytes of plaintext, not {given}"
                )));
            }
            (Some(length), _) | (None, Some(length)) => length,
            (None, None) => {
                return Err(
                    Failure::usage("the image does not state the length of its plaintext")
                        .next("add --plain-length, as `sealift image seal --json` printed it"),
                );
            }
        };
        let whole = Layout::from_plain_len(header.header_len(), length).map(|layout| layout.sealed_len());
        let found = input.and_then(|file| file.metadata().ok()).map(|file| file.len());
        if whole.is_none() || found != whole {
            let (found, whole) = (found.unwrap_or_default(), whole.unwrap_or_default());
            return Err(Failure::refused(format!(
                "the sealed file has {found} bytes and with {length} bytes of plaintext should have {whole}"
            ))
            .next("copy or fetch it again: it is cut off, or another one"));
        }
        let plain = Digest { length, sha256 };
        let form = Form::Presealed {
            options: options.clone(),
            plain,
            header: header.digest(),
        };
        Ok(Some((form, file)))
    }
}

fn read_header(input: Option<&File>) -> Result<Header, Failure> {
    let Some(mut file) = input else {
        return Err(Failure::usage("--sealed needs a file, not a pipe").next("name the sealed file"));
    };
    let rewound = |error| Failure::io("cannot rewind the input", error);
    file.rewind().map_err(rewound)?;
    let header =
        Header::read(&mut file).map_err(|error| faults::open("the input is no sealed image", error))?;
    file.rewind().map_err(rewound)?;
    Ok(header)
}

fn sha256(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "64 hexadecimal digits".to_owned())?;
    Ok(bytes)
}
