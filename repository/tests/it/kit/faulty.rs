//! A store that breaks at the k-th operation.
//!
//! What is left of a torn write depends on the store:
//! - `file://` writes into a file in `private/staging`, syncs it, and gives it its name in one step: half of the bytes stay
//!   there, under a name that nobody asks for ([`Fault::Torn`]);
//! - `s3://` shows an object when all of it has arrived: of half a PUT nothing is left, of an upload its parts, which are no
//!   object. Less than the above, so it is not tried by itself;
//! - a store that promises less than [`Backend`] wants, a tree that some tool copies for instance, shows half under the name
//!   itself ([`Fault::TornInPlace`]). None of ours does.

mod backend;

use std::cmp::Ordering;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use sealift_repository::backend::{Backend, Version};
use sealift_repository::{Store, StoreError, StorePath, paths};

/// How the k-th operation breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies before it: nothing more happens.
    KilledBefore,
    /// The process dies right after it took effect: nothing more happens.
    KilledAfter,
    /// It fails without effect; the next ones work.
    Refused,
    /// It takes effect and the answer is lost; the next ones work.
    AnswerLost,
    /// It fails, and is still on its way: [`Trigger::late`] has it. For writes only.
    Delayed,
    /// The power fails in the middle of it, as our own stores would show it. For writes only.
    Torn,
    /// The same on a store that breaks its promise.
    TornInPlace,
}

impl Fault {
    /// Those that any operation can have, reads too.
    pub(crate) const ANYWHERE: [Self; 4] = [
        Self::KilledBefore,
        Self::KilledAfter,
        Self::Refused,
        Self::AnswerLost,
    ];
}

/// A write on its way.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Create(StorePath, Bytes),
    Replace(StorePath, Bytes, Version),
    Delete(StorePath),
}

impl Write {
    pub(crate) fn path(&self) -> &StorePath {
        match self {
            Self::Create(path, _) | Self::Replace(path, ..) | Self::Delete(path) => path,
        }
    }

    /// Takes effect or is refused, and nobody hears which.
    pub(crate) async fn arrive(self, store: &dyn Backend) {
        let _ = match self {
            Self::Create(path, bytes) => store.create(&path, bytes).await.map(drop),
            Self::Replace(path, bytes, seen) => store.replace_if(&path, bytes, &seen).await.map(drop),
            Self::Delete(path) => store.delete(&path).await,
        };
    }

    fn torn(self) -> Self {
        let half = |bytes: Bytes| bytes.slice(..bytes.len() / 2);
        match self {
            Self::Create(path, bytes) => Self::Create(path, half(bytes)),
            Self::Replace(path, bytes, seen) => Self::Replace(path, half(bytes), seen),
            delete @ Self::Delete(_) => delete,
        }
    }

    /// As a temporary file that nobody removed.
    fn aside(self) -> Self {
        match self {
            Self::Create(_, bytes) | Self::Replace(_, bytes, _) => {
                Self::Create(paths::staging(".incoming-torn").unwrap(), bytes)
            }
            delete @ Self::Delete(_) => delete,
        }
    }
}

/// The decorator. Operations count from 0, reads included.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<dyn Backend>,
    trigger: Arc<Trigger>,
}

#[derive(Debug)]
pub(crate) struct Trigger {
    at: u64,
    event: Event,
    count: AtomicU64,
    harmless: AtomicBool,
    late: Mutex<Option<Write>>,
}

#[derive(Debug)]
enum Event {
    Break(Fault),
    /// Something else happens right before.
    Interlude(Interlude),
}

struct Interlude {
    /// Operations on this path alone are counted, if there is one.
    path: Option<StorePath>,
    what: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl std::fmt::Debug for Interlude {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interlude")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

enum Verdict {
    Pass,
    Refuse,
    Lose,
    Delay,
    Tear(fn(Write) -> Write),
    PassAfter(BoxFuture<'static, ()>),
}

impl Trigger {
    fn next(&self, path: &StorePath, writes: bool) -> Verdict {
        let fault = match &self.event {
            Event::Break(fault) => fault,
            Event::Interlude(interlude) => return self.interlude(interlude, path),
        };
        match self.count.fetch_add(1, SeqCst).cmp(&self.at) {
            Ordering::Less => return Verdict::Pass,
            Ordering::Equal => {}
            Ordering::Greater => {
                return match fault {
                    Fault::Refused | Fault::AnswerLost | Fault::Delayed => Verdict::Pass,
                    _ if self.harmless() => Verdict::Pass,
                    _ => Verdict::Refuse,
                };
            }
        }
        match fault {
            Fault::KilledBefore | Fault::Refused => Verdict::Refuse,
            Fault::KilledAfter | Fault::AnswerLost => Verdict::Lose,
            _ if !writes => {
                self.harmless.store(true, SeqCst);
                Verdict::Pass
            }
            Fault::Delayed => Verdict::Delay,
            Fault::Torn => Verdict::Tear(|write| write.torn().aside()),
            Fault::TornInPlace => Verdict::Tear(Write::torn),
        }
    }

    fn interlude(&self, interlude: &Interlude, path: &StorePath) -> Verdict {
        if interlude.path.as_ref().is_some_and(|only| only != path) {
            return Verdict::Pass;
        }
        match self.count.fetch_add(1, SeqCst) == self.at {
            true => interlude.what.lock().unwrap().take(),
            false => None,
        }
        .map_or(Verdict::Pass, Verdict::PassAfter)
    }

    /// Whether there was such an operation.
    pub(crate) fn reached(&self) -> bool {
        self.count.load(SeqCst) > self.at
    }

    /// Whether it was one that this fault cannot strike.
    pub(crate) fn harmless(&self) -> bool {
        self.harmless.load(SeqCst)
    }

    /// The write that has not arrived yet. It is the caller's from here on.
    pub(crate) fn late(&self) -> Option<Write> {
        self.late.lock().unwrap().take()
    }

    async fn read<T>(
        &self,
        path: &StorePath,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.next(path, false) {
            Verdict::Refuse => return Err(gone(path)),
            Verdict::Lose => {
                work.await?;
                return Err(gone(path));
            }
            Verdict::PassAfter(interlude) => interlude.await,
            Verdict::Pass | Verdict::Delay | Verdict::Tear(_) => {}
        }
        work.await
    }

    async fn write<T>(
        &self,
        inner: &dyn Backend,
        write: Write,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let gone = gone(write.path());
        match self.next(write.path(), true) {
            Verdict::Pass => return work.await,
            Verdict::PassAfter(interlude) => {
                interlude.await;
                return work.await;
            }
            Verdict::Lose => drop(work.await?),
            Verdict::Refuse => {}
            Verdict::Delay => *self.late.lock().unwrap() = Some(write),
            Verdict::Tear(torn) => torn(write).arrive(inner).await,
        }
        Err(gone)
    }
}

fn gone(path: &StorePath) -> StoreError {
    StoreError::Unavailable {
        path: path.to_string(),
        source: "injected fault".into(),
    }
}

/// A store that breaks at operation `at`.
pub(crate) fn faulty(store: &Store, at: u64, fault: Fault) -> (Store, Arc<Trigger>) {
    decorated(store, at, Event::Break(fault))
}

/// A store on which something else happens right before operation `at`; counted on `path` alone, if there is one.
pub(crate) fn interrupted(
    store: &Store,
    at: u64,
    path: Option<StorePath>,
    what: impl Future<Output = ()> + Send + 'static,
) -> (Store, Arc<Trigger>) {
    let what = Mutex::new(Some(what.boxed()));
    decorated(store, at, Event::Interlude(Interlude { path, what }))
}

fn decorated(store: &Store, at: u64, event: Event) -> (Store, Arc<Trigger>) {
    let trigger = Arc::new(Trigger {
        at,
        event,
        count: AtomicU64::new(0),
        harmless: AtomicBool::new(false),
        late: Mutex::default(),
    });
    let faulty = Faulty {
        inner: Arc::clone(store.backend()),
        trigger: Arc::clone(&trigger),
    };
    (Store::new(Arc::new(faulty)), trigger)
}
