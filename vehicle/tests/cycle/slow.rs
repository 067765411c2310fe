//! A server that is slow but never silent, and a clock that jumps while a cycle is under way.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use jiff::{Timestamp, ToSpan};
use sealift_vehicle::fetch::{Answer, Body, Fetch, FetchError, Request};
use sealift_vehicle::rate::RateFloor;
use sealift_vehicle::transport::Policy;
use sealift_vehicle::{CycleError, FileInstaller, Outcome, Surroundings, World};

use crate::happy::firmware;
use crate::kit::{FakeWorld, Fleet, GATEWAY, Sealing, Server};

/// Serves what `server` has; every body whose path starts with `slow` comes with `pace` bytes in a second.
#[derive(Debug)]
struct Trickle {
    server: Server,
    world: Arc<FakeWorld>,
    slow: String,
    pace: usize,
    /// When this path is asked for, the clock jumps to that time.
    jump: Option<(&'static str, Timestamp)>,
}

#[derive(Debug)]
struct Drops {
    body: Box<dyn Body>,
    held: BytesMut,
    world: Arc<FakeWorld>,
    pace: usize,
}

#[async_trait]
impl Body for Drops {
    async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        while self.held.len() < self.pace
            && let Some(piece) = self.body.chunk().await?
        {
            self.held.extend_from_slice(&piece);
        }
        if self.held.is_empty() {
            return Ok(None);
        }
        self.world.sleep(Duration::from_secs(1)).await;
        let length = self.held.len().min(self.pace);
        Ok(Some(self.held.split_to(length).freeze()))
    }
}

#[async_trait]
impl Fetch for Trickle {
    fn host(&self) -> &str {
        self.server.host()
    }

    async fn send(&self, request: Request) -> Result<Answer, FetchError> {
        let path = request.path().to_owned();
        if let Some((_, then)) = self.jump.filter(|(at, _)| *at == path) {
            self.world.set_now(then);
        }
        let mut answer = self.server.send(request).await?;
        if path.starts_with(&self.slow) {
            answer.body = Box::new(Drops {
                body: answer.body,
                held: BytesMut::new(),
                world: Arc::clone(&self.world),
                pace: self.pace,
            });
        }
        Ok(answer)
    }
}

/// A vehicle with an image for it, and its server.
async fn assigned() -> (Fleet, Trickle) {
    let mut fleet = Fleet::new(Sealing::P256).await;
    fleet.release("a.img", &firmware(1), 1).await;
    fleet.assign(GATEWAY, "a.img").await;
    let trickle = Trickle {
        server: std::mem::take(&mut fleet.server),
        world: Arc::new(FakeWorld::new(Fleet::now())),
        slow: "nothing".to_owned(),
        pace: 1,
        jump: None,
    };
    (fleet, trickle)
}

async fn cycle(fleet: &Fleet, trickle: &Trickle) -> Result<Outcome, CycleError> {
    let surroundings = Surroundings {
        fetch: trickle,
        world: trickle.world.as_ref(),
        observer: &fleet.recorder,
        installer: &FileInstaller::new(fleet.layout()),
        policy: Policy::default(),
    };
    fleet.open().cycle(surroundings).await
}

/// U-5.4-3, U-5.4-4: a byte in a second is noticed when the first window ends, on every document and on the image, and the
/// Director is told.
#[tokio::test]
async fn a_trickle_is_slow_retrieval_wherever_it_is() {
    let director = ["timestamp", "2.snapshot", "2.targets"].map(|role| format!("/director/{role}.json"));
    let image = ["timestamp", "2.snapshot", "2.targets"].map(|role| format!("/repo/{role}.json"));
    let objects = ["/repo/segments/", "/repo/targets/"].map(str::to_owned);
    let window = RateFloor::default().window;
    for slow in director.into_iter().chain(image).chain(objects) {
        let (fleet, mut trickle) = assigned().await;
        trickle.slow.clone_from(&slow);
        let error = cycle(&fleet, &trickle).await.unwrap_err();
        assert_eq!(error.attack(), Some("slow_retrieval"), "{slow}: {error}");
        let waited = trickle.world.monotonic();
        assert!(waited <= window + Duration::from_secs(1), "{slow}: {waited:?}");
        let reports = trickle.server.reports();
        assert_eq!(
            reports.last().unwrap()[GATEWAY].attacks_detected,
            ["slow_retrieval"]
        );
        assert_eq!(fleet.installed(GATEWAY), None);
    }
}

/// A connection at the threshold is slow and no attack.
#[tokio::test]
async fn what_is_fast_enough_arrives() {
    let (fleet, mut trickle) = assigned().await;
    let floor = RateFloor::default();
    trickle.slow = "/".to_owned();
    trickle.pace = usize::try_from(floor.bytes / floor.window.as_secs()).unwrap();
    assert_eq!(cycle(&fleet, &trickle).await.unwrap(), Outcome::Installed);
    assert!(
        trickle.world.monotonic() > floor.window * 3,
        "several windows long"
    );
    assert_eq!(fleet.installed(GATEWAY).unwrap(), firmware(1));
}

/// T-5.1-1: one instant for the whole cycle: documents that expire meanwhile, or a clock that is set back, make no difference.
#[tokio::test]
async fn a_clock_that_jumps_during_a_cycle_changes_nothing() {
    for (at, then) in [
        ("/director/2.root.json", Fleet::now() + (24 * 365 * 20).hours()),
        ("/director/timestamp.json", Fleet::now() - (24 * 365 * 20).hours()),
        ("/repo/timestamp.json", Fleet::now() + (24 * 365 * 20).hours()),
    ] {
        let (fleet, mut trickle) = assigned().await;
        trickle.jump = Some((at, then));
        assert_eq!(cycle(&fleet, &trickle).await.unwrap(), Outcome::Installed, "{at}");
        assert_eq!(trickle.world.now(), then, "it did jump");
        let latest = trickle.server.reports().last().unwrap()[GATEWAY].latest_time;
        assert_eq!(latest, Fleet::now(), "{at}");
    }
}
