//! `sealift draft show`, and `root show`.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::requests::{self, PinArgs, State};
use crate::{World, output};

#[derive(Args, Debug)]
#[command(after_help = "\
What changes is computed here, from the request and the root that you give; the request cannot say one thing and do \
another. What has no name of its own is listed as it stands.")]
pub(in crate::commands) struct Show {
    /// Request to look at
    #[arg(value_name = "NAME.request.json")]
    file: PathBuf,

    #[command(flatten)]
    pin: PinArgs,
}

impl Show {
    pub(in crate::commands) fn run(self, world: &mut World) -> Result<(), Failure> {
        let request = requests::read(&self.file)?;
        let checked = requests::check(world, &request, self.pin.read()?.as_deref())?;
        let gathered = checked.gather(&[]).map_err(requests::failed)?;
        let state = State::of(&request, &checked, &gathered);
        output::show(world, &state.json, || state.text)
    }
}
