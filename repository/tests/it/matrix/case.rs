//! One verb that met one fault, and what must hold from then on.

use sealift_repository::PublishError;

use super::look::{Client, Seen, Trees};
use super::verb::{LAST, Listed, NEXT, Refusal, Verb, add, line};
use crate::kit::{World, later};

/// A repository to which something happens, and somebody who knew it before.
pub(super) struct Case<'a> {
    verb: Verb,
    world: &'a World,
    trees: &'a Trees,
    label: String,
    client: Client,
    before: Option<Seen>,
    /// The version that people signed is somebody else's by now.
    void: bool,
}

/// What is left in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A repository into which the next publisher publishes.
    GoesOn,
    /// One that all clients and publishers refuse until somebody mends it.
    Stuck,
}

impl<'a> Case<'a> {
    pub(super) async fn begin(verb: Verb, world: &'a World, trees: &'a Trees, label: String) -> Self {
        let mut client = Client::new(world);
        let before = client.look(world, 0, trees, &label).await;
        assert_eq!(before.is_none(), verb == Verb::Init, "{label}");
        Self {
            verb,
            world,
            trees,
            label,
            client,
            before,
            void: false,
        }
    }

    /// The version that people signed may be taken.
    pub(super) fn may_void_drafts(self) -> Self {
        Self { void: true, ..self }
    }

    /// After the fault, all of it is there or nothing, a reported success is real, and life goes on.
    pub(super) async fn end(mut self, outcome: Result<(), Refusal>) -> End {
        let seen = self.look(1).await;
        if let Some(seen) = &seen {
            assert!(
                self.is_old_or_new(seen, &Listed::new()),
                "{}: {seen:?}",
                self.label
            );
            let done = self.verb.is_done(self.before.as_ref(), seen);
            assert!(
                done || outcome.is_err(),
                "{}: a reported success is real",
                self.label
            );
        } else {
            assert!(outcome.is_err(), "{}: reported as done, and refused", self.label);
            if !self.mended().await {
                return End::Stuck;
            }
        }
        self.goes_on(2).await;
        End::GoesOn
    }

    /// The same after a late write and another publisher, who listed `more`.
    pub(super) async fn end_after(mut self, more: &Listed) {
        let seen = self.look(3).await;
        let seen = seen.unwrap_or_else(|| panic!("{}: refused by all", self.label));
        assert!(self.is_old_or_new(&seen, more), "{}: {seen:?}", self.label);
        self.void = !more.is_empty();
        self.goes_on(4).await;
    }

    /// The same after another publisher listed one more image in the middle of it: as if one had come after the other. Only a
    /// repository is not made twice, and what people signed over another list is not published.
    pub(super) async fn end_overtaken(mut self, outcome: Result<(), Refusal>) {
        let seen = self.look(2).await;
        let seen = seen.unwrap_or_else(|| panic!("{}: refused by all", self.label));
        let before = self.before.as_ref();
        let old = before.map_or_else(Listed::new, |before| before.listed.clone());
        let with_next = |mut listed: Listed| {
            listed.extend([line(NEXT)]);
            listed
        };
        let orders = match self.verb {
            Verb::Signed => vec![with_next(old)],
            verb => vec![
                verb.applied(&with_next(old.clone())),
                with_next(verb.applied(&old)),
            ],
        };
        assert!(orders.contains(&seen.listed), "{}: {seen:?}", self.label);
        let succeeds = !matches!(self.verb, Verb::Init | Verb::Signed);
        assert_eq!(outcome.is_ok(), succeeds, "{}: {outcome:?}", self.label);
        let done = self.verb.is_done(before, &seen);
        assert_eq!(done, self.verb != Verb::Signed, "{}: {seen:?}", self.label);
        self.void = true;
        self.goes_on(3).await;
    }

    async fn look(&mut self, hour: i64) -> Option<Seen> {
        self.client.look(self.world, hour, self.trees, &self.label).await
    }

    /// Nothing in between: what was listed before, or what was to be listed; and `more`.
    fn is_old_or_new(&self, seen: &Seen, more: &Listed) -> bool {
        let before = self.before.as_ref();
        let old = before.map_or_else(Listed::new, |before| before.listed.clone());
        let new = self.verb.applied(&old);
        [old, new].into_iter().any(|mut listed| {
            listed.extend(more.clone());
            listed == seen.listed
        })
    }

    /// A repository that nobody accepts: publishers refuse it as well, or what refuses is a root that is none and is moved
    /// out of the way, or nothing was ever there.
    async fn mended(&self) -> bool {
        if self.before.is_none() {
            return self
                .verb
                .run(self.world, &self.world.store, later(1))
                .await
                .is_ok();
        }
        let refused = add(self.world, &self.world.store, LAST, later(1)).await;
        assert!(
            refused.is_err(),
            "{}: signed over what nobody accepts",
            self.label
        );
        let mut publisher = self.world.publisher();
        let moved = publisher.quarantine_bad_root(later(1)).await.unwrap();
        moved.is_some()
    }

    /// The same verb again does what was wanted, and the next publisher carries on.
    async fn goes_on(&mut self, hour: i64) {
        let (world, label) = (self.world, self.label.clone());
        let known = self
            .look(hour)
            .await
            .unwrap_or_else(|| panic!("{label}: refused by all"));
        let again = self.verb.run(world, &world.store, later(hour)).await;
        let seen = self
            .look(hour)
            .await
            .unwrap_or_else(|| panic!("{label}: refused by all"));
        let void = self.void && again.as_ref().is_err_and(|error| is_void(error.as_ref()));
        if void {
            assert_eq!(seen.listed, known.listed, "{label}");
        } else {
            let done = self.verb.is_done(self.before.as_ref(), &known);
            assert!(again.is_ok() || done, "{label}: once more: {again:?}");
            assert!(
                self.verb.is_done(self.before.as_ref(), &seen),
                "{label}: {seen:?}"
            );
            assert_eq!(seen.listed, self.verb.applied(&known.listed), "{label}");
        }

        let next = add(world, &world.store, LAST, later(hour + 1)).await;
        next.unwrap_or_else(|e| panic!("{label}: the next publish: {e:?}"));
        let last = self
            .look(hour + 1)
            .await
            .unwrap_or_else(|| panic!("{label}: refused by all"));
        let mut listed = seen.listed;
        listed.extend([line(LAST)]);
        assert_eq!(last.listed, listed, "{label}: nothing is lost");
    }
}

/// Whether people have to sign again, and are told so.
fn is_void(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(PublishError::StaleDraft { .. } | PublishError::VersionTaken { .. })
    )
}
