//! `sealift draft merge`, and `root merge`.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::authoring::Standing;
use sealift_metadata::request::Request;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::outfile::{self, Overwrite, Secrecy};
use crate::requests::{self, PinArgs, State, word};
use crate::{World, output};

#[derive(Args, Debug)]
#[command(after_help = "\
The files come in any order; the first has to be a request, the others may be documents that another tool signed. Every \
signature that does not help is named. Ends with code 11 while signatures are missing.")]
pub(in crate::commands) struct Merge {
    /// Copies of one request
    #[arg(value_name = "NAME.request.json", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    pin: PinArgs,

    /// Where to write the request with all good signatures
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Where to write the document itself once it is complete, such as 2.root.json
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,

    #[command(flatten)]
    overwrite: Overwrite,
}

impl Merge {
    pub(in crate::commands) fn run(self, world: &mut World) -> Result<(), Failure> {
        for output in [Some(&self.output), self.document.as_ref()].into_iter().flatten() {
            outfile::refuse_existing(output, self.overwrite)?;
        }
        let mut files = self.files.iter();
        let first = files
            .next()
            .ok_or_else(|| Failure::usage("no request was given").next("name at least one"))?;
        let request = requests::read(first)?;
        let checked = requests::check(world, &request, self.pin.read()?.as_deref())?;
        let mut copies = Vec::new();
        for file in files {
            let bytes = requests::read_bytes(file)?;
            // Another tool's copy is a document; what is neither is refused when it is gathered.
            let copy = Request::parse(&bytes).map_or(bytes, |request| request.document());
            checked.gather(&[&copy]).map_err(|error| {
                Failure::refused(format!("{} holds no signatures that can be read", file.display()))
                    .because(error)
                    .next("give requests, or TUF documents that another tool signed")
            })?;
            copies.push(copy);
        }
        let copies: Vec<&[u8]> = copies.iter().map(Vec::as_slice).collect();
        let gathered = checked.gather(&copies).map_err(requests::failed)?;
        let mut judged = Vec::<Value>::new();
        for found in &gathered.signatures {
            let file = self.files[found.copy].display();
            let standing = word(found.standing);
            judged.push(json!({"file": file.to_string(), "keyid": found.keyid, "standing": standing}));
            let problem = match found.standing {
                Standing::Counts | Standing::Duplicate | Standing::Surplus => continue,
                Standing::Foreign => "is of no key that may sign this",
                Standing::Wrong => "does not verify: it or the draft was altered",
                Standing::OtherDraft => "is over another draft, an older one or one that was changed",
            };
            world.warn(format!(
                "{file}: the signature under key id {} {problem}",
                found.keyid
            ));
        }
        let merged = request
            .clone()
            .with_signatures(&gathered.document)
            .map_err(requests::failed)?;
        requests::write(&self.output, &merged, self.overwrite)?;
        if let Some(path) = self.document.as_ref().filter(|_| gathered.missing.is_empty()) {
            outfile::write(path, &gathered.document, Secrecy::Public, self.overwrite)?;
        }
        let mut state = State::of(&merged, &checked, &gathered);
        state.json["signatures"] = judged.into();
        output::show(world, &state.json, || state.text)?;
        requests::complete(&gathered)
    }
}
