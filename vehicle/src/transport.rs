//! Requests with manners: caps while streaming, rate floor, back-off, `Retry-After`, circuit breaker. What comes out
//! is a whole small body, a checked stream, or an error that says who is at fault.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;

use crate::backoff::{Backoff, CircuitBreaker};
use crate::error::{Attack, CycleError, NetworkError, Refusal};
use crate::events::{Event, Observer};
use crate::fetch::{Answer, Body, Fetch, FetchError, Request};
use crate::rate::{RateFloor, RateWatch};
use crate::world::World;

mod retry_after;

/// How patient and how strict requests are.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Waits between attempts.
    pub backoff: Backoff,
    /// Attempts at one request within a cycle.
    pub attempts: u32,
    /// Longest wait within a cycle; if a longer one is due the cycle ends and says when to come back.
    pub longest_wait: Duration,
    /// Longest wait for the head of an answer.
    pub answer_within: Duration,
    /// Slow-retrieval threshold.
    pub rate_floor: RateFloor,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            attempts: 5,
            longest_wait: Duration::from_secs(30),
            answer_within: Duration::from_secs(60),
            rate_floor: RateFloor::default(),
        }
    }
}

/// A small resource, or its certain absence.
#[derive(Debug)]
pub(crate) enum Found {
    Bytes(Vec<u8>),
    /// HTTP 404 and nothing else.
    NotFound,
}

/// The network of one process. The circuit breaker outlives cycles.
#[derive(Debug)]
pub struct Transport<'a> {
    fetch: &'a dyn Fetch,
    world: &'a dyn World,
    observer: &'a dyn Observer,
    policy: Policy,
    breaker: &'a Mutex<CircuitBreaker>,
}

/// Why one attempt failed.
pub(crate) enum Failure {
    /// Worth another attempt.
    Transient {
        problem: String,
        retry_after: Option<Duration>,
        source: Option<FetchError>,
    },
    /// Not.
    Final(CycleError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Final(refusal.into())
    }
}

impl From<CycleError> for Failure {
    fn from(error: CycleError) -> Self {
        Self::Final(error)
    }
}

impl<'a> Transport<'a> {
    /// Requests through `fetch` in `world`.
    pub fn new(
        fetch: &'a dyn Fetch,
        world: &'a dyn World,
        observer: &'a dyn Observer,
        policy: Policy,
        breaker: &'a Mutex<CircuitBreaker>,
    ) -> Self {
        Self {
            fetch,
            world,
            observer,
            policy,
            breaker,
        }
    }

    pub(crate) fn world(&self) -> &'a dyn World {
        self.world
    }

    pub(crate) async fn emit(&self, event: Event) {
        self.observer.observe(event).await;
    }

    /// Gets a resource of at most `max_bytes` whole.
    pub(crate) async fn get(&self, path: &str, max_bytes: u64) -> Result<Found, CycleError> {
        let mut attempt = 0;
        loop {
            match self.get_once(path, max_bytes).await {
                Ok(found) => return Ok(found),
                Err(failure) => self.again(path, &mut attempt, failure).await?,
            }
        }
    }

    /// Puts a document; returns when the server has confirmed it.
    pub(crate) async fn put(&self, path: &str, body: Bytes) -> Result<(), CycleError> {
        let mut attempt = 0;
        loop {
            match self.put_once(path, body.clone()).await {
                Ok(()) => return Ok(()),
                Err(failure) => self.again(path, &mut attempt, failure).await?,
            }
        }
    }

    /// After a failed attempt: waits and returns if another one is due, or gives the cycle's error.
    pub(crate) async fn again(
        &self,
        path: &str,
        attempt: &mut u32,
        failure: Failure,
    ) -> Result<(), CycleError> {
        let (problem, retry_after, source) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Transient {
                problem,
                retry_after,
                source,
            } => (problem, retry_after, source),
        };
        let delay = self
            .policy
            .backoff
            .delay(*attempt, self.world.random(), retry_after);
        *attempt = attempt.saturating_add(1);
        if *attempt >= self.policy.attempts || delay > self.policy.longest_wait {
            return Err(self
                .network_error(path, problem, retry_after.map(|_| delay), source)
                .into());
        }
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.emit(Event::Retry {
            path: path.to_owned(),
            attempt: *attempt,
            delay_ms,
            reason: problem,
        })
        .await;
        self.world.sleep(delay).await;
        Ok(())
    }

    /// Sends one request; an answer means that the host is there, unless it says itself that it cannot.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let host = self.fetch.host();
        let open = self.breaker().check(host, self.world.monotonic());
        if let Err(wait) = open {
            let path = request.path().to_owned();
            let error = self.network_error(
                &path,
                "too many failures, waiting before the next".into(),
                Some(wait),
                None,
            );
            return Err(Failure::Final(error.into()));
        }
        let sent = tokio::select! {
            biased;
            sent = self.fetch.send(request) => sent,
            () = self.world.sleep(self.policy.answer_within) => Err(FetchError { problem: "no answer in time", source: None }),
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => {
                self.breaker().failure(host, self.world.monotonic());
                return Err(transient(error));
            }
        };
        if matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504) {
            self.breaker().failure(host, self.world.monotonic());
            let retry_after = answer.retry_after.as_deref();
            return Err(Failure::Transient {
                problem: format!("the server answered {}", answer.status),
                retry_after: retry_after.and_then(|text| retry_after::parse(text, self.world.now())),
                source: None,
            });
        }
        self.breaker().success(host);
        Ok(answer)
    }

    /// Watches the body of `answer` for at most `max_bytes`.
    pub(crate) fn stream(&self, what: &str, answer: Answer, max_bytes: u64) -> Result<Stream<'a>, Failure> {
        if answer
            .content_encoding
            .as_deref()
            .is_some_and(|encoding| encoding != "identity")
        {
            return Err(Refusal::new(
                Attack::BadMirror,
                format!("{what}: the server compressed its answer"),
            )
            .into());
        }
        if answer.content_length.is_some_and(|length| length > max_bytes) {
            return Err(endless(what, max_bytes).into());
        }
        Ok(Stream {
            world: self.world,
            watch: RateWatch::start(self.policy.rate_floor, self.world.monotonic()),
            body: answer.body,
            what: what.to_owned(),
            left: max_bytes,
            max_bytes,
        })
    }

    async fn get_once(&self, path: &str, max_bytes: u64) -> Result<Found, Failure> {
        let answer = self.send(Request::get(path)).await?;
        match answer.status {
            200 => {
                let expected = answer.content_length;
                let bytes = self.stream(path, answer, max_bytes)?.collect().await?;
                if expected.is_some_and(|expected| u64::try_from(bytes.len()) != Ok(expected)) {
                    return Err(transient(FetchError {
                        problem: "the body is cut short",
                        source: None,
                    }));
                }
                Ok(Found::Bytes(bytes))
            }
            404 => Ok(Found::NotFound),
            _ => Err(self.rejected(path, answer).await.into()),
        }
    }

    async fn put_once(&self, path: &str, body: Bytes) -> Result<(), Failure> {
        let answer = self
            .send(Request::Put {
                path: path.to_owned(),
                body,
            })
            .await?;
        if (200..300).contains(&answer.status) {
            return Ok(());
        }
        Err(self.rejected(path, answer).await.into())
    }

    /// Any other status ends the cycle: only 404 means "not there".
    pub(crate) async fn rejected(&self, what: &str, answer: Answer) -> CycleError {
        let status = answer.status;
        let body = match self.stream(what, answer, sealift_wire::limits::MAX_PROBLEM_BYTES) {
            Ok(stream) => stream.collect().await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        CycleError::Rejected {
            what: what.to_owned(),
            status,
            detail: problem_detail(&body),
        }
    }

    fn network_error(
        &self,
        path: &str,
        problem: String,
        retry_after: Option<Duration>,
        source: Option<FetchError>,
    ) -> NetworkError {
        let what = format!("{}{path}", self.fetch.host());
        NetworkError {
            what,
            problem,
            retry_after,
            source: source.and_then(|error| error.source),
        }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, CircuitBreaker> {
        self.breaker
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A body under watch: never more than allowed, never slower than allowed.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    world: &'a dyn World,
    watch: RateWatch,
    body: Box<dyn Body>,
    what: String,
    left: u64,
    max_bytes: u64,
}

impl Stream<'_> {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let remaining = self.watch.remaining(self.world.monotonic());
            let piece = tokio::select! {
                biased;
                piece = self.body.chunk() => Some(piece.map_err(transient)?),
                () = self.world.sleep(remaining) => None,
            };
            let Some(piece) = piece else {
                self.received(0)?;
                continue;
            };
            let Some(piece) = piece else { return Ok(None) };
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.left = self
                .left
                .checked_sub(length)
                .ok_or_else(|| endless(&self.what, self.max_bytes))?;
            self.received(length)?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    async fn collect(mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    fn received(&mut self, bytes: u64) -> Result<(), Failure> {
        let watched = self.watch.received(bytes, self.world.monotonic());
        watched.map_err(|slow| {
            Refusal::new(Attack::SlowRetrieval, self.what.clone())
                .because(slow)
                .into()
        })
    }
}

fn endless(what: &str, max_bytes: u64) -> Refusal {
    Refusal::new(
        Attack::EndlessData,
        format!("{what}: more than the {max_bytes} bytes allowed"),
    )
}

pub(crate) fn transient(error: FetchError) -> Failure {
    Failure::Transient {
        problem: error.problem.to_owned(),
        retry_after: None,
        source: Some(error),
    }
}

/// Title and detail of a problem document, or the start of whatever else was sent, without control characters.
fn problem_detail(body: &[u8]) -> String {
    const MAX_CHARS: usize = 300;
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let part = |name: &str| {
        problem
            .as_ref()
            .and_then(|problem| problem.get(name))
            .and_then(|text| text.as_str())
    };
    let text = match (part("title"), part("detail")) {
        (Some(title), Some(detail)) => format!("{title}: {detail}"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => String::from_utf8_lossy(body).into_owned(),
    };
    let clean: String = text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect();
    if clean.is_empty() {
        "no reason given".to_owned()
    } else {
        clean
    }
}
