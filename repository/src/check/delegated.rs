//! Delegated roles: their documents, and what those promise.

use std::collections::{BTreeSet, VecDeque};

use sealift_metadata::RoleFile;
use sealift_metadata::delegation::DelegatedRole;
use sealift_metadata::document::Document;
use sealift_metadata::ids::DelegatedName;
use sealift_metadata::targets::Targets;
use sealift_metadata::trust::{Limits, TrustedRepository};

use super::forecast::{self, Histories, RoleState};
use super::{Checker, Code};
use crate::error::StoreError;
use crate::paths;

/// Most roles that are looked at; beyond, clients have given up long ago.
const MAX_ROLES: usize = 16_384;

impl Checker<'_> {
    /// Looks at every role that can be reached, once, under the keys of the first that delegates to it.
    pub(super) async fn delegated(
        &mut self,
        repository: &TrustedRepository,
        histories: &Histories,
    ) -> Result<Vec<RoleState>, StoreError> {
        let mut states = Vec::new();
        let mut seen = BTreeSet::<DelegatedName>::new();
        let mut waiting: VecDeque<_> = delegations(repository.targets()).collect();
        while let Some(role) = waiting.pop_front() {
            if seen.len() >= MAX_ROLES || !seen.insert(role.name.clone()) {
                continue;
            }
            let Some(document) = self.document(repository, &role).await? else {
                continue;
            };
            let file = RoleFile::Delegated(role.name);
            let listed = repository.snapshot().role().meta().get(&file.listed());
            let listed = listed.is_some_and(|meta| meta.length.is_some());
            states.push(forecast::state(&document, file, listed, histories));
            for (path, target) in document.role().targets() {
                self.target(path, target).await?;
            }
            waiting.extend(delegations(&document));
        }
        Ok(states)
    }

    /// The document that the Snapshot lists for a role, if it is there and signed by whom it should be.
    async fn document(
        &mut self,
        repository: &TrustedRepository,
        role: &DelegatedRole,
    ) -> Result<Option<Document<Targets>>, StoreError> {
        let file = RoleFile::Delegated(role.name.clone());
        let subject = role.name.as_str();
        let Some(meta) = repository.snapshot().role().meta().get(&file.listed()) else {
            self.find(
                Code::MissingRole,
                subject,
                "the Snapshot does not list its document",
            );
            return Ok(None);
        };
        let name = file.requested(Some(meta.version));
        let stored = match paths::metadata(&name) {
            Ok(path) => self.store.read(&path, Limits::IMAGE.targets).await,
            Err(_) => Ok(None),
        };
        let bytes = match stored {
            Ok(Some(stored)) => stored.bytes,
            Ok(None) => {
                self.find(Code::MissingRole, subject, format!("{name} is not there"));
                return Ok(None);
            }
            Err(StoreError::TooLarge { max_bytes, .. }) => {
                let detail = format!("{name} has more than {max_bytes} bytes");
                self.find(Code::BadRole, subject, detail);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let problem = match Document::<Targets>::parse(&bytes) {
            Err(error) => error.to_string(),
            Ok(document) => match document.check(&role.keys) {
                Err(error) => error.to_string(),
                Ok(()) if document.version() != meta.version || !meta.describes(&bytes) => {
                    "not the document that the Snapshot lists".to_owned()
                }
                Ok(()) => return Ok(Some(document)),
            },
        };
        self.find(Code::BadRole, subject, format!("{name}: {problem}"));
        Ok(None)
    }
}

fn delegations(document: &Document<Targets>) -> impl Iterator<Item = DelegatedRole> + use<> {
    let delegations = document.role().delegations().cloned();
    delegations.into_iter().flat_map(|delegations| delegations.roles)
}
