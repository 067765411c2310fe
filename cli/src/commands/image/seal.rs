//! `sealift image seal`.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use sealift_envelope::{Binding, KeyFile, RecipientKey, SealError, SealPlan, Sealed, wrap};
use sealift_metadata::ids::{RepositoryId, TargetPath};
use serde_json::{Value, json};

use crate::cipher::CipherArgs;
use crate::failure::{Failure, Fault};
use crate::input::{self, Input};
use crate::outfile::{self, OutFile, Overwrite, Secrecy, Sink, with_suffix};
use crate::progress::Progress;
use crate::sealing::SealOptions;
use crate::{World, faults, keys, output};

#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("opener").required(true).multiple(true)))]
#[command(after_help = "\
Without --recipient and --director nobody could ever open the result, so one of them is required. Beside OUT appears \
OUT.segments, the digests of its segments; with --director also OUT.keys, the wrapped keys. Without --director an OUT.keys of \
an earlier image is refused, even with --force.")]
pub(in crate::commands) struct Seal {
    /// Public key that can open the image from the file alone; may be given several times
    #[arg(long, value_name = "PUB.pem", group = "opener")]
    recipient: Vec<PathBuf>,

    /// Public key-encryption key of a Director; may be given several times. Needs --repository-id and --target-path
    #[arg(long, value_name = "KEK-PUB.pem", group = "opener")]
    director: Vec<PathBuf>,

    /// Repository that the Director's key is bound to: SHA-256 of its 1.root.json (see `sealift repo show`)
    #[arg(long, value_name = "HEX")]
    repository_id: Option<RepositoryId>,

    /// Target path that the Director's key is bound to
    #[arg(long, value_name = "DIR/NAME")]
    target_path: Option<TargetPath>,

    #[command(flatten)]
    options: SealOptions,

    /// Bytes that the image must have; a pipe whose writer died early is else sealed as it came
    #[arg(long, value_name = "BYTES")]
    length: Option<u64>,

    #[command(flatten)]
    cipher: CipherArgs,

    /// Output file, `-` for stdout [default: INPUT.sealed, stdout when INPUT is a pipe]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    overwrite: Overwrite,

    /// Image to seal, `-` for stdin
    #[arg(default_value = "-")]
    input: PathBuf,
}

impl Seal {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        let target = self.target();
        let binding = self.binding(target.as_deref())?;
        let recipients = load(world, &self.recipient)?;
        let directors = load(world, &self.director)?;
        let ids: Vec<String> = recipients
            .iter()
            .chain(&directors)
            .map(|key| key.key_id().to_string())
            .collect();
        if let Some(target) = &target {
            let keys = self.recipient.iter().chain(&self.director);
            let mut inputs: Vec<_> = keys.map(PathBuf::as_path).collect();
            // The image itself may be replaced by what it is sealed to, but by nothing beside that.
            outfile::refuse_input(target, &inputs)?;
            inputs.push(&self.input);
            for suffix in ["keys", "segments"] {
                outfile::refuse_input(&with_suffix(target, suffix), &inputs)?;
            }
            self.check_beside(target, binding.is_some())?;
        }
        let mut input = Input::open(&self.input)?;
        if let (Some(announced), Some(found)) = (self.length, input.length())
            && announced != found
        {
            return Err(self.other_length(announced, found));
        }
        let mut sink = Sink::open(target.as_deref().or(self.output.as_deref()), self.overwrite)?;
        let plan = SealPlan::new(
            self.options
                .params(self.length.or(input.length()), recipients, world.rng()),
            world.rng(),
        )
        .map_err(|error| faults::seal("cannot prepare the sealing", error))?
        .with_backend(self.cipher.backend());
        let key_file = binding
            .map(|binding| key_file(world, &plan, &directors, &binding))
            .transpose()?;

        let progress = Progress::bytes(world, "sealing", input.length());
        let sealed = plan
            .run(&mut input, &mut sink, &mut |done| progress.set(done))
            .map_err(|error| match error {
                // Of a file it was the length when the work began; a pipe is not read on when it has too much.
                SealError::PlainLength { announced, found } if input.length().is_none() => {
                    match found < announced {
                        true => self.other_length(announced, found),
                        false => self.other_length(announced, format!("at least {found}")),
                    }
                }
                error => faults::seal(format!("cannot seal {}", input::shown(&self.input)), error),
            })?;
        drop(progress);
        let to_stdout = sink.is_stdout();
        // All are written down before the first one gets its name: a disk that fails then leaves none of them, and the
        // keys of an image that was here before are not gone without it.
        let mut beside = Vec::new();
        if let Some(target) = &target {
            if let Some(key_file) = &key_file {
                beside.push(self.beside(target, "keys", &key_file.encode())?);
            }
            beside.push(self.beside(target, "segments", sealed.segments.bytes())?);
        }
        for file in &mut beside {
            file.settle()?;
        }
        sink.settle()?;
        for file in beside {
            file.commit()?;
        }
        sink.commit()?;

        let mut json = summary(&sealed);
        json["recipients"] = json!(ids);
        json["output"] = json!(target.as_ref().map(|path| path.display().to_string()));
        let plain = || {
            output::facts(&[
                (
                    "sealed",
                    target
                        .as_ref()
                        .map_or("stdout".to_owned(), |path| path.display().to_string()),
                ),
                ("plain bytes", sealed.plain.length.to_string()),
                ("sealed bytes", sealed.sealed.length.to_string()),
                ("sealed sha256", hex::encode(sealed.sealed.sha256)),
                ("envelope", sealed.envelope.to_string()),
            ])
        };
        if to_stdout {
            output::show_beside(world, &json, plain);
            Ok(())
        } else {
            output::show(world, &json, plain)
        }
    }

    /// Fails if a file beside the image may not be replaced. Nor may key files stay that are not this run's: they would pass
    /// for the new image's, and may be all that opens a copy of the old one.
    fn check_beside(&self, target: &Path, with_keys: bool) -> Result<(), Failure> {
        outfile::refuse_existing(&with_suffix(target, "segments"), self.overwrite)?;
        let keys = with_suffix(target, "keys");
        if with_keys || keys.symlink_metadata().is_err() {
            return outfile::refuse_existing(&keys, self.overwrite);
        }
        let what = format!(
            "{} holds the keys of an earlier image, and without --director this one gets none",
            keys.display()
        );
        Err(Failure::new(Fault::Conflict, what)
            .next("move or remove that file, or name another output; it would pass for the new image's"))
    }

    /// The input has not the length that `--length` demands.
    fn other_length(&self, announced: u64, found: impl Display) -> Failure {
        let what = format!(
            "{} has {found} bytes, --length demands {announced}",
            input::shown(&self.input)
        );
        Failure::refused(what).next("check that the input is whole and the right one, or correct --length")
    }

    /// A file beside the image, written but still without its name.
    fn beside(&self, target: &Path, suffix: &str, bytes: &[u8]) -> Result<OutFile, Failure> {
        let path = with_suffix(target, suffix);
        let mut file = OutFile::create(&path, Secrecy::Public, self.overwrite)?;
        file.write_all(bytes)
            .and_then(|()| file.flush())
            .map_err(|error| Failure::file("write", &path, error))?;
        Ok(file)
    }

    /// The output file, or `None` for stdout.
    fn target(&self) -> Option<PathBuf> {
        let dash = Path::new("-");
        match &self.output {
            Some(path) if path == dash => None,
            Some(path) => Some(path.clone()),
            None if self.input == dash => None,
            None => Some(with_suffix(&self.input, "sealed")),
        }
    }

    fn binding(&self, target: Option<&Path>) -> Result<Option<Binding>, Failure> {
        if self.director.is_empty() {
            return Ok(None);
        }
        let (Some(repository), Some(path)) = (&self.repository_id, &self.target_path) else {
            return Err(
                Failure::usage("--director needs --repository-id and --target-path").next(
                    "a Director's key is wrapped for one target path of one repository, so that nobody can \
                 republish the image elsewhere and have it opened; or let `sealift target add` do it all",
                ),
            );
        };
        if target.is_none() {
            return Err(
                Failure::usage("--director needs an output file, because the keys go to FILE.keys")
                    .next("name the file with -o FILE"),
            );
        }
        Ok(Some(Binding::key_file(repository.as_str(), path.as_str())))
    }
}

fn load(world: &World, paths: &[PathBuf]) -> Result<Vec<RecipientKey>, Failure> {
    paths.iter().map(|path| keys::recipient(world, path)).collect()
}

/// A key file with the content key wrapped for each Director.
pub(in crate::commands) fn key_file(
    world: &mut World,
    plan: &SealPlan,
    directors: &[RecipientKey],
    binding: &Binding,
) -> Result<KeyFile, Failure> {
    let digest = plan.envelope_digest();
    let mut file = KeyFile::new(digest);
    for director in directors {
        let stanza = wrap(plan.content_key(), director, &digest, binding, world.rng())
            .map_err(|error| faults::seal("cannot wrap the content key for the Director", error))?;
        file.add(stanza)
            .map_err(|error| faults::format("cannot add the Director's key", error))?;
    }
    Ok(file)
}

/// Everything that sealing found out, for machines.
pub(in crate::commands) fn summary(sealed: &Sealed) -> Value {
    let digest = |digest: &sealift_envelope::Digest| json!({"length": digest.length, "sha256": hex::encode(digest.sha256)});
    let list = sealed.segments.digest();
    json!({
        "plain": digest(&sealed.plain),
        "sealed": digest(&sealed.sealed),
        "header": digest(&sealed.header),
        "segments": {
            "alg": sealed.segments.alg().name(),
            "size": sealed.segments.size().bytes(),
            "length": list.length,
            "sha256": hex::encode(list.sha256),
        },
        "envelope_digest": sealed.envelope.to_string(),
    })
}
