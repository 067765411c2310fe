//! Rows about files: seal and open, beside `openssl dgst` and `age`.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use chacha20::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::meter::{Cost, measure, median};
use super::{Args, Row};
use crate::failure::Failure;

/// The limit that every other row is compared with.
const LIMIT: &str = "openssl dgst -sha256";

/// Name, the file that it makes, how to run it.
type Candidate<'a> = (&'static str, &'static str, Box<dyn Fn() -> Command + 'a>);

pub(super) fn rows(args: &Args, binaries: &Path, dir: &Path) -> Result<Vec<Row>, Failure> {
    make_image(&dir.join("plain"), args.size_mib)?;
    make_keys(dir)?;
    let sealift = binaries.join("sealift");
    let at = |name: &str| dir.join(name).into_os_string();
    let command = |program: &Path, args: &[&str], files: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).args(files.iter().map(|file| at(file)));
        command
    };
    let public = dir.join("recipient.pub.pem").display().to_string();
    let private = dir.join("recipient.pem").display().to_string();
    let age = Command::new("age")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    if !age {
        println!("bench: age is not installed, its rows are left out");
    }
    let age_public = if age {
        age_recipient(&dir.join("age.txt"))?
    } else {
        String::new()
    };
    // Name, product, the file that it makes, and how to run it; the order is the order of each round.
    let openssl = Path::new("openssl");
    let agep = Path::new("age");
    let mut candidates: Vec<Candidate<'_>> = vec![
        (
            LIMIT,
            "",
            Box::new(move || command(openssl, &["dgst", "-sha256"], &["plain"])),
        ),
        (
            "sealift image seal",
            "sealed",
            Box::new({
                let (sealift, public) = (sealift.clone(), public.clone());
                move || {
                    command(
                        &sealift,
                        &["image", "seal", "--recipient", &public, "-o"],
                        &["sealed", "plain"],
                    )
                }
            }),
        ),
        (
            "sealift image open",
            "opened",
            Box::new(move || {
                command(
                    &sealift,
                    &["image", "open", "--key", &private, "-o"],
                    &["opened", "sealed"],
                )
            }),
        ),
    ];
    if age {
        let identity = dir.join("age.txt").display().to_string();
        candidates.push((
            "age -r",
            "aged",
            Box::new(move || command(agep, &["-r", &age_public, "-o"], &["aged", "plain"])),
        ));
        candidates.push((
            "age -d",
            "unaged",
            Box::new(move || command(agep, &["-d", "-i", &identity, "-o"], &["unaged", "aged"])),
        ));
    }
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); candidates.len()];
    for _ in 0..args.runs {
        for ((_, product, run), costs) in candidates.iter().zip(&mut costs) {
            if !product.is_empty() {
                remove(&dir.join(product))?;
                // Sealing leaves the segment list beside the image.
                remove(&dir.join(format!("{product}.segments")))?;
            }
            costs.push(measure(&mut run())?);
        }
        same(&dir.join("plain"), &dir.join("opened"))?;
        // They are large, and the RAM disk is not.
        for product in ["opened", "aged", "unaged"] {
            remove(&dir.join(product))?;
        }
    }
    let rows = candidates
        .iter()
        .zip(&costs)
        .map(|((name, ..), costs)| Row::new(name, LIMIT, median(costs)));
    Ok(rows.collect())
}

/// Bytes that do not compress, the same in every run.
fn make_image(path: &Path, size_mib: u32) -> Result<(), Failure> {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let mut file = BufWriter::new(File::create(path).map_err(|error| Failure::at(path.display(), error))?);
    let mut block = vec![0; 1 << 20];
    for _ in 0..size_mib {
        rng.fill_bytes(&mut block);
        file.write_all(&block)?;
    }
    file.flush()?;
    Ok(())
}

/// Made by openssl, so that a key from elsewhere is what the bench runs with.
fn make_keys(dir: &Path) -> Result<(), Failure> {
    let private = dir.join("recipient.pem");
    let mut generate = Command::new("openssl");
    generate.args([
        "genpkey",
        "-quiet",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-out",
    ]);
    if measure(generate.arg(&private)).is_err() {
        // Before OpenSSL 3.0.8 there is no -quiet.
        let mut generate = Command::new("openssl");
        generate.args([
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-out",
        ]);
        measure(generate.arg(&private))?;
    }
    let mut public = Command::new("openssl");
    public
        .args(["pkey", "-pubout", "-in"])
        .arg(&private)
        .arg("-out")
        .arg(dir.join("recipient.pub.pem"));
    measure(&mut public)?;
    Ok(())
}

fn age_recipient(identity: &Path) -> Result<String, Failure> {
    measure(Command::new("age-keygen").arg("-o").arg(identity))?;
    let text = fs::read_to_string(identity)?;
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: "));
    public
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("age-keygen names no public key"))
}

fn remove(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        fs::remove_file(path).map_err(|error| Failure::at(path.display(), error))?;
    }
    Ok(())
}

fn same(one: &Path, other: &Path) -> Result<(), Failure> {
    measure(Command::new("cmp").arg(one).arg(other)).map(drop)
}
