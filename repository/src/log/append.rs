//! Appending.

use sha2::{Digest, Sha256};

use super::entry::{self, Act};
use super::reading::Seen;
use super::tile::{Edge, Tile};
use super::{Checkpoint, Log, LogError};
use crate::paths;
use crate::store::Written;

/// How often an appender that others keep overtaking begins again.
const MAX_ATTEMPTS: u32 = 64;
/// Most acts that are appended at once.
const MAX_ACTS: usize = 256;
/// Most bytes that are put aside: that many entries with their lengths.
const MAX_PENDING: u64 = (MAX_ACTS * (2 + entry::MAX_BYTES)) as u64;

/// Whether the log could be looked at in one piece.
enum Settled {
    /// The head is public. Here is the edge of its tree.
    Yes(Edge),
    /// Others were at work meanwhile.
    Again,
}

impl Log {
    /// Appends `acts`, all of them in a row or none, and makes them public. Without acts it only finishes what another one began.
    ///
    /// Entries of other appenders may come in between two calls. The same acts once more are entries of their own.
    ///
    /// # Errors
    /// [`LogError`]. After an error the entries may be in the log; an entry about a document that was not published does no harm.
    pub async fn append(&self, acts: &[Act]) -> Result<Checkpoint, LogError> {
        let (key, signer) = self.signer.as_ref().ok_or(LogError::NoSigner)?;
        if acts.len() > MAX_ACTS {
            return Err(LogError::TooMany { count: acts.len() });
        }
        let mut pending = Vec::new();
        for act in acts {
            entry::push(&mut pending, &act.to_bytes().ok_or(LogError::TooLong)?);
        }
        for _ in 0..MAX_ATTEMPTS {
            let head = self.read_checkpoint(&paths::log_head()).await?;
            let Settled::Yes(mut edge) = self.settle(head.as_ref()).await? else {
                continue;
            };
            let seen = match head {
                Some((_, head)) if acts.is_empty() => return Ok(head),
                Some((seen, _)) => Some(seen),
                None => None,
            };
            let tiles = grow(&mut edge, &pending);
            let (size, root) = (edge.size(), edge.root());
            let note = key
                .sign(&Checkpoint::text(&self.origin, size, &root), signer.as_ref())
                .await?;
            let next = self.checkpoint(&note).map_err(|source| LogError::Untrusted {
                path: paths::log_head().to_string(),
                source,
            })?;
            let aside = paths::log_pending(&Sha256::digest(&note).into())?;
            if let Written::Theirs = self.store.create_exact(&aside, pending.clone()).await? {
                return Err(LogError::Damaged {
                    path: aside.to_string(),
                    problem: "has other entries than are to be signed",
                });
            }
            let written = match seen {
                None => self.store.create_exact(&paths::log_head(), note).await?,
                Some(seen) => self.store.replace_exact(&paths::log_head(), note, &seen).await?,
            };
            if let Written::Ours(_) = written {
                self.make_public(&next, tiles).await?;
                return Ok(next);
            }
            self.store.delete(&aside).await?;
        }
        Err(LogError::Contended {
            attempts: MAX_ATTEMPTS,
        })
    }

    /// Finishes what the writer of `head` left unfinished, and reads the edge of the tree.
    async fn settle(&self, head: Option<&Seen>) -> Result<Settled, LogError> {
        let public = self.read_checkpoint(&paths::log("checkpoint")?).await?;
        let public = public.map(|(_, public)| public);
        let size = |checkpoint: Option<&Checkpoint>| checkpoint.map_or(0, Checkpoint::size);
        let Some((_, head)) = head else {
            return match public {
                None => Ok(Settled::Yes(Edge::default())),
                Some(public) => self.set_back(None, &public).await,
            };
        };
        match public {
            Some(public) if public.size() > head.size() => self.set_back(Some(head), &public).await,
            Some(public) if public.size() == head.size() => {
                if public.root() != head.root() {
                    return self.set_back(Some(head), &public).await;
                }
                Ok(Settled::Yes(self.read_edge(head).await?))
            }
            public => {
                let aside = paths::log_pending(&Sha256::digest(head.bytes()).into())?;
                let Some(pending) = self.store.read(&aside, MAX_PENDING).await? else {
                    let now = self.read_checkpoint(&paths::log("checkpoint")?).await?;
                    // Whoever takes it away has made the checkpoint public before.
                    return match now {
                        Some((_, now)) if now.size() > size(public.as_ref()) => Ok(Settled::Again),
                        _ => Err(LogError::Damaged {
                            path: aside.to_string(),
                            problem: "is missing, and the head promises its entries",
                        }),
                    };
                };
                let mut edge = match &public {
                    None => Edge::default(),
                    Some(public) => self.read_edge(public).await?,
                };
                let tiles = grow(&mut edge, &pending.bytes);
                if edge.size() != head.size() || edge.root() != *head.root() {
                    return Err(LogError::Damaged {
                        path: aside.to_string(),
                        problem: "has other entries than the head promises",
                    });
                }
                self.make_public(head, tiles).await?;
                Ok(Settled::Yes(edge))
            }
        }
    }

    /// A public checkpoint that does not go with the head: somebody appended since the head was read, or it was set back.
    async fn set_back(&self, head: Option<&Checkpoint>, public: &Checkpoint) -> Result<Settled, LogError> {
        let now = self.read_checkpoint(&paths::log_head()).await?;
        let now = now.as_ref().map(|(_, now)| now);
        if now != head {
            return Ok(Settled::Again);
        }
        Err(LogError::SetBack {
            public: public.size(),
            head: head.map_or(0, Checkpoint::size),
        })
    }

    /// Writes the tiles that the tree of `head` has and the public one has not, then the public checkpoint.
    async fn make_public(&self, head: &Checkpoint, tiles: Vec<(Tile, Vec<u8>)>) -> Result<(), LogError> {
        for (tile, bytes) in tiles {
            let path = tile.path()?;
            if let Written::Theirs = self.store.create_exact(&path, bytes).await? {
                return Err(LogError::Damaged {
                    path: path.to_string(),
                    problem: "is there already with other bytes than were signed",
                });
            }
        }
        let path = paths::log("checkpoint")?;
        for _ in 0..MAX_ATTEMPTS {
            let written = match self.read_checkpoint(&path).await? {
                None => self.store.create_exact(&path, head.bytes().to_vec()).await?,
                Some((_, public)) if public.size() >= head.size() => break,
                Some((seen, _)) => {
                    self.store
                        .replace_exact(&path, head.bytes().to_vec(), &seen)
                        .await?
                }
            };
            if let Written::Ours(_) = written {
                break;
            }
        }
        let aside = paths::log_pending(&Sha256::digest(head.bytes()).into())?;
        self.store.delete(&aside).await?;
        Ok(())
    }
}

/// Appends the entries of a bundle; returns the tiles that the tree has now and had not before.
fn grow(edge: &mut Edge, pending: &[u8]) -> Vec<(Tile, Vec<u8>)> {
    let mut tiles = Vec::new();
    for entry in entry::split(pending).0 {
        edge.push(entry, &mut tiles);
    }
    tiles.extend(edge.partial());
    tiles
}
