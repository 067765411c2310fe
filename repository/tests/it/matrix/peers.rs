//! python-tuf and tuf-js look at every tree, through `tests/peers/trees.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::look::Trees;

/// Where `cargo xtask test` installs what both need, or where the environment says it is.
fn installed() -> Result<(PathBuf, PathBuf), String> {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    let at = |variable, path| std::env::var_os(variable).map_or(target.join(path), PathBuf::from);
    let python = at("SEALIFT_PYTHON", "venv/bin/python");
    let modules = at("SEALIFT_NODE_MODULES", "node/node_modules");
    for path in [&python, &modules.join("tuf-js")] {
        if !path.exists() {
            return Err(format!(
                "{} is missing (cargo xtask test makes it)",
                path.display()
            ));
        }
    }
    Ok((python, modules))
}

/// Has both find in every tree exactly what is listed, or says why not.
pub(super) async fn judge(trees: &Trees) {
    let (folder, count, refused) = trees.written().await;
    println!("{count} distinct trees, {refused} of them refused by all: sealift, sigstore-tuf, tough");
    let (python, modules) = match installed() {
        Ok(installed) => installed,
        Err(reason) => return println!("left out: {reason}"),
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/trees.py");
    let mut command = Command::new(python);
    command.arg(script).arg(folder).arg("--node-modules").arg(modules);
    let run = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let complaints = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}{complaints}");
    for client in ["python-tuf", "tuf-js"] {
        let line = format!(
            "{client}: {} accepted, {refused} refused, as they should be",
            count - refused
        );
        assert!(said.contains(&line), "{said}{complaints}");
    }
    print!("{said}");
}
