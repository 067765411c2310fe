//! `sealift root new`, and writing the requests that all verbs of `root` make.

use std::path::PathBuf;

use clap::Args;
use sealift_metadata::authoring::{Draft, RootDraft};
use sealift_metadata::request::{Basis, Request, SigningRole};
use sealift_metadata::root::{RoleName, Root};
use serde_json::{Value, json};

use super::roles::{Changes, ForRole, failed, key, threshold};
use crate::failure::Failure;
use crate::outfile::{self, Overwrite};
use crate::requests::{self, State};
use crate::{World, output, publishing};

#[derive(Args, Debug)]
#[command(after_help = "\
Needs public keys only: no private key has to be on this machine. Have the holders of root keys sign the request with \
`sealift root sign`, gather their files with `sealift root merge`, and make the repository with `sealift root publish`. \
The public half of a key that is held elsewhere is written by `sealift key show URI -o FILE`.")]
pub(in crate::commands) struct New {
    /// Public key of a role: root, targets, snapshot or timestamp; may be given several times
    #[arg(long, value_name = "ROLE=KEY.pub.pem", required = true, value_parser = key)]
    key: Vec<ForRole<PathBuf>>,

    /// How many keys of a role must sign; 1 unless given
    #[arg(long, value_name = "ROLE=N", value_parser = threshold)]
    threshold: Vec<ForRole<u32>>,

    /// Refuse a root that one key alone can replace
    #[arg(long)]
    production: bool,

    #[command(flatten)]
    files: Files,
}

/// How long a new root holds, and where the requests go.
#[derive(Args, Debug)]
pub(super) struct Files {
    /// Days until the new root expires
    #[arg(long, value_name = "DAYS", default_value_t = 1825, value_parser = clap::value_parser!(u16).range(1..=7300))]
    expires: u16,

    /// A note to those who are to sign; nothing vouches for it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// Where to write the request
    #[arg(short, long, value_name = "N.root.request.json")]
    output: PathBuf,

    /// Where to write a request for Targets that go with the new root, where people sign these
    #[arg(long, value_name = "N.targets.request.json")]
    targets_output: Option<PathBuf>,

    /// Days until Targets made with --targets-output expire
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    expires_targets: u16,

    #[command(flatten)]
    overwrite: Overwrite,
}

impl Files {
    pub(super) fn refuse_existing(&self) -> Result<(), Failure> {
        for path in [Some(&self.output), self.targets_output.as_ref()]
            .into_iter()
            .flatten()
        {
            outfile::refuse_existing(path, self.overwrite)?;
        }
        Ok(())
    }

    pub(super) fn expires(&self, world: &World) -> jiff::Timestamp {
        world.now() + publishing::days(self.expires)
    }

    /// Whether a request for Targets is wanted.
    pub(super) fn with_targets(&self) -> bool {
        self.targets_output.is_some()
    }

    /// Checks the requests as their signers will, writes them and shows them. `base` are the Targets that are current.
    pub(super) fn write(
        &self,
        world: &World,
        draft: &Draft<Root>,
        roots: &[Vec<u8>],
        base: Option<Vec<u8>>,
        pin: Option<&[u8]>,
    ) -> Result<(), Failure> {
        let note = self.note.as_deref().unwrap_or_default();
        let root = Request::root(draft, roots.to_vec()).with_note(note);
        let mut written = vec![(&self.output, root)];
        if let Some(path) = &self.targets_output {
            let basis = Basis {
                roots: roots.to_vec(),
                next_root: Some(draft.signed().clone()),
                base,
                ..Basis::default()
            };
            let expires = world.now() + publishing::days(self.expires_targets);
            let targets = Request::change(SigningRole::Targets, basis, Vec::new(), expires);
            written.push((path, targets.map_err(requests::failed)?.with_note(note)));
        }
        let mut told = Vec::new();
        for (path, request) in &written {
            let checked = requests::check(world, request, pin)?;
            let gathered = checked.gather(&[]).map_err(requests::failed)?;
            let mut state = State::of(request, &checked, &gathered);
            state.json["file"] = path.display().to_string().into();
            told.push((path, state));
        }
        for (path, request) in &written {
            requests::write(path, request, self.overwrite)?;
        }
        let requests: Vec<&Value> = told.iter().map(|(_, state)| &state.json).collect();
        output::show(world, &json!({"requests": requests}), || {
            told.iter()
                .map(|(path, state)| format!("{}\n\n{}\n", path.display(), state.text))
                .collect()
        })
    }
}

impl New {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        self.files.refuse_existing()?;
        let changes = Changes {
            add: self.key,
            threshold: self.threshold,
            ..Changes::default()
        };
        let alone = !changes
            .threshold
            .iter()
            .any(|entry| entry.role == RoleName::Root && entry.value > 1);
        if alone && self.production {
            return Err(Failure::usage("one root key alone could replace this root")
                .next("give several with `--key root=…` and `--threshold root=2` or more"));
        }
        if alone {
            world.warn("one root key alone can replace this root: whoever steals it has the repository");
        }
        let mut draft = RootDraft::new(self.files.expires(world));
        changes.apply(world, None, &mut draft)?;
        let draft = draft.finish().map_err(failed)?;
        self.files.write(world, &draft, &[], None, None)
    }
}
