//! `sealift draft sign`, and `root sign`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use sealift_metadata::Signer;
use sealift_metadata::authoring::sign_document;
use sealift_metadata::request::{Checked, Request};

use crate::failure::{Failure, Fault};
use crate::outfile::{self, Overwrite};
use crate::passphrase::Unlock;
use crate::requests::{self, PinArgs, State};
use crate::{World, output, publishing, voice};

/// Digits that a person types of the digest that he was shown a moment ago, of the very bytes that will be signed.
const TYPED: usize = 8;
/// Digits of the whole digest: with fewer, two drafts that share them are found in seconds.
const WHOLE: usize = 64;

#[derive(Args, Debug)]
#[command(after_help = "\
Needs no network and no repository. Shows what the request changes and asks for the first 8 digits of its digest; a \
script that has looked for itself gives all 64 with --yes.")]
pub(in crate::commands) struct Sign {
    /// Request to sign
    #[arg(value_name = "NAME.request.json")]
    file: PathBuf,

    #[command(flatten)]
    pin: PinArgs,

    /// Private key to sign with, or where it is held; may be given several times
    #[arg(long, value_name = "KEY.pem|URI", required = true)]
    key: Vec<PathBuf>,

    /// Sign without asking if this is the digest, all 64 digits
    #[arg(long, value_name = "DIGEST", value_parser = whole)]
    yes: Option<String>,

    /// Write the signed request there instead of over the one that was read
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    overwrite: Overwrite,

    #[command(flatten)]
    unlock: Unlock,
}

fn whole(text: &str) -> Result<String, String> {
    digits(text, WHOLE)
}

fn digits(text: &str, least: usize) -> Result<String, String> {
    let fits = (least..=WHOLE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (fits, least) {
        (true, _) => Ok(text.to_ascii_lowercase()),
        (false, WHOLE) => Err("64 hexadecimal digits are expected".to_owned()),
        (false, _) => Err(format!("{least} to 64 hexadecimal digits are expected")),
    }
}

impl Sign {
    pub(in crate::commands) async fn run(self, world: &mut World) -> Result<(), Failure> {
        if let Some(output) = &self.output {
            outfile::refuse_existing(output, self.overwrite)?;
        }
        let request = requests::read(&self.file)?;
        let checked = requests::check(world, &request, self.pin.read()?.as_deref())?;
        let before = checked.check_signatures().map_err(requests::failed)?;
        self.confirm(&request, &State::of(&request, &checked, &before).text)?;
        let keys = publishing::load_keys(world, &self.key, &self.unlock)?;
        let signers: Vec<&dyn Signer> = keys.iter().map(|key| &**key).collect();
        self.belong(&checked, &signers)?;
        let copy = sign_document(request.signed(), &signers)
            .await
            .map_err(|error| Failure::new(Fault::Key, "the request is not signed").because(error))?;
        let gathered = checked.gather(&[&copy]).map_err(requests::failed)?;
        let signed = request
            .clone()
            .with_signatures(&gathered.document)
            .map_err(requests::failed)?;
        match &self.output {
            Some(output) => requests::write(output, &signed, self.overwrite)?,
            None => requests::write(&self.file, &signed, Overwrite::always())?,
        }
        let state = State::of(&signed, &checked, &gathered);
        output::show(world, &state.json, || match gathered.missing.is_empty() {
            true => "signed; the request is complete\n".to_owned(),
            false => "signed; more signatures are needed\n".to_owned(),
        })
    }

    /// Nobody signs what he was not shown.
    fn confirm(&self, request: &Request, told: &str) -> Result<(), Failure> {
        let digest = hex::encode(request.digest());
        let given = match &self.yes {
            Some(yes) => yes.clone(),
            None => ask(told)?,
        };
        match digest.starts_with(&given) {
            true => Ok(()),
            false => Err(Failure::refused(format!(
                "the digest is {digest} and not {given}; nothing was signed"
            ))
            .next("look at the request again with `sealift draft show`")),
        }
    }

    /// A signature that would not count is a mistake of whoever makes it.
    fn belong(&self, checked: &Checked<'_>, signers: &[&dyn Signer]) -> Result<(), Failure> {
        for (signer, path) in signers.iter().zip(&self.key) {
            let keyid = signer.public().keyid();
            if !checked
                .keys()
                .iter()
                .any(|set| set.keyids().any(|known| known == keyid))
            {
                let what = format!("{} (key id {keyid}) may not sign this", path.display());
                return Err(Failure::new(Fault::Key, what)
                    .next("see `sealift draft show` for the keys that may; nothing was signed"));
            }
        }
        Ok(())
    }
}

/// Shows the request to the person at the terminal and returns the digits that he types.
fn ask(told: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::usage("there is nobody to ask whether this is to be signed")
                .next("look at it with `sealift draft show`, then give the digest with --yes"),
        );
    }
    voice::say(told);
    voice::say(&format!(
        "To sign this, type the first {TYPED} digits of its digest:"
    ));
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::io("cannot read the answer", error))?;
    digits(line.trim(), TYPED).map_err(|expected| {
        Failure::refused(format!("nothing was signed: {expected}")).next("run the command again")
    })
}
