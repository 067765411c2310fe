//! `sealift image open`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use sealift_envelope::{ContentKey, Header, OpenError, RangedOpener, ReadAt, UnwrapError, UnwrapKey};
use serde_json::json;

use super::extent::{self, Counted};
use super::origin::{Origin, OriginArgs};
use super::range::PlainRange;
use super::remote::{self, Remote, RemoteArgs};
use super::segments::SignedSegments;
use super::wrapped::WrappedKeyArgs;
use crate::cipher::CipherArgs;
use crate::failure::{Failure, Fault};
use crate::input::{self, Input};
use crate::outfile::{Overwrite, Sink};
use crate::passphrase::Unlock;
use crate::progress::Progress;
use crate::{World, faults, keys, outfile, output};

/// Plaintext bytes that a ranged read holds at once.
const PIECE_BYTES: u64 = 1 << 20;

#[derive(Args, Debug)]
#[command(after_help = "\
Opening proves that the bytes are what someone sealed for this key, not who that was: anyone can seal for a public \
key. With --metadata-root, --repository and --target the image must also be the one that the repository's keys signed.")]
pub(in crate::commands) struct Open {
    /// Private key of a recipient: a PEM file, env:NAME, or a key held elsewhere (pkcs11:… or awskms:…)
    #[arg(long, value_name = "PRIV.pem|URI")]
    key: PathBuf,

    #[command(flatten)]
    unlock: Unlock,

    /// Only these bytes of the image: START-END, both inclusive and from 0 as in HTTP, or START-. Needs a file or an address, not a pipe
    #[arg(long, value_name = "START-END")]
    range: Option<PlainRange>,

    #[command(flatten)]
    remote: RemoteArgs,

    #[command(flatten)]
    wrapped: WrappedKeyArgs,

    #[command(flatten)]
    origin: OriginArgs,

    #[command(flatten)]
    cipher: CipherArgs,

    /// Output file, `-` for stdout [default: INPUT without .sealed; stdout for pipes and ranges]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    overwrite: Overwrite,

    /// Sealed image, `-` for stdin; with --range also an http://, https://, s3:// or file:// address
    #[arg(default_value = "-")]
    input: PathBuf,
}

impl Open {
    pub(super) fn run(self, world: &mut World) -> Result<(), Failure> {
        let input = self.source(world)?;
        let target = self.target()?;
        if let Some(target) = &target {
            outfile::refuse_input(target, &[&self.key])?;
        }
        let key = keys::opener(world, &self.key, &self.unlock)?;
        let origin = self.origin.verify(world, self.range.is_some())?;
        let sink = Sink::open(target.as_deref().or(self.output.as_deref()), self.overwrite)?;
        match input {
            Source::Whole(input) => self.whole(world, input, &*key, origin.as_ref(), sink),
            Source::Ranged(range, image) => self.range(world, range, &*image, &*key, origin.as_ref(), sink),
        }
    }

    fn source(&self, world: &World) -> Result<Source, Failure> {
        if let Some(address) = remote::address(&self.input) {
            let range = self.range.ok_or_else(|| {
                Failure::usage("an address is read by ranges").next("add --range 0- for the whole image")
            })?;
            let trusted = self.remote.authorities(world, address)?;
            return Ok(Source::Ranged(range, Box::new(Remote::open(address, trusted)?)));
        }
        self.remote.refuse()?;
        match (self.range, Input::open(&self.input)?) {
            (None, input) => Ok(Source::Whole(input)),
            (Some(range), Input::File(file, _)) => Ok(Source::Ranged(range, Box::new(file))),
            (Some(_), Input::Stream(_)) => Err(Failure::usage(
                "--range needs a file: a pipe cannot be read from its end",
            )
            .next("name the sealed file instead of `-`")),
        }
    }

    fn whole(
        &self,
        world: &World,
        input: Input,
        key: &dyn UnwrapKey,
        origin: Option<&Origin>,
        mut sink: Sink,
    ) -> Result<(), Failure> {
        let length = input.length();
        if let (Some(origin), Some(length)) = (origin, length) {
            origin.check_length(length)?;
        }
        let what = format!("cannot open {}", self.shown());
        let to_stdout = sink.is_stdout();
        let progress = Progress::bytes(world, "opening", length);
        let mut input = Counted::new(input);
        let mut seen = None;
        let mut refused = None;
        let opened = sealift_envelope::open(
            &mut input,
            &mut sink,
            |header| {
                seen = Some(header.clone());
                let found = self.content_key(header, length, key, origin);
                // What goes to stdout is used before it has ended.
                if to_stdout && found.is_ok() && origin.is_none() {
                    world.warn(UNVERIFIED);
                }
                found.map_err(|step| step.split(&mut refused))
            },
            &mut |done| progress.set(done),
        );
        drop(progress);
        let opened = opened.map_err(|error| {
            let cut = seen.and_then(|header| input.ended_early(&header, &error));
            let cut = cut.map(|mismatch| mismatch.refusal(&self.shown()));
            refused.or(cut).unwrap_or_else(|| faults::open(what, error))
        })?;
        if let Some(origin) = origin {
            origin.check_whole(&opened)?;
        }
        sink.commit()?;
        let json = json!({
            "plain": {"length": opened.plain.length, "sha256": hex::encode(opened.plain.sha256)},
            "sealed": {"length": opened.sealed.length, "sha256": hex::encode(opened.sealed.sha256)},
            "origin_verified": origin.is_some(),
        });
        self.finish(world, to_stdout, &json, opened.plain.length, origin.is_some())
    }

    fn range(
        &self,
        world: &World,
        range: PlainRange,
        image: &dyn ReadAt,
        key: &dyn UnwrapKey,
        origin: Option<&Origin>,
        sink: Sink,
    ) -> Result<(), Failure> {
        let length = image
            .size()
            .map_err(|error| Failure::io(format!("cannot examine {}", self.shown()), error))?;
        if let Some(origin) = origin {
            origin.check_length(length)?;
        }
        // Everybody who can open the image can also make chunks that open, so a part of it is the repository's only where
        // its segments are the signed ones.
        match origin.and_then(Origin::segments) {
            None => self.range_of(world, range, image, key, origin, sink, || None),
            Some(list) => {
                let source = SignedSegments::new(image, list.clone());
                self.range_of(world, range, &source, key, origin, sink, || source.refusal())
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the second half of `range`")]
    fn range_of(
        &self,
        world: &World,
        range: PlainRange,
        source: &dyn ReadAt,
        key: &dyn UnwrapKey,
        origin: Option<&Origin>,
        mut sink: Sink,
        refusal: impl Fn() -> Option<Failure>,
    ) -> Result<(), Failure> {
        let failed = |error: OpenError| {
            let what = format!("cannot open a range of {}", self.shown());
            refusal().unwrap_or_else(|| {
                remote::refusal(&what, error).unwrap_or_else(|error| faults::open(what, error))
            })
        };
        let mut refused = None;
        let size = source.size().ok();
        let opener = RangedOpener::new(source, |header| {
            self.content_key(header, size, key, origin)
                .map_err(|step| step.split(&mut refused))
        });
        let mut opener = opener.map_err(|error| refused.unwrap_or_else(|| failed(error)))?;
        let plain_length = opener.plain_length();
        let length = range.len_within(plain_length).ok_or_else(|| {
            let what = format!(
                "the range starts at {}, the image has {plain_length} bytes",
                range.start
            );
            Failure::usage(what).next(match plain_length {
                0 => "ask for --range 0-, which is all there is".to_owned(),
                _ => format!("ask for bytes below {plain_length}"),
            })
        })?;
        let to_stdout = sink.is_stdout();
        if to_stdout && origin.is_none() {
            world.warn(UNVERIFIED);
        }
        let progress = Progress::bytes(world, "opening", Some(length));
        let mut piece = Vec::new();
        let mut done = 0;
        while done < length {
            piece.clear();
            let wanted = PIECE_BYTES.min(length - done);
            opener
                .read_range(range.start + done, wanted, &mut piece)
                .map_err(&failed)?;
            sink.write_all(&piece)
                .map_err(|error| Failure::io("cannot write the range", error))?;
            done += wanted;
            progress.set(done);
        }
        drop(progress);
        sink.commit()?;
        let json = json!({
            "range": {"start": range.start, "length": length},
            "plain_length": plain_length,
            "origin_verified": origin.is_some(),
        });
        self.finish(world, to_stdout, &json, length, origin.is_some())
    }

    fn content_key(
        &self,
        header: &Header,
        length: Option<u64>,
        key: &dyn UnwrapKey,
        origin: Option<&Origin>,
    ) -> Result<ContentKey, Step> {
        if let Some(origin) = origin {
            origin.check_header(header).map_err(Step::Ours)?;
        }
        if let Some(mismatch) = length.and_then(|length| extent::mismatch(header, length)) {
            return Err(Step::Ours(mismatch.refusal(&self.shown())));
        }
        let found = self.wrapped.content_key(header, key, origin)?;
        Ok(found.with_backend(self.cipher.backend()))
    }

    fn finish(
        &self,
        world: &World,
        to_stdout: bool,
        json: &serde_json::Value,
        length: u64,
        verified: bool,
    ) -> Result<(), Failure> {
        // Said when there is an image whose origin matters.
        if !verified && !to_stdout {
            world.warn(UNVERIFIED);
        }
        let origin = if verified { ", origin verified" } else { "" };
        if to_stdout {
            output::show_beside(world, json, || format!("opened {length} bytes{origin}\n"));
            return Ok(());
        }
        let written = self.target()?.unwrap_or_default();
        output::show(world, json, || {
            format!("opened {length} bytes into {}{origin}\n", written.display())
        })
    }

    /// The output file, or `None` for stdout.
    fn target(&self) -> Result<Option<PathBuf>, Failure> {
        let dash = Path::new("-");
        match &self.output {
            Some(path) if path == dash => Ok(None),
            Some(path) => Ok(Some(path.clone())),
            None if self.input == dash || self.range.is_some() => Ok(None),
            None => match self.input.extension() {
                Some(extension) if extension == "sealed" => Ok(Some(self.input.with_extension(""))),
                _ => Err(
                    Failure::usage(format!("{} does not end in .sealed", self.shown()))
                        .next("name the output with -o FILE, or -o - for stdout"),
                ),
            },
        }
    }

    fn shown(&self) -> String {
        match remote::address(&self.input) {
            Some(address) => remote::shown(address),
            None => input::shown(&self.input),
        }
    }
}

const UNVERIFIED: &str = "origin NOT verified: whoever has the public key could have made this image";

/// What is opened.
enum Source {
    Whole(Input),
    Ranged(PlainRange, Box<dyn ReadAt>),
}

/// Why there is no content key: the library's reason, or one of ours that its error type cannot carry.
#[derive(Debug)]
pub(super) enum Step {
    Theirs(UnwrapError),
    Ours(Failure),
}

impl Step {
    /// Keeps our own failure aside and gives the library one of its own.
    fn split(self, aside: &mut Option<Failure>) -> UnwrapError {
        match self {
            Self::Theirs(error) => error,
            Self::Ours(failure) => {
                *aside = Some(failure);
                UnwrapError::Refused
            }
        }
    }
}

/// The fault that a failed check of signed digests has.
pub(super) fn not_signed(what: String) -> Failure {
    Failure::new(Fault::Refused, what)
        .next("do not use any bytes of it; fetch the image again from the repository")
}
