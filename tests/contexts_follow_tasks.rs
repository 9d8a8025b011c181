//! A future has its own context in every poll, on every thread, and leaves nothing of it to others.
use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context as Task, Poll, Waker};

use proptest::prelude::*;
use ringseal::testing::Capture;
use ringseal::{
    Context, ContextScope, Correlation, Engine, Logger, WithContext, fields, in_current_context,
    info,
};

/// Pending once.
#[derive(Debug, Default)]
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _task: &mut Task<'_>) -> Poll<()> {
        match mem::replace(&mut self.0, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Task::from_waker(Waker::noop()))
}

fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
    }
}

fn numbered(number: u64) -> Context {
    Context::new().with(fields! { number })
}

/// The numbers of the events with this name; 0 for one without.
fn numbers(capture: &Capture, name: &str) -> Vec<u64> {
    let events = capture.events();
    let named = events.iter().filter(|event| event.text("event") == name);
    named.map(|event| event.get("number").map_or(0, |number| number.as_u64().unwrap())).collect()
}

/// The number that an event logged now has; 0 for none.
fn now(engine: &Engine, capture: &Capture) -> u64 {
    info!(engine, "now");
    numbers(capture, "now").pop().unwrap()
}

#[test]
fn an_await_keeps_the_context() {
    let (engine, capture) = Capture::start();
    let task = async {
        info!(engine, "step");
        Yield::default().await;
        info!(engine, "step");
        Context::add(fields! { user = "ann" });
        Yield::default().await;
        info!(engine, "step");
    };
    let mut task = pin!(task.in_context(numbered(1)));
    let _other = numbered(9).enter();
    for expected in [Poll::Pending, Poll::Pending, Poll::Ready(())] {
        assert_eq!(poll(task.as_mut()), expected);
        assert_eq!(now(&engine, &capture), 9);
    }
    assert_eq!(numbers(&capture, "step"), [1, 1, 1]);
    let users: Vec<_> = capture.events().iter().map(|event| event.get("user").is_some()).collect();
    assert_eq!(users.iter().filter(|has_user| **has_user).count(), 1, "added before the last step");
}

#[test]
fn a_poll_leaves_nothing_behind() {
    let (engine, capture) = Capture::start();
    let task = async {
        mem::forget(numbered(2).enter());
        mem::forget(numbered(3).enter());
        Context::add(fields! { inner = true });
        Yield::default().await;
        info!(engine, "after");
    };
    let mut task = pin!(task.in_context(numbered(1)));
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(now(&engine, &capture), 0);
    assert!(poll(task.as_mut()).is_ready());
    assert_eq!(numbers(&capture, "after"), [1], "forgotten scopes end with their poll");
    assert!(capture.event("after").get("inner").is_none());
    assert_eq!(now(&engine, &capture), 0);
}

#[test]
fn a_panic_in_a_poll_leaves_nothing_behind() {
    let (engine, capture) = Capture::start();
    let _outer = numbered(9).enter();
    let task = async {
        let _scope = numbered(2).enter();
        panic!("inside a poll");
    };
    let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(task.in_context(numbered(1)));
    let mut task = task;
    assert!(catch_unwind(AssertUnwindSafe(|| poll(task.as_mut()))).is_err());
    assert_eq!(now(&engine, &capture), 9);
    drop(task);
    assert_eq!(now(&engine, &capture), 9);
}

/// Logs when it is dropped, and may panic then.
struct Last<'a> {
    engine: &'a Engine,
    panics: bool,
}

impl Drop for Last<'_> {
    fn drop(&mut self) {
        info!(self.engine, "dropped");
        if self.panics {
            panic!("while dropped");
        }
    }
}

#[test]
fn a_cancelled_future_ends_inside_its_context() {
    let (engine, capture) = Capture::start();
    for (panics, polls) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
        let last = Last { engine: &engine, panics };
        let task = async move {
            let _last = last;
            Yield::default().await;
        };
        let mut task = Box::pin(task.in_context(numbered(1)));
        for _ in 0..polls {
            assert!(poll(task.as_mut()).is_pending());
        }
        let result = catch_unwind(AssertUnwindSafe(|| drop(task)));
        assert_eq!(result.is_err(), panics);
        assert_eq!(now(&engine, &capture), 0);
    }
    assert_eq!(numbers(&capture, "dropped"), [1; 4]);
}

#[test]
fn a_poll_cannot_end_scopes_around_it() {
    let (engine, capture) = Capture::start();
    let first = numbered(8).enter();
    let second = numbered(9).enter();
    let mut scopes = Some((second, first));
    let task = async {
        drop(scopes.take().map(|(_second, first)| first));
        info!(engine, "inside");
        Yield::default().await;
        info!(engine, "inside");
    };
    let mut task = pin!(task.in_context(numbered(1)));
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(now(&engine, &capture), 0, "both have ended with the poll");
    assert!(poll(task.as_mut()).is_ready());
    assert_eq!(numbers(&capture, "inside"), [1, 1]);
    assert_eq!(now(&engine, &capture), 0);
}

#[test]
fn futures_of_one_task_have_their_own_contexts() {
    let (engine, capture) = Capture::start();
    let step = |name: &'static str| {
        let log = engine.logger();
        async move {
            for _ in 0..3 {
                match name {
                    "left" => info!(log, "left"),
                    _ => info!(log, "right"),
                }
                Yield::default().await;
            }
        }
    };
    finish(
        async {
            let mut left = pin!(step("left").in_context(numbered(1)));
            let mut right = pin!(step("right").in_context(numbered(2)));
            std::future::poll_fn(|task| {
                let ready =
                    [left.as_mut().poll(task).is_ready(), right.as_mut().poll(task).is_ready()];
                if ready[0] { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            info!(engine, "joined");
        }
        .in_context(numbered(3)),
    );
    assert_eq!(numbers(&capture, "left"), [1; 3]);
    assert_eq!(numbers(&capture, "right"), [2; 3]);
    assert_eq!(numbers(&capture, "joined"), [3]);
}

#[test]
fn spawned_work_keeps_the_context() {
    let (engine, capture) = Capture::start();
    let spawned = numbered(1).run(|| {
        let log = engine.logger();
        std::thread::spawn(in_current_context(move || {
            info!(log, "thread");
            mem::forget(numbered(5).enter());
        }))
        .join()
        .unwrap();
        let log = engine.logger();
        async move { info!(log, "task") }.in_current_context()
    });
    numbered(2).run(|| finish(spawned));
    assert_eq!((numbers(&capture, "thread"), numbers(&capture, "task")), (vec![1], vec![1]));
}

/// One thread of a pool does one job after the other.
#[test]
fn a_pooled_thread_forgets_its_jobs() {
    let (engine, capture) = Capture::start();
    let job = |name: &'static str, panics: bool| {
        let engine = &engine;
        in_current_context(move || {
            match name {
                "first" => info!(engine, "first"),
                _ => info!(engine, "second"),
            }
            assert!(Context::add(fields! { job = name }));
            mem::forget(numbered(7).enter());
            if panics {
                panic!("in the job");
            }
        })
    };
    for panics in [false, true] {
        let first = numbered(1).run(|| job("first", panics));
        let _ = catch_unwind(AssertUnwindSafe(first));
        assert_eq!(now(&engine, &capture), 0);
        job("second", panics).call_and_catch();
    }
    assert_eq!((numbers(&capture, "first"), numbers(&capture, "second")), (vec![1; 2], vec![0; 2]));
    assert!(capture.events().iter().all(|event| event.get("job").is_none()));
}

trait CallAndCatch: FnOnce() + Sized {
    fn call_and_catch(self) {
        let _ = catch_unwind(AssertUnwindSafe(self));
    }
}
impl<F: FnOnce()> CallAndCatch for F {}

#[test]
fn a_suppressed_scope_logs_nothing() {
    let (engine, capture) = Capture::start();
    let quiet = numbered(1).suppressed();
    quiet.run(|| {
        info!(engine, "plain", a = 1);
        info!(engine, "formatted", a = ?[1]);
        engine.logger().dynamic(ringseal::Level::Error, "x", "dynamic", &|_| {});
        std::thread::scope(|scope| {
            scope.spawn(in_current_context(|| info!(engine, "thread")));
        });
        numbered(2).run(|| info!(engine, "within_another"));
        let mut task = Box::pin(Yield::default().in_context(numbered(3)));
        assert!(poll(task.as_mut()).is_pending());
        finish(async { info!(engine, "other_task") }.in_context(numbered(3)));
        info!(engine, "plain", a = 2);
    });
    info!(engine, "plain", a = 3);
    let events = capture.events();
    let names: Vec<_> = events.iter().map(|event| event.text("event")).collect();
    assert_eq!(names, ["plain"]);
    assert_eq!(events[0]["a"], 3);
}

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The steps of a task: what it does between two awaits.
#[derive(Debug, Clone, Copy)]
enum Step {
    Log,
    /// Logs in a scope of another context.
    Nested,
    /// Forgets a scope.
    Forget,
    /// Polls another task with another context.
    Inner,
}

async fn task(log: Logger, number: u64, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Log => info!(log, "seen", own = number),
            Step::Nested => numbered(number + 1_000_000).run(|| info!(log, "nested", own = number)),
            Step::Forget => mem::forget(numbered(u64::MAX).enter()),
            Step::Inner => {
                let inner = async { info!(log, "inner", own = number) };
                inner.in_context(numbered(number + 2_000_000)).await;
            }
        }
        Yield::default().await;
        info!(log, "seen", own = number);
    }
}

fn trace_of(number: u64) -> Correlation {
    let mut trace = [1; 16];
    trace[..8].copy_from_slice(&number.to_be_bytes());
    Correlation::new(trace, trace)
}

/// Runs the tasks on `threads` threads, which take any task in turns.
fn run_on_threads(jobs: Vec<Job>, threads: usize, seed: u64) {
    let queue = Mutex::new(VecDeque::from(jobs));
    std::thread::scope(|scope| {
        for thread in 0..threads as u64 {
            let queue = &queue;
            scope.spawn(move || {
                let mut state = seed ^ thread.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                loop {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let mut waiting = queue.lock().unwrap();
                    let Some(mut job) =
                        (if state >> 63 == 0 { waiting.pop_front() } else { waiting.pop_back() })
                    else {
                        return;
                    };
                    drop(waiting);
                    if poll(job.as_mut()).is_pending() {
                        queue.lock().unwrap().push_back(job);
                    }
                }
            });
        }
    });
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        prop_oneof![Just(Step::Log), Just(Step::Nested), Just(Step::Forget), Just(Step::Inner),];
    prop::collection::vec(step, 1..5)
}

fn check_tasks(tasks: Vec<Vec<Step>>, threads: usize, seed: u64) {
    let (engine, capture) = Capture::start();
    let expected: usize =
        tasks.iter().flatten().map(|step| 1 + usize::from(!matches!(step, Step::Forget))).sum();
    let job = |(number, steps)| {
        let number = number as u64 + 1;
        let context = numbered(number).with_correlation(trace_of(number));
        Box::pin(task(engine.logger(), number, steps).in_context(context)) as Job
    };
    run_on_threads(tasks.into_iter().enumerate().map(job).collect(), threads, seed);
    let events = capture.events();
    let events: Vec<_> = events.iter().filter(|event| event.get("own").is_some()).collect();
    assert_eq!(events.len(), expected);
    for event in events {
        let own = event["own"].as_u64().unwrap();
        let (shift, has_trace) = match event.text("event") {
            "nested" => (1_000_000, false),
            "inner" => (2_000_000, false),
            _ => (0, true),
        };
        assert_eq!(event["number"].as_u64().unwrap(), own + shift);
        assert_eq!(event.get("trace_id").is_some(), has_trace);
        if has_trace {
            assert!(
                event.text("trace_id").starts_with(&format!("{own:016x}")),
                "another task's ids"
            );
        }
    }
}

#[test]
fn a_thousand_tasks_keep_their_ids() {
    let all = [Step::Log, Step::Forget, Step::Nested, Step::Inner];
    let tasks =
        (0..1000).map(|number| all.iter().cycle().skip(number % 4).take(4).copied().collect());
    check_tasks(tasks.collect(), 8, 7);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn tasks_in_any_order_keep_their_ids(
        tasks in prop::collection::vec(any_steps(), 1..20), threads in 1..4usize, seed: u64,
    ) {
        check_tasks(tasks, threads, seed);
    }
}

#[test]
fn an_ending_thread_may_poll() {
    thread_local! {
        static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    struct Late(Engine, Option<ContextScope>);
    impl Drop for Late {
        fn drop(&mut self) {
            finish(async { info!(self.0, "late") }.in_context(numbered(1)));
            drop(self.1.take());
        }
    }
    let (engine, capture) = Capture::start();
    std::thread::spawn(move || {
        LATE.with(|late| *late.borrow_mut() = Some(Late(engine, None)));
        LATE.with(|late| late.borrow_mut().as_mut().unwrap().1 = Some(numbered(2).enter()));
    })
    .join()
    .unwrap();
    assert_eq!(numbers(&capture, "late").len(), 1);
}
