//! Seals and opens files, for comparison with other implementations of the format.
//!
//! ```text
//! peer seal IMAGE-IN SEALED-OUT LENGTH|unknown RECIPIENT.pem…
//! peer open SEALED PLAIN-OUT PRIVATE.pem
//! peer keyfile-make SEALED PRIVATE.pem KEYS-OUT REPOSITORY PATH RECIPIENT.pem…
//! peer keyfile-open SEALED KEYS PRIVATE.pem REPOSITORY PATH PLAIN-OUT
//! peer keybox-make SEALED PRIVATE.pem BOX-OUT REPOSITORY PATH VEHICLE ECU RECIPIENT.pem
//! peer keybox-open SEALED BOX PRIVATE.pem REPOSITORY PATH VEHICLE ECU PLAIN-OUT
//! ```
//!
//! Exit code 0 on success, 1 on any failure. `…-make` takes the content key from the in-file recipient of the private key.

use std::error::Error;
use std::fs::{self, File};
use std::process::ExitCode;

use getrandom::SysRng;
use rand_core::UnwrapErr;
use sealift_envelope::{
    Binding, ContentKey, Header, KeyBox, KeyFile, PrivateKey, RecipientKey, SealParams, SealPlan,
    UnwrapError, open, wrap,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut chain = error.to_string();
            let mut source = error.source();
            while let Some(error) = source {
                chain = format!("{chain}: {error}");
                source = error.source();
            }
            eprintln!("peer: {chain}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Outcome {
    match args {
        ["seal", image, out, length, recipients @ ..] => seal(image, out, length, recipients),
        ["open", sealed, out, key] => {
            let key = private(key)?;
            open_to(sealed, out, |header| {
                header.unwrap_with(&key, &Binding::in_file())
            })
        }
        [
            "keyfile-make",
            sealed,
            key,
            out,
            repository,
            path,
            recipients @ ..,
        ] => {
            let (header, content_key) = content_key(sealed, key)?;
            let digest = header.envelope_digest();
            let mut file = KeyFile::new(digest);
            for recipient in recipients {
                let binding = Binding::key_file(*repository, *path);
                file.add(wrap(
                    &content_key,
                    &public(recipient)?,
                    &digest,
                    &binding,
                    &mut UnwrapErr(SysRng),
                )?)?;
            }
            Ok(fs::write(out, file.encode())?)
        }
        ["keyfile-open", sealed, keys, key, repository, path, out] => {
            let (file, key) = (KeyFile::parse(&fs::read(keys)?)?, private(key)?);
            open_to(sealed, out, |_| {
                file.unwrap_with(&key, &Binding::key_file(*repository, *path))
            })
        }
        [
            "keybox-make",
            sealed,
            key,
            out,
            repository,
            path,
            vehicle,
            ecu,
            recipient,
        ] => {
            let (header, content_key) = content_key(sealed, key)?;
            let binding = Binding::key_box(*repository, *path, *vehicle, *ecu);
            let (to, digest) = (public(recipient)?, header.envelope_digest());
            let made = KeyBox::create(&content_key, &to, &digest, &binding, &mut UnwrapErr(SysRng))?;
            Ok(fs::write(out, made.encode())?)
        }
        [
            "keybox-open",
            sealed,
            key_box,
            key,
            repository,
            path,
            vehicle,
            ecu,
            out,
        ] => {
            let (key_box, key) = (KeyBox::parse(&fs::read(key_box)?)?, private(key)?);
            let binding = Binding::key_box(*repository, *path, *vehicle, *ecu);
            open_to(sealed, out, |_| key_box.open(&key, &binding))
        }
        _ => Err("see the head of this file for usage".into()),
    }
}

fn seal(image: &str, out: &str, length: &str, recipients: &[&str]) -> Outcome {
    let plain_length = if length == "unknown" {
        None
    } else {
        Some(length.parse()?)
    };
    let recipients = recipients.iter().map(|r| public(r)).collect::<Outcome<_>>()?;
    let params = SealParams {
        plain_length,
        recipients,
        ..SealParams::default()
    };
    let plan = SealPlan::new(params, &mut UnwrapErr(SysRng))?;
    plan.run(File::open(image)?, File::create(out)?, &mut |_| {})?;
    Ok(())
}

fn open_to(
    sealed: &str,
    out: &str,
    find_key: impl FnOnce(&Header) -> Result<ContentKey, UnwrapError>,
) -> Outcome {
    open(File::open(sealed)?, File::create(out)?, find_key, &mut |_| {})?;
    Ok(())
}

fn content_key(sealed: &str, key: &str) -> Outcome<(Header, ContentKey)> {
    let header = Header::read(&mut File::open(sealed)?)?;
    let content_key = header.unwrap_with(&private(key)?, &Binding::in_file())?;
    header.check_key(&content_key)?;
    Ok((header, content_key))
}

fn private(path: &str) -> Outcome<PrivateKey> {
    Ok(PrivateKey::from_pkcs8_pem(&fs::read_to_string(path)?, None)?)
}

fn public(path: &str) -> Outcome<RecipientKey> {
    Ok(RecipientKey::from_pem(&fs::read_to_string(path)?)?)
}
