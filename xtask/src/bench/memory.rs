//! Peak memory of sealing and opening, from small images to large ones: a sparse file goes through both programs and a pipe
//! into nothing, so that neither disk nor RAM disk is needed.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::files::{self, PRIVATE, PUBLIC};
use super::meter::peak_mib;
use crate::failure::Failure;

const SIZES_MIB: [u64; 5] = [1, 16, 256, 4096, 16_384];
/// What the design allows a process.
const GOAL_MIB: f64 = 48.0;
const POLL: Duration = Duration::from_millis(2);

/// A Markdown table of the peaks.
pub(super) fn table(binaries: &Path, dir: &Path) -> Result<String, Failure> {
    files::make_keys(dir)?;
    let mut text =
        String::from("| image, MiB | seal, peak MiB | open, peak MiB | wanted |\n|---|---|---|---|\n");
    for size_mib in SIZES_MIB {
        let sparse = dir.join("sparse");
        let file = File::create(&sparse).map_err(|error| Failure::at(sparse.display(), error))?;
        file.set_len(size_mib * 1_048_576)?;
        let (seal, open) = through_a_pipe(&binaries.join("sealift"), dir, &sparse)?;
        // Writing into a String cannot fail.
        let _ = writeln!(text, "| {size_mib} | {seal:.1} | {open:.1} | ≤ {GOAL_MIB} |");
    }
    Ok(text)
}

/// `sealift image seal … | sealift image open … >/dev/null`; the peaks of both.
fn through_a_pipe(sealift: &Path, dir: &Path, image: &Path) -> Result<(f64, f64), Failure> {
    let mut seal = Command::new(sealift)
        .args(["image", "seal", "-o", "-", "--recipient"])
        .arg(dir.join(PUBLIC))
        .arg(image)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::at(sealift.display(), error))?;
    let pipe = seal.stdout.take().ok_or_else(|| Failure::new("no pipe"))?;
    let open = Command::new(sealift)
        .args(["image", "open", "-o", "-", "--key"])
        .arg(dir.join(PRIVATE))
        .arg("-")
        .stdin(pipe)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::at(sealift.display(), error))?;
    let mut children = [("seal", seal, 0.0_f64), ("open", open, 0.0_f64)];
    while running(&mut children)? {
        for (_, child, peak) in &mut children {
            *peak = peak_mib(child.id()).unwrap_or_default().max(*peak);
        }
        thread::sleep(POLL);
    }
    let mut peaks = [0.0; 2];
    for ((name, child, peak), place) in children.into_iter().zip(&mut peaks) {
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::new(format!(
                "image {name} ended with {}: {said}",
                output.status
            )));
        }
        *place = peak;
    }
    Ok((peaks[0], peaks[1]))
}

fn running(children: &mut [(&str, Child, f64)]) -> Result<bool, Failure> {
    let mut any = false;
    for (_, child, _) in children {
        any |= child.try_wait()?.is_none();
    }
    Ok(any)
}
