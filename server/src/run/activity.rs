//! What a connection is doing, so that one which only holds its place can be given up.
//!
//! Keep-alive does not tell: a peer that answers every ping may leave its answers lying for ever, and one that never
//! begins has nothing to be kept alive.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// Most bytes that a peer is handed at once where its pace is watched: it has `stall` for each piece.
const PIECE_BYTES: usize = 64 * 1024;

/// The requests under way on one connection.
#[derive(Debug, Clone)]
pub(crate) struct Activity {
    state: Arc<Mutex<State>>,
    idle: Duration,
    stall: Duration,
}

#[derive(Debug)]
struct State {
    next: u64,
    /// By number; the value says since when the peer has something to take, `None` that we are at work.
    answers: BTreeMap<u64, Option<Instant>>,
    idle_since: Instant,
}

impl Activity {
    /// A connection that may be without a request for `idle`, and leave an answer untouched for `stall`.
    pub(crate) fn new(idle: Duration, stall: Duration) -> Self {
        let state = State {
            next: 0,
            answers: BTreeMap::new(),
            idle_since: now(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            idle,
            stall,
        }
    }

    /// A request begins. `watched`: whether it can be seen that the peer takes the answer.
    pub(crate) fn begin(&self, watched: bool) -> Answer {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.answers.insert(number, None);
        Answer {
            activity: self.clone(),
            number,
            watched,
        }
    }

    /// Counts the time without a request from now on.
    pub(crate) fn restart(&self) {
        self.lock().idle_since = now();
    }

    /// Done when the connection holds its place for nothing; true if an answer was left lying.
    pub(crate) async fn wasted(&self) -> bool {
        loop {
            let (deadline, stalled) = self.deadline();
            let now = now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return stalled;
            }
            // Whatever begins meanwhile has a deadline after this.
            let look_again = now + self.idle.min(self.stall);
            tokio::time::sleep_until(deadline.map_or(look_again, |at| at.min(look_again))).await;
        }
    }

    fn deadline(&self) -> (Option<Instant>, bool) {
        let state = self.lock();
        if state.answers.is_empty() {
            return (Some(state.idle_since + self.idle), false);
        }
        let longest = state.answers.values().flatten().min();
        (longest.map(|since| *since + self.stall), true)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way, until its answer is sent or given up.
#[derive(Debug)]
pub(crate) struct Answer {
    activity: Activity,
    number: u64,
    watched: bool,
}

impl Answer {
    /// Watches `body` until its end.
    pub(crate) fn watch<B>(self, body: B) -> Watched<B> {
        self.handed();
        Watched {
            body,
            rest: Bytes::new(),
            answer: self,
        }
    }

    /// It is the peer's turn.
    fn handed(&self) {
        if self.watched {
            self.activity.lock().answers.insert(self.number, Some(now()));
        }
    }

    /// The peer took what there was.
    fn taken(&self) {
        if self.watched {
            self.activity.lock().answers.insert(self.number, None);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        state.answers.remove(&self.number);
        state.idle_since = now();
    }
}

/// A body that notes when the peer takes of it.
#[derive(Debug)]
pub(crate) struct Watched<B> {
    body: B,
    rest: Bytes,
    answer: Answer,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        if !this.answer.watched {
            return Pin::new(&mut this.body).poll_frame(cx);
        }
        this.answer.taken();
        if this.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(bytes) => this.rest = bytes,
                Err(other) => return Poll::Ready(Some(Ok(other))),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE_BYTES));
        this.answer.handed();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (
            self.body.size_hint(),
            u64::try_from(self.rest.len()).unwrap_or(u64::MAX),
        );
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a deadline of the runtime, which knows no other time"
)]
fn now() -> Instant {
    Instant::from_std(std::time::Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};

    fn activity() -> Activity {
        Activity::new(Duration::from_millis(30), Duration::from_millis(60))
    }

    #[tokio::test]
    async fn nothing_under_way_is_idle_and_work_of_ours_is_not() {
        assert!(!activity().wasted().await);
        let activity = activity();
        let answer = activity.begin(true);
        let patience = Duration::from_millis(200);
        assert!(tokio::time::timeout(patience, activity.wasted()).await.is_err());
        drop(answer);
        assert!(!activity.wasted().await);
    }

    #[tokio::test]
    async fn one_answer_left_lying_is_enough() {
        let activity = activity();
        let _left = activity.begin(true).watch(Full::new(Bytes::from_static(b"x")));
        let _ours = activity.begin(true);
        assert!(activity.wasted().await);
    }

    #[tokio::test]
    async fn pieces_are_small_and_whole() {
        let bytes = Bytes::from(vec![7; 3 * PIECE_BYTES + 1]);
        let mut body = activity().begin(true).watch(Full::new(bytes.clone()));
        assert_eq!(body.size_hint().exact(), Some(3 * 65_536 + 1));
        let mut all = Vec::new();
        while let Some(frame) = body.frame().await {
            let piece = frame.unwrap().into_data().unwrap();
            assert!(piece.len() <= PIECE_BYTES);
            all.extend_from_slice(&piece);
            assert_eq!(body.is_end_stream(), all.len() == bytes.len());
        }
        assert_eq!(all, bytes);
    }
}
