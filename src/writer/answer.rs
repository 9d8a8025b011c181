//! An answer that can be awaited without an async runtime.
//!
//! Promises: answering wakes the task that waits and never blocks beyond a lock that is held for moments. An answerer
//! that is dropped ends the wait.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

#[derive(Debug)]
enum State<T> {
    Waiting(Option<Waker>),
    Answered(T),
    /// The answerer is gone, or the answer was taken.
    Closed,
}

/// The side that answers.
#[derive(Debug)]
pub struct Answerer<T>(Arc<Mutex<State<T>>>);

/// The side that waits: a future of the answer, or `None` if there will be none.
#[derive(Debug)]
pub struct Answer<T>(Arc<Mutex<State<T>>>);

/// Both sides.
pub fn answer<T>() -> (Answerer<T>, Answer<T>) {
    let state = Arc::new(Mutex::new(State::Waiting(None)));
    (Answerer(Arc::clone(&state)), Answer(state))
}

impl<T> Answerer<T> {
    /// Answers. Only the first answer counts.
    pub fn send(&self, value: T) {
        self.set(State::Answered(value));
    }

    fn set(&self, state: State<T>) {
        let before = {
            let mut place = self.0.lock();
            if !matches!(*place, State::Waiting(_)) {
                return;
            }
            std::mem::replace(&mut *place, state)
        };
        // Outside of the lock: waking may poll at once.
        if let State::Waiting(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T> Drop for Answerer<T> {
    fn drop(&mut self) {
        self.set(State::Closed);
    }
}

impl<T> Future for Answer<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut place = self.0.lock();
        match std::mem::replace(&mut *place, State::Closed) {
            State::Waiting(_) => {
                *place = State::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
            State::Answered(value) => Poll::Ready(Some(value)),
            State::Closed => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn an_answer_wakes_its_task_once() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut context = Context::from_waker(&waker);
        let (answerer, answer) = answer();
        let mut answer = pin!(answer);
        assert_eq!(answer.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(answer.as_mut().poll(&mut context), Poll::Pending);
        answerer.send(7);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert_eq!(answer.as_mut().poll(&mut context), Poll::Ready(Some(7)));
        assert_eq!(answer.as_mut().poll(&mut context), Poll::Ready(None));
    }

    #[test]
    fn a_dropped_answerer_ends_the_wait() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut context = Context::from_waker(&waker);
        let (answerer, answer) = answer::<u32>();
        let mut answer = pin!(answer);
        assert_eq!(answer.as_mut().poll(&mut context), Poll::Pending);
        drop(answerer);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert_eq!(answer.as_mut().poll(&mut context), Poll::Ready(None));
    }

    #[test]
    fn a_dropped_answer_is_ignored() {
        let (answerer, answer) = answer();
        drop(answer);
        answerer.send(7);
    }
}
