//! The Director's roots: the first, and every later one beside it, each signed by the one before.

use crate::exit::{Code, Failure};
use sealift_metadata::root::RoleName;
use sealift_metadata::{Document, PublicKey, Root};
use std::path::Path;

/// Largest root, in bytes.
const MAX_ROOT_BYTES: u64 = 512 * 1024;
/// Most later roots.
const MAX_ROOTS: u64 = 256;

/// A chain of verified roots, oldest first.
#[derive(Debug)]
pub struct Roots {
    chain: Vec<Document<Root>>,
}

impl Roots {
    /// Reads `first` (`1.root.json`) and `2.root.json` … beside it.
    ///
    /// # Errors
    /// Exit code 64, with the file.
    pub fn load(field: &str, first: &Path, how: &str) -> Result<Self, Failure> {
        let bytes = read(first).and_then(|bytes| bytes.ok_or_else(|| std::io::ErrorKind::NotFound.into()));
        let bytes = bytes.map_err(|error| {
            Failure::new(
                Code::Config,
                format!("{field}: cannot read {}; {how}", first.display()),
            )
            .because(error)
        })?;
        let mut chain: Vec<Document<Root>> = Vec::new();
        let mut next = Some((first.to_owned(), bytes));
        while let Some((path, bytes)) = next {
            let refuse = |why: &str| Failure::new(Code::Config, format!("{field}: {} {why}", path.display()));
            let document = Document::<Root>::parse(&bytes)
                .map_err(|error| refuse("is not a root document").because(error))?;
            let expected = chain.last().map_or(1, |last| last.version() + 1);
            if document.version() != expected {
                return Err(refuse(&format!(
                    "has version {}, not {expected}",
                    document.version()
                )));
            }
            let own = document.role().keys(RoleName::Root);
            document
                .check(own)
                .map_err(|error| refuse("is not signed by its own keys").because(error))?;
            if let Some(last) = chain.last() {
                document
                    .check(last.role().keys(RoleName::Root))
                    .map_err(|error| refuse("is not signed by the root before it").because(error))?;
            }
            chain.push(document);
            if expected >= MAX_ROOTS {
                break;
            }
            let later = first.with_file_name(format!("{}.root.json", expected + 1));
            let found = read(&later).map_err(|error| {
                Failure::new(Code::Io, format!("{field}: cannot read {}", later.display())).because(error)
            })?;
            next = found.map(|bytes| (later, bytes));
        }
        Ok(Self { chain })
    }

    /// The bytes of version `n`.
    pub fn version(&self, n: u64) -> Option<&[u8]> {
        let index = usize::try_from(n.checked_sub(1)?).ok()?;
        self.chain.get(index).map(Document::bytes)
    }

    /// The newest root.
    ///
    /// # Panics
    /// Never: a chain holds its first root.
    pub fn newest(&self) -> &Document<Root> {
        &self.chain[self.chain.len() - 1]
    }

    /// Whether any root of the chain lists `key` for `role`.
    pub fn ever_listed(&self, role: RoleName, key: &[u8; 32]) -> bool {
        self.chain.iter().any(|root| {
            root.role()
                .keys(role)
                .keys()
                .any(|listed| listed.identity() == *key)
        })
    }

    /// Whether the newest root lists `key` for `role`, and one signature is enough.
    pub fn signs_alone(&self, role: RoleName, key: &PublicKey) -> bool {
        let keys = self.newest().role().keys(role);
        keys.threshold().get() == 1 && keys.keys().any(|listed| listed.identity() == key.identity())
    }
}

fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    use std::io::Read;
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_ROOT_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
