//! Oracles of metadata documents and of the refresh.

use sealift_metadata::document::{Document, Role};
use sealift_metadata::manifest::parse_manifest;
use sealift_metadata::root::{RoleName, Root};
use sealift_metadata::trust::{
    Limits, Refresh, RepositoryKind, Response, Step, TrustStore, TrustedRepository,
};
use sealift_metadata::{Snapshot, Targets, Timestamp, canonical, json};

use crate::edit;
use crate::trust_world::{GENERATIONS, World, now, world};

/// Two root updates, four other files, and their storing come to far less.
const MAX_STEPS: usize = 64;

/// Strict JSON has one canonical form, and that form reads as the same value.
pub fn canonical_json(input: &[u8]) {
    let Ok(value) = json::parse_strict(input) else {
        return;
    };
    let lax: serde_json::Value = serde_json::from_slice(input).expect("strict JSON is JSON");
    assert_eq!(lax, value, "an ordinary parser reads something else");
    let form = canonical::to_vec(&value);
    assert_eq!(canonical::to_vec(&value), form, "the canonical form is one");
    // It writes control characters as they are, which no JSON reader takes back.
    if form.iter().all(|byte| *byte >= 0x20) {
        let again = json::parse_strict(&form).expect("the canonical form of strict JSON is strict");
        assert_eq!(again, value, "the canonical form means something else");
        assert_eq!(
            canonical::to_vec(&again),
            form,
            "the canonical form of the canonical form is itself"
        );
    }
}

/// A root that is accepted keeps its bytes, and only a genuine one satisfies genuine keys.
pub fn root(input: &[u8]) {
    document::<Root>(input, RoleName::Root);
}

/// As [`root`], for a timestamp.
pub fn timestamp(input: &[u8]) {
    document::<Timestamp>(input, RoleName::Timestamp);
}

/// As [`root`], for a snapshot.
pub fn snapshot(input: &[u8]) {
    document::<Snapshot>(input, RoleName::Snapshot);
}

/// As [`root`], for targets.
pub fn targets(input: &[u8]) {
    document::<Targets>(input, RoleName::Targets);
}

fn document<R: Role>(input: &[u8], role: RoleName) {
    let Ok(document) = Document::<R>::parse(input) else {
        return;
    };
    assert_eq!(document.bytes(), input, "the bytes received are the bytes kept");
    assert!(
        (1..1 << 53).contains(&document.version()),
        "a version outside its bounds"
    );
    let world = world();
    for name in ["1.root.json", "2.root.json"] {
        let keys = Document::<Root>::parse(&world.documents[name]).unwrap();
        if document.check(keys.role().keys(role)).is_ok() {
            assert!(world.signed(&document), "a changed document verifies");
        }
    }
}

/// A manifest that verifies with the registered keys is the genuine one.
pub fn manifest(input: &[u8]) {
    let Ok(manifest) = parse_manifest(input) else {
        return;
    };
    let world = world();
    if manifest
        .verify(|serial| world.ecu_keys.get(serial).cloned())
        .is_ok()
    {
        let genuine = parse_manifest(&world.manifest).unwrap();
        assert_eq!(
            manifest.payload(),
            genuine.payload(),
            "a changed manifest verifies"
        );
    }
}

/// Whatever a repository answers: the client ends, keeps only genuine documents, never goes back, and can start again.
///
/// The first byte chooses what the client holds; then each request takes one byte for the kind of answer and, where the
/// answer is a changed file, six for the change.
pub fn trust_sequence(input: &[u8]) {
    if let Some((&selector, script)) = input.split_first() {
        let stores = &world().stores;
        walk(&stores[usize::from(selector) % stores.len()], script);
    }
}

/// One refresh from `held` against the answers of `script`; the code of the attack that ended it, or nothing.
fn walk(held: &TrustStore, mut script: &[u8]) -> Option<&'static str> {
    let world = world();
    let mut store = held.clone();
    let mut refresh = start(&store);
    let mut recovered = false;
    let mut ended = None;
    for _ in 0..MAX_STEPS {
        match refresh.step() {
            Ok(Step::Fetch(request)) => {
                let response = respond(world, &request.name, request.max_bytes, &mut script);
                let oversized =
                    matches!(&response, Response::Found(bytes) if bytes.len() as u64 > request.max_bytes);
                refresh.supply(response);
                if oversized {
                    let Err(refused) = refresh.step() else {
                        panic!("{} was taken over its cap", request.name)
                    };
                    ended = Some(Some(refused.code()));
                    break;
                }
            }
            Ok(Step::Store { name, bytes }) => keep(world, &mut store, name, bytes),
            Ok(Step::Remove { name }) => {
                recovered = true;
                *slot(&mut store, name) = None;
            }
            Ok(Step::Done(trusted)) => {
                judge(world, held, &trusted, recovered);
                ended = Some(None);
                break;
            }
            Err(refused) => {
                ended = Some(Some(refused.code()));
                break;
            }
        }
    }
    // Whatever went wrong, the next cycle can start from what was stored.
    drop(start(&store));
    ended.expect("a refresh ends")
}

fn start(store: &TrustStore) -> Refresh {
    Refresh::start(store.clone(), RepositoryKind::Image, Limits::IMAGE, now())
        .expect("a stored root is usable")
}

fn respond(world: &World, name: &str, max_bytes: u64, script: &mut &[u8]) -> Response {
    let Some((&kind, rest)) = script.split_first() else {
        return Response::NotFound;
    };
    *script = rest;
    let generation = usize::from(kind >> 4) % GENERATIONS + 1;
    let genuine = world.answer(name, generation);
    match kind & 0x0f {
        0..=7 => genuine.cloned().map_or(Response::NotFound, Response::Found),
        8 => Response::NotFound,
        9 => {
            // Some other genuine document under this name.
            let other = world
                .documents
                .values()
                .nth(usize::from(kind >> 4) % world.documents.len());
            other.cloned().map_or(Response::NotFound, Response::Found)
        }
        10 => Response::Found(vec![b' '; usize::try_from(max_bytes.min(1 << 20)).unwrap() + 1]),
        _ => {
            let (change, rest) = script.split_at(script.len().min(6));
            *script = rest;
            genuine.map_or(Response::NotFound, |bytes| {
                Response::Found(edit::apply(change, bytes))
            })
        }
    }
}

fn slot<'a>(store: &'a mut TrustStore, name: &str) -> &'a mut Option<Vec<u8>> {
    match name {
        "timestamp.json" => &mut store.timestamp,
        "snapshot.json" => &mut store.snapshot,
        "targets.json" => &mut store.targets,
        other => panic!("{other} is no file of the trust store that can go away"),
    }
}

fn keep(world: &World, store: &mut TrustStore, name: &str, bytes: Vec<u8>) {
    let genuine = match name {
        "root.json" => Document::<Root>::parse(&bytes).is_ok_and(|document| world.signed(&document)),
        "timestamp.json" => {
            Document::<Timestamp>::parse(&bytes).is_ok_and(|document| world.signed(&document))
        }
        "snapshot.json" => Document::<Snapshot>::parse(&bytes).is_ok_and(|document| world.signed(&document)),
        _ => Document::<Targets>::parse(&bytes).is_ok_and(|document| world.signed(&document)),
    };
    assert!(genuine, "{name} was stored, but nobody signed it");
    if name == "root.json" {
        store.root = bytes;
    } else {
        *slot(store, name) = Some(bytes);
    }
}

/// What a finished refresh promises.
fn judge(world: &World, held: &TrustStore, trusted: &TrustedRepository, recovered: bool) {
    assert!(
        world.signed(trusted.timestamp()) && world.signed(trusted.targets()),
        "nobody signed what is trusted"
    );
    let expiries = [
        trusted.root().expires(),
        trusted.timestamp().expires(),
        trusted.snapshot().expires(),
        trusted.targets().expires(),
    ];
    assert!(
        expiries.iter().all(|expires| *expires > now().instant()),
        "something expired is trusted"
    );
    assert_eq!(
        trusted.timestamp().role().snapshot().version,
        trusted.snapshot().version(),
        "mixed"
    );
    assert_eq!(
        trusted.snapshot().role().targets().version,
        trusted.targets().version(),
        "mixed"
    );
    let held_root = Document::<Root>::parse(&held.root).unwrap().version();
    assert!(trusted.root().version() >= held_root, "the root went back");
    let version = |bytes: &Option<Vec<u8>>| {
        bytes
            .as_ref()
            .map_or(0, |bytes| Document::<Targets>::parse(bytes).unwrap().version())
    };
    assert!(
        recovered || trusted.targets().version() >= version(&held.targets),
        "the targets went back"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An oracle that never gets past the first check would prove nothing.
    #[test]
    fn the_seeds_reach_what_their_names_promise() {
        let seeds = crate::TARGETS
            .iter()
            .find(|target| target.name == "trust_sequence")
            .unwrap()
            .seeds;
        let ends: Vec<(String, Option<&str>)> = seeds()
            .into_iter()
            .map(|seed| {
                (
                    seed.name,
                    walk(&world().stores[usize::from(seed.bytes[0])], &seed.bytes[1..]),
                )
            })
            .collect();
        let wanted = [
            ("first-refresh", None),
            ("nothing-new", None),
            ("one-generation-on", None),
            ("rollback", Some("rollback")),
            ("freeze", Some("freeze")),
            ("revoked-timestamp-key", Some("signature")),
            ("recovery-after-rotation", None),
            ("mix-and-match", Some("mix_and_match")),
            ("endless-timestamp", Some("endless_data")),
            ("endless-root", Some("endless_data")),
            ("silence", Some("unreachable")),
            ("changed-root", Some("signature")),
            ("changed-timestamp", Some("signature")),
            ("changed-snapshot", Some("mix_and_match")),
            ("changed-targets", Some("mix_and_match")),
        ]
        .map(|(name, end)| (name.to_owned(), end));
        assert_eq!(ends, wanted);
    }
}
