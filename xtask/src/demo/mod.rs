//! The demonstration: one image goes all the way, each step by the real binaries as separate processes.

mod attacks;
mod fleet;
mod image;
mod site;
mod table;
mod tools;

use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use attacks::Tampered;
use fleet::{Run, Vehicle};
use image::Source;
use site::{PASSPHRASE, Site};
use table::Table;
use tools::{Tools, start, text};

/// Arguments of `cargo xtask demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Image to update the vehicle with, 64 MiB or more [default: a tar of the Rust toolchain, about a gigabyte]
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,

    /// Leave the server and all files as they are at the end, for a look around
    #[arg(long)]
    keep: bool,

    /// Directory to work in; its earlier content is removed
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    work: PathBuf,
}

/// The ECU that gets the big image.
const MAIN: &str = "VIN-0001-main";
/// Target paths of the demonstration.
const BIG: &str = "domain-controller/os-1.tar";
const LAMP: &str = "lamp-controller/firmware-1.bin";
const SECOND: &str = "domain-controller/os-2.bin";
const STOLEN: &str = "supplier-b/os-2.bin";

/// Runs the demonstration; prints each step and the table of all.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let source = Source::find(args.image.as_deref())?;
    if let Some(image) = &args.image
        && size(image).is_some_and(|bytes| bytes < MIN_IMAGE_BYTES)
    {
        return Err(Failure::new(format!(
            "{} is too small: its download is to be killed half-way, so give an image of 64 MiB or more",
            image.display()
        )));
    }
    let mut site = Site::new(&args.work)?;
    let tools = Tools::build(
        vec![(PASSPHRASE, "correct horse battery staple".to_owned())],
        &site.root,
    )?;
    let mut table = Table::default();
    println!("image: {}\nfiles: {}\n", source.describe(), site.root.display());

    let began = start();
    site.found(&tools)?;
    table.add(
        "keys, CA, repository, Director",
        None,
        began.elapsed(),
        "four roles, one KEK, two roots",
    );

    let began = start();
    let sent = publish_stream(&site, &tools, &source)?;
    table.add("seal, sign, publish", Some(sent), began.elapsed(), BIG);
    let began = start();
    let lamp = tools.path("sealift-server");
    publish(&site, &tools, LAMP, "lamp-controller", 1, &text(&lamp))?;
    table.add("seal, sign, publish", size(&lamp), began.elapsed(), LAMP);

    let began = start();
    let server = site.serve(&tools)?;
    table.add("server up", None, began.elapsed(), &site.vehicles);

    let began = start();
    let car = Vehicle::provision("VIN-0001", &site, &tools)?;
    let thief = Vehicle::provision("VIN-0002", &site, &tools)?;
    table.add(
        "provision two vehicles",
        None,
        began.elapsed(),
        "ECUs main (P-256) and lamp (RSA)",
    );
    let began = start();
    car.assign(MAIN, BIG, &site, &tools)?;
    table.add("assign", None, began.elapsed(), "VIN-0001 main");

    update_with_kill(&car, &site, &tools, &mut table)?;
    let began = start();
    let equal = image::compare(
        source.open()?,
        &site.root.join("VIN-0001/installed/VIN-0001-main.img"),
    )?;
    table.add(
        "compare with the original",
        Some(equal),
        began.elapsed(),
        "equal, byte for byte",
    );

    let began = start();
    car.assign("VIN-0001-lamp", LAMP, &site, &tools)?;
    car.run(&site, &tools, None)?.succeeded()?;
    let installed = site.root.join("VIN-0001/installed/VIN-0001-lamp.img");
    let equal = image::compare(Source::find(Some(&lamp))?.open()?, &installed)?;
    table.add(
        "RSA ECU: update and compare",
        Some(equal),
        began.elapsed(),
        "equal, byte for byte",
    );

    attack(&car, &thief, &site, &tools, &mut table)?;

    println!("\n{}", table.render());
    println!(
        "every step did what it must; the files stay in {}",
        site.root.display()
    );
    if args.keep {
        println!("server still running, process {}", server.leave(),);
        println!("vehicles {}  operators {}", site.vehicles, site.operators);
    }
    Ok(())
}

/// The download is cut by SIGKILL; the next run must not fetch a verified segment again.
fn update_with_kill(car: &Vehicle, site: &Site, tools: &Tools, table: &mut Table) -> Result<(), Failure> {
    const SEGMENT: u64 = 1 << 20;
    let began = start();
    let first = car.run(site, tools, Some(KILL_AFTER))?;
    if first.code.is_some() {
        return Err(Failure::new(format!(
            "the vehicle ended by itself ({:?}) before it could be killed",
            first.code
        )));
    }
    let kept = first.verified.len() as u64;
    table.add(
        "download, killed by SIGKILL",
        Some(kept * SEGMENT),
        began.elapsed(),
        &format!("{kept} segments verified"),
    );
    let began = start();
    let second = car.run(site, tools, None)?.succeeded()?;
    let twice = first.verified.intersection(&second.asked).count();
    if twice != 0 || second.held < kept {
        return Err(Failure::new(format!(
            "{twice} verified segments were fetched twice, {} of {kept} were kept",
            second.held
        )));
    }
    let bytes = second.verified.len() as u64 * SEGMENT;
    let outcome = format!(
        "{} segments kept, {} fetched, none twice",
        second.held,
        second.verified.len()
    );
    table.add(
        "resume, verify, open, install, report",
        Some(bytes),
        began.elapsed(),
        &outcome,
    );
    Ok(())
}

/// Segments after which the first download is killed.
/// In segments of 1 MiB.
const KILL_AFTER: usize = 40;

/// Leaves enough to download after the kill.
const MIN_IMAGE_BYTES: u64 = 64 << 20;

/// Four attacks while release 2 is pending, then release 2.
fn attack(
    car: &Vehicle,
    thief: &Vehicle,
    site: &Site,
    tools: &Tools,
    table: &mut Table,
) -> Result<(), Failure> {
    let timestamp = site.root.join("store/repo/timestamp.json");
    let yesterday = fs::read(&timestamp)
        .map_err(|error| Failure::at(format!("cannot read {}", timestamp.display()), error))?;
    let second = tools.path("sealift-vehicle");
    publish(site, tools, SECOND, "domain-controller", 2, &text(&second))?;
    car.assign(MAIN, SECOND, site, tools)?;

    // The vehicle must have seen today's metadata for yesterday's to be old.
    let flipped = Tampered::flip(object(site, SECOND)?)?;
    refused(
        car,
        site,
        tools,
        table,
        "attack: a flipped byte on the server",
        flipped,
    )?;
    let replayed = Tampered::replay(timestamp, yesterday)?;
    refused(car, site, tools, table, "attack: yesterday's metadata", replayed)?;
    let foreign = Tampered::sealing_key(site, car, thief)?;
    refused(
        car,
        site,
        tools,
        table,
        "attack: opening with another vehicle's key",
        foreign,
    )?;

    let began = start();
    let said = steal(thief, site, tools)?;
    table.add(
        "attack: a copy under another supplier's path",
        None,
        began.elapsed(),
        &format!("refused, {said}"),
    );

    let began = start();
    car.run(site, tools, None)?.succeeded()?;
    let equal = image::compare(
        Source::find(Some(&second))?.open()?,
        &site.root.join("VIN-0001/installed/VIN-0001-main.img"),
    )?;
    table.add(
        "release 2 after the attacks",
        Some(equal),
        began.elapsed(),
        "installed, equal byte for byte",
    );
    Ok(())
}

/// One cycle under attack: it must end with a refusal and leave the installed image alone.
fn refused(
    car: &Vehicle,
    site: &Site,
    tools: &Tools,
    table: &mut Table,
    step: &str,
    tampered: Tampered,
) -> Result<(), Failure> {
    let installed = site.root.join("VIN-0001/installed/VIN-0001-main.img");
    let before = size(&installed);
    let began = start();
    let run: Run = car.run(site, tools, None)?;
    drop(tampered);
    match run.refusal {
        Some(code) if run.code != Some(0) && size(&installed) == before => {
            let exit = run.code.unwrap_or(-1);
            table.add(
                step,
                None,
                began.elapsed(),
                &format!("refused, exit {exit}: {code}"),
            );
            Ok(())
        }
        refusal => Err(Failure::new(format!(
            "{step}: not refused (exit {:?}, refusal {refusal:?})",
            run.code
        ))),
    }
}

/// Another supplier publishes a copy of a sealed object, key file and all, under a path of its own, and has it assigned to
/// a vehicle of its own: the key stanza is bound to the first path, so the Director cannot be made to open it.
fn steal(thief: &Vehicle, site: &Site, tools: &Tools) -> Result<String, Failure> {
    let sealed = object(site, SECOND)?;
    let keys = site.root.join("stolen.keys");
    let original = text(&sealed).replace("/store/repo/targets/", "/store/private/keys/") + ".keys";
    fs::copy(&original, &keys).map_err(|error| Failure::at(format!("cannot copy {original}"), error))?;
    let copy = site.root.join("stolen.sealed");
    fs::copy(&sealed, &copy)
        .map_err(|error| Failure::at(format!("cannot copy {}", sealed.display()), error))?;
    let mut arguments = target_add(site, STOLEN, "domain-controller", 2, &text(&copy));
    arguments.retain(|argument| argument != "--director" && !argument.ends_with("kek.pub.pem"));
    arguments.extend(["--sealed", "--keys"].map(str::to_owned));
    arguments.extend([
        text(&keys),
        "--plain-sha256".to_owned(),
        listed_plain_sha256(site, tools, SECOND)?,
    ]);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    tools.run("sealift", &arguments)?;
    thief.assign_refused("VIN-0002-main", STOLEN, site, tools)
}

/// SHA-256 of a target's plaintext, which everybody can read in the signed metadata.
fn listed_plain_sha256(site: &Site, tools: &Tools, path: &str) -> Result<String, Failure> {
    let listed = tools.run(
        "sealift",
        &["--json", "target", "list", "--repository", &site.repository()],
    )?;
    let listed: serde_json::Value = serde_json::from_str(&listed)?;
    let targets = listed["targets"].as_array().into_iter().flatten();
    targets
        .filter(|target| target["path"] == path)
        .find_map(|target| target["sealift"]["plain"]["sha256"].as_str().map(str::to_owned))
        .ok_or_else(|| Failure::new(format!("{path} is not listed")))
}

fn publish(
    site: &Site,
    tools: &Tools,
    path: &str,
    hardware: &str,
    counter: u32,
    input: &str,
) -> Result<(), Failure> {
    let arguments = target_add(site, path, hardware, counter, input);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    tools.run("sealift", &arguments).map(drop)
}

fn publish_stream(site: &Site, tools: &Tools, source: &Source) -> Result<u64, Failure> {
    let arguments = target_add(site, BIG, "domain-controller", 1, "-");
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let reading = source.open()?;
    tools.fed("sealift", &arguments, |mut stdin| {
        image::pump(reading, &mut stdin)
    })
}

/// `sealift target add` with the demonstration's keys.
fn target_add(site: &Site, path: &str, hardware: &str, counter: u32, input: &str) -> Vec<String> {
    let mut arguments: Vec<String> = ["target", "add", "--repository"].map(str::to_owned).to_vec();
    arguments.push(site.repository());
    for (flag, value) in [
        ("--root", site.path("1.root.json")),
        ("--path", path.to_owned()),
        ("--hardware-id", hardware.to_owned()),
        ("--release-counter", counter.to_string()),
        ("--image-version", format!("{counter}.0.0")),
        ("--director", site.path("keys/kek.pub.pem")),
        ("--targets-key", site.path("keys/targets.pem")),
        ("--snapshot-key", site.path("keys/snapshot.pem")),
        ("--timestamp-key", site.path("keys/timestamp.pem")),
        ("--passphrase-env", PASSPHRASE.to_owned()),
    ] {
        arguments.extend([flag.to_owned(), value]);
    }
    arguments.push(input.to_owned());
    arguments
}

/// The stored object of a target: `targets/DIR/HASH.FILE`.
fn object(site: &Site, path: &str) -> Result<PathBuf, Failure> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = site.root.join("store/repo/targets").join(directory);
    fs::read_dir(&directory)
        .map_err(|error| Failure::at(format!("cannot list {}", directory.display()), error))?
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy().ends_with(&format!(".{name}")))
        .map(|entry| entry.path())
        .ok_or_else(|| Failure::new(format!("{path} is not in {}", directory.display())))
}

fn size(path: &std::path::Path) -> Option<u64> {
    fs::metadata(path).ok().map(|metadata| metadata.len())
}
