//! What preflight says of tough and sigstore-tuf is what they do.

#[path = "../../../metadata/tests/behaviours/preflight/broken.rs"]
mod broken;

use std::path::{Path, PathBuf};

use broken::{CASES, Keys, Parts, ROLES};
use sealift_metadata::canonical;
use sealift_metadata::preflight::{Documents, Effect, Profile};
use sealift_metadata::time::TrustedTime;
use sealift_metadata::trust::TrustStore;
use sealift_repository::{CheckOptions, Code, Severity, check};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, Repository, Updater};
use tough::{ExpirationEnforcement, FilesystemTransport, IntoVec, RepositoryLoader, TargetName};

use crate::kit::{disk_at, key, later, start};

/// What cannot be compared: here the clients have files, not addresses; and the targets of bins are in bins, which this
/// repository does not have.
const LEFT_OUT: &[(&str, &str)] = &[
    ("sigstore-tuf", "name-in-url"),
    ("tough", "name-in-url"),
    ("sigstore-tuf", "role-name-slash"),
    ("tough", "role-name-slash"),
    ("sigstore-tuf", "succinct-roles"),
];

/// How far a client comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Reads,
    NotFound,
    Refuses,
}

fn role_number(role: &str) -> u8 {
    let number = ROLES.iter().position(|known| *known == role).unwrap_or(3);
    u8::try_from(number).unwrap() + 1
}

/// The public keys of [`key`], as they are in a root.
fn keys() -> Keys {
    let public = |role| {
        let value = key(role_number(role)).public().to_value();
        value["keyval"]["public"].as_str().unwrap().to_owned()
    };
    ROLES.map(|role| (role, public(role))).into_iter().collect()
}

/// The parts as signed files below `tree`; gives the files of metadata.
async fn write(parts: &Parts, tree: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (role, signed) in &parts.signed {
        let top = if ROLES.contains(&role.as_str()) {
            role
        } else {
            "targets"
        };
        let signer = key(role_number(top));
        let signature = signer.sign(&canonical::to_vec(signed)).await.unwrap();
        let keyid = &parts.signed["root"]["roles"][top]["keyids"][0];
        let mut signatures = vec![json!({"keyid": keyid, "sig": hex::encode(signature)})];
        if parts.signed_twice.as_ref() == Some(role) {
            signatures.push(signatures[0].clone());
        }
        let name = match role.as_str() {
            "timestamp" => "timestamp.json".to_owned(),
            role => format!("1.{}.json", role.replace('/', "%2F")),
        };
        let document = json!({"signatures": signatures, "signed": signed}).to_string();
        std::fs::write(tree.join(&name), &document).unwrap();
        files.push((name, document.into_bytes()));
    }
    for (path, entry) in targets(parts) {
        let hashes = &entry["hashes"];
        let hash = hashes["sha256"].as_str().or(hashes["sha512"].as_str()).unwrap();
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = tree.join("targets").join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{hash}.{file}")), &parts.objects[path]).unwrap();
    }
    files
}

fn targets(parts: &Parts) -> impl Iterator<Item = (&str, &Value)> {
    let maps = parts
        .signed
        .values()
        .filter_map(|signed| signed["targets"].as_object());
    maps.flatten().map(|(path, entry)| (path.as_str(), entry))
}

#[derive(Debug)]
struct Tree(PathBuf);

impl Tree {
    fn read(&self, name: &str, max: u64) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        match std::fs::read(self.0.join(name)) {
            Ok(bytes) if bytes.len() as u64 <= max => Ok(Some(bytes)),
            Ok(_) => Err(Error::transport("too long")),
            Err(_) => Ok(None),
        }
    }
}

impl Repository for Tree {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.read(name, max_length) })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.read(&format!("targets/{path}"), max_length) })
    }
}

async fn sigstore_tuf(tree: &Path, paths: &[&str]) -> (Outcome, String) {
    let root = std::fs::read(tree.join("1.root.json")).unwrap();
    let now = start().instant();
    let mut updater = match Updater::new(Tree(tree.to_owned()), &root) {
        Ok(updater) => updater,
        Err(error) => return (Outcome::Refuses, error.to_string()),
    };
    if let Err(error) = updater.refresh(now).await {
        return (Outcome::Refuses, error.to_string());
    }
    for path in paths {
        if let Err(error) = updater.get_target(path, now).await {
            return (Outcome::NotFound, format!("{path}: {error}"));
        }
    }
    (Outcome::Reads, String::new())
}

async fn tough(tree: &Path, paths: &[&str]) -> (Outcome, String) {
    let root = std::fs::read(tree.join("1.root.json")).unwrap();
    let base = url::Url::from_directory_path(tree).unwrap();
    let objects = base.join("targets/").unwrap();
    let loader = RepositoryLoader::new(&root, base, objects)
        .transport(FilesystemTransport)
        .expiration_enforcement(ExpirationEnforcement::Unsafe);
    let repository = match loader.load().await {
        Ok(repository) => repository,
        Err(error) => return (Outcome::Refuses, error.to_string()),
    };
    for path in paths {
        let name = TargetName::new(*path).unwrap();
        let found = match repository.read_target(&name).await {
            Ok(Some(stream)) => stream
                .into_vec()
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
            Ok(None) => Err("not listed".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = found {
            return (Outcome::NotFound, format!("{path}: {error}"));
        }
    }
    (Outcome::Reads, String::new())
}

/// As [`write`], with what Uptane asks of a Timestamp.
async fn write_for_us(parts: &mut Parts, tree: &Path) {
    std::fs::create_dir_all(tree).unwrap();
    let files = write(parts, tree).await;
    let (_, snapshot) = files.iter().find(|(name, _)| name == "1.snapshot.json").unwrap();
    let hashes = json!({"sha256": hex::encode(Sha256::digest(snapshot))});
    let meta = json!({"version": 1, "length": snapshot.len(), "hashes": hashes});
    parts.role("timestamp")["meta"]["snapshot.json"] = meta;
    write(parts, tree).await;
}

/// The repository's own check of a tree: codes and subjects of errors, and the roles that were seen.
async fn checked(folder: &Path, now: TrustedTime) -> (Vec<(Code, String)>, Vec<String>) {
    let store = disk_at(folder);
    let trust = TrustStore {
        root: std::fs::read(folder.join("repository/repo/1.root.json")).unwrap(),
        ..TrustStore::default()
    };
    let report = check(&store, &trust, now, CheckOptions::default()).await.unwrap();
    let roles = report.roles.iter().map(|role| role.name().to_owned()).collect();
    let errors = report.findings.into_iter();
    let errors = errors.filter(|finding| finding.code.severity() == Severity::Error);
    (
        errors.map(|finding| (finding.code, finding.subject)).collect(),
        roles,
    )
}

#[tokio::test]
async fn delegated_roles_are_checked_too() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("repository/repo");
    let mut parts = Parts::new(&keys());
    parts.delegate("targets", "supplier");
    parts.delegate("supplier", "below");
    parts.role("below")["expires"] = "2026-06-09T00:00:00Z".into();
    write_for_us(&mut parts, &tree).await;
    let all = ["root", "targets", "snapshot", "timestamp", "supplier", "below"];
    let sound = checked(folder.path(), start()).await;
    assert_eq!(sound, (vec![], all.map(str::to_owned).to_vec()));
    let soon = checked(folder.path(), later(36)).await;
    assert_eq!(soon.0, [(Code::ExpiresTooSoon, "below".to_owned())]);
    let past = checked(folder.path(), later(24 * 10)).await;
    assert_eq!(past.0, [(Code::Expired, "below".to_owned())]);

    let document = tree.join("1.below.json");
    let honest = std::fs::read_to_string(&document).unwrap();
    for other in [honest.replace("2026-06-09", "2036-06-09"), "{}".to_owned()] {
        std::fs::write(&document, other).unwrap();
        let bad = checked(folder.path(), start()).await.0;
        assert_eq!(bad, [(Code::BadRole, "below".to_owned())]);
    }
    std::fs::remove_file(&document).unwrap();
    let absent = checked(folder.path(), start()).await.0;
    assert_eq!(absent, [(Code::MissingRole, "below".to_owned())]);
    std::fs::write(&document, honest).unwrap();

    let object = parts.signed["supplier"]["targets"]["supplier.bin"]["hashes"]["sha256"].clone();
    let object = format!("{}.supplier.bin", object.as_str().unwrap());
    std::fs::remove_file(tree.join("targets").join(&object)).unwrap();
    let missing = checked(folder.path(), start()).await.0;
    assert_eq!(missing, [(Code::MissingObject, format!("repo/targets/{object}"))]);

    parts.promise("targets", "nobody");
    write_for_us(&mut parts, &tree).await;
    let unlisted = checked(folder.path(), start()).await.0;
    assert_eq!(unlisted, [(Code::MissingRole, "nobody".to_owned())]);
}

fn expected(client: &str, documents: &Documents) -> Outcome {
    let found = Profile::named(client).unwrap().judge(documents);
    match found.iter().map(|found| found.effect).max() {
        Some(Effect::Refuses) => Outcome::Refuses,
        Some(Effect::NotFound) => Outcome::NotFound,
        _ => Outcome::Reads,
    }
}

#[tokio::test]
async fn tough_and_sigstore_tuf_do_what_preflight_says() {
    let sound = ("", &[][..], (|_| {}) as fn(&mut Parts));
    let cases = CASES.iter().map(|case| (case.rule, case.also, case.change));
    let mut wrong = Vec::new();
    for (rule, also, change) in std::iter::once(sound).chain(cases) {
        let mut parts = Parts::new(&keys());
        change(&mut parts);
        let folder = tempfile::tempdir().unwrap();
        let documents: Documents = write(&parts, folder.path()).await.into_iter().collect();
        let paths: Vec<&str> = targets(&parts).map(|(path, _)| path).collect();
        let outcomes = [
            ("sigstore-tuf", sigstore_tuf(folder.path(), &paths).await),
            ("tough", tough(folder.path(), &paths).await),
        ];
        for (client, (outcome, why)) in outcomes {
            let said = expected(client, &documents);
            if said != outcome && !LEFT_OUT.contains(&(client, rule)) {
                wrong.push(format!(
                    "{rule} {also:?}: {client}: said {said:?}, was {outcome:?}: {why}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
