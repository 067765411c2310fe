//! Rows about files: seal and open, beside `openssl dgst` and `age`.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use chacha20::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::meter::{Cost, measure, median, sum};
use super::{Args, Row};
use crate::failure::Failure;

/// The limit that every other row is compared with.
pub(super) const LIMIT: &str = "openssl dgst -sha256";
pub(super) const SEAL: &str = "sealift image seal";
pub(super) const OPEN: &str = "sealift image open";
const PORTABLE_SEAL: &str = "sealift image seal, portable cipher";
const PORTABLE_OPEN: &str = "sealift image open, portable cipher";
pub(super) const AGE_AND_DIGESTS: &str = "age -r, then sha256sum of both sides";

const OPENED: &str = "opened";
pub(super) const PRIVATE: &str = "recipient.pem";
pub(super) const PUBLIC: &str = "recipient.pub.pem";

/// One row: its name, the file that it makes, and the programs that are run for it, one after the other.
struct Candidate<'a> {
    name: &'static str,
    product: &'static str,
    steps: Box<dyn Fn() -> Vec<Command> + 'a>,
}

pub(super) fn rows(args: &Args, binaries: &Path, dir: &Path) -> Result<Vec<Row>, Failure> {
    make_image(&dir.join("plain"), args.size_mib)?;
    make_keys(dir)?;
    let candidates = candidates(binaries, dir)?;
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); candidates.len()];
    for _ in 0..args.runs {
        for (candidate, costs) in candidates.iter().zip(&mut costs) {
            let Candidate { product, steps, .. } = candidate;
            if !product.is_empty() {
                remove(&dir.join(product))?;
                // Sealing leaves the segment list beside the image.
                remove(&dir.join(format!("{product}.segments")))?;
            }
            let mut cost: Option<Cost> = None;
            for mut step in steps() {
                let next = measure(&mut step)?;
                cost = Some(cost.map_or(next, |cost| sum(cost, next)));
            }
            costs.extend(cost);
            // They are large, and the RAM disk is not.
            if *product == OPENED {
                same(&dir.join("plain"), &dir.join(product))?;
                remove(&dir.join(product))?;
            }
        }
        for product in ["aged", "unaged"] {
            remove(&dir.join(product))?;
        }
    }
    let rows = candidates
        .iter()
        .zip(&costs)
        .map(|(candidate, costs)| Row::new(candidate.name, LIMIT, median(costs)));
    Ok(rows.collect())
}

/// All rows, in the order of each round.
fn candidates<'a>(binaries: &Path, dir: &'a Path) -> Result<Vec<Candidate<'a>>, Failure> {
    let sealift = binaries.join("sealift");
    let command = move |program: &Path, args: &[&str], files: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).args(files.iter().map(|file| dir.join(file)));
        command
    };
    let openssl = move || vec![command(Path::new("openssl"), &["dgst", "-sha256"], &["plain"])];
    let mut candidates = vec![Candidate {
        name: LIMIT,
        product: "",
        steps: Box::new(openssl),
    }];
    // The portable cipher first, so that what is opened later was made by the default.
    let portable: &[&str] = &["--cipher", "portable"];
    for (name, cipher) in [(PORTABLE_SEAL, portable), (SEAL, &[])] {
        let (sealift, public) = (sealift.clone(), dir.join(PUBLIC).display().to_string());
        candidates.push(Candidate {
            name,
            product: "sealed",
            steps: Box::new(move || {
                let args = [&["image", "seal", "--recipient", &public], cipher, &["-o"]].concat();
                vec![command(&sealift, &args, &["sealed", "plain"])]
            }),
        });
    }
    for (name, cipher) in [(PORTABLE_OPEN, portable), (OPEN, &[])] {
        let (sealift, private) = (sealift.clone(), dir.join(PRIVATE).display().to_string());
        candidates.push(Candidate {
            name,
            product: OPENED,
            steps: Box::new(move || {
                let args = [&["image", "open", "--key", &private], cipher, &["-o"]].concat();
                vec![command(&sealift, &args, &[OPENED, "sealed"])]
            }),
        });
    }
    candidates.extend(age(dir)?);
    Ok(candidates)
}

/// age does less: it makes no digest that metadata could name. So it is measured alone and with what is missing.
fn age(dir: &Path) -> Result<Vec<Candidate<'_>>, Failure> {
    let version = Command::new("age")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if version.is_err() {
        println!("bench: age is not installed, its rows are left out");
        return Ok(Vec::new());
    }
    let public = age_recipient(&dir.join("age.txt"))?;
    let encrypt = move || {
        let mut age = Command::new("age");
        age.args(["-r", &public, "-o"])
            .arg(dir.join("aged"))
            .arg(dir.join("plain"));
        age
    };
    let digest = move |file: &str| {
        let mut sha256sum = Command::new("sha256sum");
        sha256sum.arg(dir.join(file));
        sha256sum
    };
    let decrypt = move || {
        let mut age = Command::new("age");
        age.arg("-d").arg("-i").arg(dir.join("age.txt"));
        age.arg("-o").arg(dir.join("unaged")).arg(dir.join("aged"));
        age
    };
    let alone = encrypt.clone();
    Ok(vec![
        Candidate {
            name: "age -r",
            product: "aged",
            steps: Box::new(move || vec![alone()]),
        },
        Candidate {
            name: AGE_AND_DIGESTS,
            product: "aged",
            steps: Box::new(move || vec![encrypt(), digest("plain"), digest("aged")]),
        },
        Candidate {
            name: "age -d",
            product: "unaged",
            steps: Box::new(move || vec![decrypt()]),
        },
    ])
}

/// Bytes that do not compress, the same in every run.
pub(super) fn make_image(path: &Path, size_mib: u32) -> Result<(), Failure> {
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
pub(super) fn make_keys(dir: &Path) -> Result<(), Failure> {
    let private = dir.join(PRIVATE);
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
        .arg(dir.join(PUBLIC));
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
