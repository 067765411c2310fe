//! Checking a request from the root that its reader trusts.

use jiff::Timestamp as Instant;
use serde_json::{Map, Value, json};

use super::{Difference, Request, RequestError, SigningRole, difference, operations};
use crate::authoring::{self, Gathered, Standing, gather};
use crate::canonical;
use crate::document::{Document, Role, Verified};
use crate::ids::RepositoryId;
use crate::json;
use crate::root::{RoleName, Root};
use crate::targets::Targets;
use crate::threshold::RoleKeys;
use crate::time::TrustedTime;
use crate::trust::{Fault, Limits};

/// A request whose roots, base and draft follow from a trusted root. Only [`Request::check`] makes one.
///
/// It proves where the draft starts from, not that the draft is wanted: that is for the signer, from the
/// [difference](Self::difference).
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    request: &'a Request,
    body: Body,
    keys: Vec<RoleKeys>,
}

#[derive(Debug, Clone)]
enum Body {
    Root(Option<Verified<Root>>, Document<Root>),
    Targets(Option<Verified<Targets>>, Document<Targets>),
}

impl Request {
    /// Checks everything that can be checked with one trusted root, any version of it. A request that founds a repository is
    /// checked without one: its signers compare [digests](Request::digest) with each other instead.
    ///
    /// # Errors
    /// [`RequestError`], one for each thing that may have been altered.
    pub fn check(&self, pin: Option<&[u8]>, now: TrustedTime) -> Result<Checked<'_>, RequestError> {
        let newest = self.check_roots(pin)?;
        let checked = match self.role {
            SigningRole::Root => self.check_root(newest)?,
            SigningRole::Targets | SigningRole::Delegated(_) => self.check_targets(newest)?,
        };
        let (_, expires) = checked.common();
        if now.is_past(expires) {
            return Err(RequestError::Expired {
                expires,
                now: now.instant(),
            });
        }
        Ok(checked)
    }

    /// The newest root, by the chain from the first one, of which the trusted one has to be part.
    fn check_roots(&self, pin: Option<&[u8]>) -> Result<Option<Verified<Root>>, RequestError> {
        let roots = &self.basis.roots;
        let Some(first) = roots.first() else {
            return match (pin, &self.repository_id) {
                (None, None) => Ok(None),
                (Some(_), _) => Err(RequestError::NotYours),
                (None, Some(_)) => Err(RequestError::PinMissing),
            };
        };
        let pin = pin.ok_or(RequestError::PinMissing)?;
        let mut last: Option<Verified<Root>> = None;
        for (version, bytes) in (1..).zip(roots) {
            let refused = |source| RequestError::Roots { version, source };
            last = Some(follow(last.as_ref(), version, bytes).map_err(refused)?);
        }
        if !roots.iter().any(|root| root == pin) {
            let count = roots.len();
            let pinned = Document::<Root>::parse(pin).map_or(0, |pin| pin.version());
            return Err(match last.map(|newest| newest.version()) {
                Some(newest) if pinned > newest => RequestError::OldRoots { newest, pinned },
                _ => RequestError::NotPinned { count },
            });
        }
        let found = RepositoryId::of_root(first);
        if self.repository_id.as_ref() != Some(&found) {
            let named = self.repository_id.as_ref().map_or("none", RepositoryId::as_str);
            return Err(RequestError::OtherRepository {
                named: named.to_owned(),
                found,
            });
        }
        Ok(last)
    }

    fn check_root(&self, newest: Option<Verified<Root>>) -> Result<Checked<'_>, RequestError> {
        let carried = [
            ("base", self.basis.base.is_some()),
            ("next_root", self.basis.next_root.is_some()),
            ("chain", !self.basis.chain.is_empty()),
            ("operations", self.operations.is_some()),
        ];
        self.refuse(&carried)?;
        let draft = self.draft::<Root>(newest.as_deref())?;
        let of = |root: &Document<Root>| {
            let name = format!("root, version {}", root.version());
            root.role().keys(RoleName::Root).called(name)
        };
        let keys = newest.as_deref().into_iter().chain([&draft]).map(of).collect();
        Ok(Checked {
            request: self,
            body: Body::Root(newest, draft),
            keys,
        })
    }

    fn check_targets(&self, newest: Option<Verified<Root>>) -> Result<Checked<'_>, RequestError> {
        let next = self.next_root(newest.as_ref())?;
        let mut keys: Vec<RoleKeys> = newest
            .as_deref()
            .into_iter()
            .chain(next.as_ref())
            .map(|root| {
                let name = format!("targets, root {}", root.version());
                root.role().keys(RoleName::Targets).called(name)
            })
            .collect();
        match &self.role {
            SigningRole::Delegated(role) => {
                self.refuse(&[("next_root", next.is_some())])?;
                let top = keys.pop().ok_or(RequestError::PinMissing)?;
                keys = vec![self.follow_chain(role, top)?];
            }
            _ => self.refuse(&[("chain", !self.basis.chain.is_empty())])?,
        }
        // Without keys nobody could sign it, and nothing would be missing.
        let first = keys.first().ok_or(RequestError::NextRoot {
            expected: 1,
            source: None,
        })?;
        let base = self.basis.base.as_ref().map(|bytes| match newest {
            None => Err(RequestError::Surplus {
                role: self.role.clone(),
                field: "base without roots",
            }),
            Some(_) => load::<Targets>(bytes, first).map_err(RequestError::Base),
        });
        let base = base.transpose()?;
        let draft = self.draft::<Targets>(base.as_deref())?;
        self.check_operations(base.as_deref())?;
        Ok(Checked {
            request: self,
            body: Body::Targets(base, draft),
            keys,
        })
    }

    fn refuse(&self, carried: &[(&'static str, bool)]) -> Result<(), RequestError> {
        match carried.iter().find(|(_, carried)| *carried) {
            None => Ok(()),
            Some((field, _)) => Err(RequestError::Surplus {
                role: self.role.clone(),
                field,
            }),
        }
    }

    /// The draft as a document of its role, the next version after `base`.
    fn draft<R: Role>(&self, base: Option<&Document<R>>) -> Result<Document<R>, RequestError> {
        let unsigned = json::to_vec(&json!({"signed": &self.signed, "signatures": []}));
        authoring::check_length::<R>(&unsigned, &Limits::IMAGE)?;
        let draft = Document::<R>::parse(&unsigned)?;
        let expected = base.map_or(1, |base| base.version().saturating_add(1));
        match draft.version() {
            found if found == expected => Ok(draft),
            found => Err(RequestError::Version { found, expected }),
        }
    }

    fn next_root(&self, newest: Option<&Verified<Root>>) -> Result<Option<Document<Root>>, RequestError> {
        let Some(signed) = &self.basis.next_root else {
            return Ok(None);
        };
        let expected = newest.map_or(1, |root| root.version().saturating_add(1));
        let refused = |source| RequestError::NextRoot { expected, source };
        let unsigned = json::to_vec(&json!({"signed": signed, "signatures": []}));
        let next = Document::<Root>::parse(&unsigned).map_err(|error| refused(Some(error)))?;
        match next.version() == expected {
            true => Ok(Some(next)),
            false => Err(refused(None)),
        }
    }

    /// The keys of a delegated role, by the documents that lead to it from the top-level Targets.
    fn follow_chain(&self, role: &str, top: RoleKeys) -> Result<RoleKeys, RequestError> {
        let mut keys = top;
        let mut holder = "targets";
        let names = self.basis.chain.iter().skip(1).map(|(name, _)| name.as_str());
        for ((name, bytes), next) in self.basis.chain.iter().zip(names.chain([role])) {
            if name != holder {
                return Err(RequestError::NotDelegated { role: name.clone() });
            }
            let document = load::<Targets>(bytes, &keys).map_err(|source| RequestError::Chain {
                role: name.clone(),
                source,
            })?;
            let delegated = document
                .role()
                .delegations()
                .into_iter()
                .flat_map(|list| &list.roles);
            keys = delegated
                .map(|delegated| &delegated.keys)
                .find(|keys| keys.name() == next)
                .cloned()
                .ok_or_else(|| RequestError::NotDelegated {
                    role: next.to_owned(),
                })?;
            holder = next;
        }
        match holder == role {
            true => Ok(keys),
            false => Err(RequestError::NotDelegated {
                role: role.to_owned(),
            }),
        }
    }

    /// The changes listed have to lead from the base to the draft, and nothing else may be different then.
    fn check_operations(&self, base: Option<&Document<Targets>>) -> Result<(), RequestError> {
        let Some(list) = &self.operations else {
            return Ok(());
        };
        let split = |signed: &Value| {
            let mut rest = signed.as_object().cloned().unwrap_or_default();
            rest.remove("version");
            rest.remove("expires");
            let targets = match rest.remove("targets") {
                Some(Value::Object(targets)) => targets,
                _ => Map::new(),
            };
            (targets, rest)
        };
        let start = difference::empty(Targets::TYPE);
        let (before, rest) = split(base.map_or(&start, Document::signed));
        let (wanted, unchanged) = split(&self.signed);
        let reached = operations::apply(list, before).map_err(|_| RequestError::Operations)?;
        match reached == wanted && rest == unchanged {
            true => Ok(()),
            false => Err(RequestError::Operations),
        }
    }
}

impl Checked<'_> {
    /// What signing the draft would change.
    #[must_use]
    pub fn difference(&self) -> Difference {
        match &self.body {
            Body::Root(base, draft) => difference::of_roots(base.as_deref(), draft),
            Body::Targets(base, draft) => difference::of_targets(base.as_deref(), draft),
        }
    }

    /// Version and expiry of the draft.
    fn common(&self) -> (u64, Instant) {
        match &self.body {
            Body::Root(_, draft) => (draft.version(), draft.expires()),
            Body::Targets(_, draft) => (draft.version(), draft.expires()),
        }
    }

    /// The sets of keys of which each has to reach its threshold.
    #[must_use]
    pub fn keys(&self) -> Vec<&RoleKeys> {
        self.keys.iter().collect()
    }

    /// Version of the draft.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.common().0
    }

    /// For Targets that are signed for the sake of a new root: SHA-256 of what that root's signers sign, so that both know of
    /// the same one.
    #[must_use]
    pub fn next_root(&self) -> Option<[u8; 32]> {
        self.request.basis.next_root.as_ref().map(canonical::sha256)
    }

    /// Whether the draft comes too late in a repository whose current document of this role has version `current`.
    #[must_use]
    pub fn is_stale(&self, current: u64) -> bool {
        self.version() <= current
    }

    /// The signatures that the request carries together with those of `copies`, which are numbered from 1.
    ///
    /// # Errors
    /// [`RequestError::Draft`] for a copy that cannot be read.
    pub fn gather(&self, copies: &[&[u8]]) -> Result<Gathered, RequestError> {
        let own = self.request.document();
        let mut all = vec![own.as_slice()];
        all.extend(copies);
        Ok(gather(&self.request.signed, &all, &self.keys())?)
    }

    /// Refuses a request that carries a signature which does not stand for its draft: one of the two was altered on the way.
    ///
    /// # Errors
    /// [`RequestError::Spoilt`].
    pub fn check_signatures(&self) -> Result<Gathered, RequestError> {
        let gathered = self.gather(&[])?;
        match gathered
            .signatures
            .iter()
            .find(|judged| judged.standing == Standing::Wrong)
        {
            None => Ok(gathered),
            Some(judged) => Err(RequestError::Spoilt {
                keyid: judged.keyid.clone(),
            }),
        }
    }
}

/// The next root after `before`, or the first one.
fn follow(before: Option<&Verified<Root>>, version: u64, bytes: &[u8]) -> Result<Verified<Root>, Fault> {
    let document = Document::<Root>::parse(bytes)?;
    let found = document.version();
    if found != version {
        return Err(Fault::OtherVersion {
            found,
            wanted: version,
        });
    }
    if let Some(before) = before {
        document.check(before.role().keys(RoleName::Root))?;
    }
    let own = document.role().keys(RoleName::Root).clone();
    Ok(document.verify(&own)?)
}

fn load<R: Role>(bytes: &[u8], keys: &RoleKeys) -> Result<Verified<R>, Fault> {
    Ok(Document::<R>::parse(bytes)?.verify(keys)?)
}
