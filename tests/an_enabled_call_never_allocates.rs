//! After its thread's first event an enabled call allocates nothing and does not enter the kernel, and the writer
//! allocates nothing in steady state. A global allocator counts per thread; `strace` counts system calls where it is
//! installed and permitted.
#![allow(unsafe_code, reason = "a global allocator cannot be had without")]

#[cfg(feature = "audit")]
#[path = "support/audit_events.rs"]
mod audit_events;
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::error::Error;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Waker};
use std::time::{Duration, SystemTime};

use ringseal::bridge::{Site, SiteMeta};
use ringseal::sink::file::{FileConfig, FileSink, RotateEvery};
use ringseal::sink::{Lines, Now};
use ringseal::sink::{Sink, SinkError, WriteError};
use ringseal::trace_context::{NewRequestId, Propagation, RequestIds, Trust};
use ringseal::value::{DisplayValue, Map, Number, Uuid};
use ringseal::{
    Config, Context, Correlation, Engine, Format, Level, Logger, Maybe, Output, Overflow, Pii,
    Sampling, Sanitized, Secret, Start, Timestamps, WithContext,
};
use ringseal::{error, fields, info, since, span, warn};

#[derive(Clone, Copy, PartialEq)]
enum Who {
    Nobody,
    Producer,
    Writer,
    #[cfg(feature = "audit")]
    Auditor,
}

thread_local! {
    static WHO: Cell<Who> = const { Cell::new(Who::Nobody) };
}

static PRODUCER: AtomicU64 = AtomicU64::new(0);
static WRITER: AtomicU64 = AtomicU64::new(0);
#[cfg(feature = "audit")]
static AUDITOR: AtomicU64 = AtomicU64::new(0);

struct Counting;

fn count() {
    match WHO.try_with(Cell::get) {
        Ok(Who::Producer) => PRODUCER.fetch_add(1, Ordering::SeqCst),
        Ok(Who::Writer) => WRITER.fetch_add(1, Ordering::SeqCst),
        #[cfg(feature = "audit")]
        Ok(Who::Auditor) => AUDITOR.fetch_add(1, Ordering::SeqCst),
        _ => 0,
    };
}

// SAFETY: every call is forwarded to the system's allocator; counting uses only atomics and a thread-local without a
// destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract of `System`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract of `System`.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract of `System`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A file sink that marks the thread it is called on as the writer's, while `is_counting`.
struct Marking {
    file: FileSink,
    is_counting: Arc<AtomicBool>,
    /// What the last turn did.
    counts: Arc<AtomicBool>,
}

impl Marking {
    fn mark(&self) {
        let is_counting = self.is_counting.load(Ordering::SeqCst);
        WHO.set(if is_counting { Who::Writer } else { Who::Nobody });
        self.counts.store(is_counting, Ordering::SeqCst);
    }
}

impl Sink for Marking {
    fn name(&self) -> &str {
        self.file.name()
    }

    fn write(&mut self, lines: Lines<'_>, now: Now) -> Result<(), WriteError> {
        self.file.write(lines, now)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.file.flush()
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.file.sync()
    }

    fn turn(&mut self, now: Now) -> Result<(), SinkError> {
        self.mark();
        self.file.turn(now)
    }
}

#[derive(Debug)]
struct Failure(std::num::ParseIntError);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "order {} cannot be read", 7)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// One value of each kind that can be logged, made before counting starts.
struct Values {
    failure: Failure,
    boxed: Box<dyn Error + Send + Sync>,
    map: BTreeMap<String, u64>,
    long: String,
    list: Vec<u64>,
    names: Vec<String>,
    loggers: Vec<Logger>,
    /// Ambient contexts.
    contexts: Vec<Context>,
    /// Logs once a poll, in a context.
    task: Mutex<Pin<Box<dyn Future<Output = ()>>>>,
    start: Start,
    propagation: Propagation,
    request_ids: RequestIds,
    /// Bound to a trace that is kept, and to one that is not.
    traces: [Logger; 2],
    /// Lets one event of a call site pass in a day.
    limited: Engine,
    /// Of another logging interface.
    site: &'static Site,
}

/// Trace ids whose random part is the maximum and near the minimum.
const TRACES: [&str; 2] = ["4bf92f3577b34da6a3ffffffffffffff", "4bf92f3577b34da6a300000000000001"];

/// The headers of requests.
const REQUESTS: &[&[(&str, &str)]] = &[
    &[],
    &[
        ("TraceParent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("TraceState", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ("X-Request-ID", "r-17"),
    ],
    &[
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-1234-01"),
        ("tracestate", "ROJO=1"),
        ("x-request-id", "not an id"),
    ],
    &[("traceparent", "00-0"), ("x-correlation-id", "r-18")],
];

/// The ids of a trace that is kept.
const IDS: Correlation = Correlation::new([0xEE; 16], [0x07; 16]);

/// Half of some traces, nearly all and nearly none of the events without a trace, and a limit that is never reached.
fn sampling() -> Sampling {
    let rules = "scope=info,sampled::half=0.5,sampled::many=0.999999999,sampled::few=0.000000001";
    let sampling = Sampling::new().targets_from(rules).unwrap().success(0.999999999).unwrap();
    sampling.limit(1_000_000, Duration::from_millis(1)).unwrap()
}

/// Logs once a poll.
async fn log_when_polled(log: Logger) {
    loop {
        info!(log, "polled");
        let mut is_second = false;
        poll_fn(|_| match std::mem::replace(&mut is_second, true) {
            false => Poll::Pending,
            true => Poll::Ready(()),
        })
        .await;
    }
}

impl Values {
    fn new(engine: &Engine) -> Self {
        let parse = || "x".parse::<u32>().unwrap_err();
        let log = engine.logger();
        let bind = |id: u64| log.bind(fields! { trace_id = "4bf92f35", request.id = id });
        let ambient = |id: u64| Context::new().with(fields! { request.id = id, tenant = "acme" });
        let meta = SiteMeta::new(Level::Info, "foreign", "event").keys(&["message", "turn"]);
        Self {
            site: Site::intern(&meta.message("message")).expect("few sites"),
            failure: Failure(parse()),
            boxed: Box::new(Failure(parse())),
            map: (0..5).map(|key| (format!("key{key}"), key)).collect(),
            long: "long \"text\" with \u{1F980} and \\ and \n".repeat(600),
            list: (0..50).collect(),
            names: vec!["one".into(), "two".into()],
            loggers: (0..40).map(bind).collect(),
            contexts: (0..40).map(ambient).collect(),
            task: Mutex::new(Box::pin(log_when_polled(engine.logger()).in_context(ambient(7)))),
            start: Start::now(),
            propagation: Propagation::new().lenient(true).trust(Trust::Always),
            request_ids: RequestIds::new(),
            traces: TRACES.map(|id| log.bind(fields! { trace_id = id })),
            limited: Engine::start(
                Config::new()
                    .sampling(Sampling::new().limit(1, Duration::from_secs(86_400)).unwrap())
                    .output(Output::custom(ringseal::sink::memory::MemorySink::new())),
            )
            .unwrap(),
        }
    }

    /// Calls of sites that are sampled; three of them are kept.
    fn log_sampled(&self, engine: &Engine, turn: u64) {
        for (log, id) in self.traces.iter().zip(TRACES) {
            info!(target: "sampled::half", log, "bound", turn, text = %self.map.len());
            info!(target: "sampled::half", engine, "own", turn, trace_id = id);
        }
        info!(target: "sampled::many", engine, "many", turn);
        info!(target: "sampled::few", engine, "few", turn);
        info!(self.limited, "limited", turn);
        info!(self.limited, "limited with its own", turn, trace_id = TRACES[0]);
    }

    fn log(&self, engine: &Engine, turn: u64) {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        info!(
            engine,
            "scalars",
            a = 1,
            b = -1_i64,
            c = u64::MAX,
            d = i128::MIN,
            e = u128::MAX,
            f = 1.5,
            g = f32::MIN,
            h = true,
            i = 'x',
            j = "text",
            k = (),
            l = Some(3),
            m = f64::NAN
        );
        info!(
            engine,
            "others",
            a = b"by\xFFtes",
            b = Duration::from_millis(1500),
            c = SystemTime::UNIX_EPOCH,
            d = IpAddr::from(Ipv6Addr::LOCALHOST),
            e = peer,
            f = Uuid([7; 16]),
            g = Number("1.10"),
            h = self.long,
            i = turn
        );
        warn!(engine, "formatted", peer = %peer, state = ?Some(peer), list = ?self.list);
        error!(engine, "failed", error = &self.failure, boxed = self.boxed);
        let inner = Map(&[("id", &42), ("name", &"ada")]);
        info!(
            engine,
            "trees",
            list = self.list,
            names = self.names,
            array = [1, 2, 3],
            user = Map(&[("id", &7), ("inner", &inner)]),
            counts = self.map
        );
        info!(
            engine,
            "personal",
            mail = Pii::email("ann@example.com"),
            sanitized = Sanitized("a\nb"),
            secret = Secret::new("s3cr3t"),
            password = "hunter2",
            pin = 1234,
            note = "card 4111 1111 1111 1111, call (402) 555-1212 or ann@example.com",
            json = r#"{"password":"x","to":["ann@example.com"]}"#,
            map = Map(&[("token", &"abcdef0123456789"), ("ann@example.com", &1)])
        );
        self.log_sampled(engine, turn);
        // More contexts than a lane remembers.
        for log in &self.loggers {
            info!(log, "bound", turn, trace_id = "its own wins");
        }
        self.log_in_scopes(engine, turn);
        self.log_requests(engine, turn);
        self.log_foreign(turn);
        support::typed_events::log(engine, turn);
    }

    /// Events of another logging interface: in the order of the site's keys, and in another order.
    fn log_foreign(&self, turn: u64) {
        let site = self.site;
        site.emit(&self.loggers[0], &|event| {
            event.field("message", &DisplayValue(format_args!("turn {turn} of many")));
            event.field("turn", &turn);
        });
        site.emit(&self.loggers[0], &|event| {
            event.field("turn", &turn);
            event.field("message", &"in another order");
        });
    }

    /// Requests with valid and invalid headers: ids, and headers of calls.
    fn log_requests(&self, engine: &Engine, turn: u64) {
        for headers in REQUESTS {
            let trace = self.propagation.receive(*headers, None);
            let id = self.request_ids.of_request(*headers);
            let state = trace.state().with_front("ringseal", id.as_str()).unwrap_or_default();
            let outgoing = trace.with_state(state).outgoing();
            let new = [NewRequestId::UuidV4, NewRequestId::UuidV7, NewRequestId::Hex];
            std::hint::black_box(new.map(NewRequestId::generate));
            trace.correlation().run(|| {
                info!(engine, "request", turn, id, parent = %trace.span(), state = outgoing.tracestate());
            });
        }
    }

    /// Events with a correlation, in an ambient context, and with both contexts.
    fn log_in_scopes(&self, engine: &Engine, turn: u64) {
        for (context, log) in self.contexts.iter().zip(&self.loggers) {
            context.run(|| {
                info!(log, "both contexts", turn);
                IDS.run(|| info!(engine, "ambient and ids", turn));
            });
        }
        let mut task = self.task.lock().unwrap();
        assert!(task.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
        IDS.run(|| {
            info!(engine, "correlated", turn, none = Maybe(None::<u64>), some = Maybe(Some(1)));
            info!(engine, "formatted", turn = %turn, duration_ms = since(self.start));
            info!(self.loggers[0], "own id", turn, trace_id = "own");
            info!(target: "sampled::many", engine, "sampled", turn);
        });
        self.contexts[0].run(|| {
            let span = span!(engine, "work", turn, names = ?self.names);
            span.run(|| span!(level: Warn, engine, "inner", text = %turn).fail(&self.failure));
        });
    }
}

/// Lines of one turn.
const LINES: usize = 49 + 2 * 40 + 1 + 4 + 5 + REQUESTS.len() + 2 + 4;

fn steady_state(timestamps: Timestamps, format: Format) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let file = FileConfig::new(&path).rotate_bytes_max(0).rotate_every(RotateEvery::Never);
    let now = ringseal::system::Clock::now(&ringseal::system::SystemClock);
    let [is_counting, counts] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let file = FileSink::open(file, now).unwrap();
    let sink = Marking { file, is_counting: Arc::clone(&is_counting), counts: Arc::clone(&counts) };
    let engine = Engine::start(
        Config::new()
            .output(Output::custom(sink).format(format).level(Level::Trace))
            .timestamps(timestamps)
            .sampling(sampling())
            .ring_bytes(8 << 20)
            .overflow([Overflow::Wait(Duration::from_secs(20)); Level::COUNT]),
    )
    .unwrap();
    let producers = 2;
    let barrier = std::sync::Barrier::new(producers + 1);
    std::thread::scope(|scope| {
        for _ in 0..producers {
            scope.spawn(|| {
                let values = Values::new(&engine);
                for turn in 0..60 {
                    values.log(&engine, turn);
                }
                barrier.wait();
                barrier.wait();
                WHO.set(Who::Producer);
                for turn in 0..60 {
                    values.log(&engine, turn);
                }
                WHO.set(Who::Nobody);
                barrier.wait();
            });
        }
        barrier.wait();
        engine.flush().unwrap();
        is_counting.store(true, Ordering::SeqCst);
        barrier.wait();
        barrier.wait();
        support::wait_until("the writer has written everything", || {
            let text = std::fs::read(&path).unwrap();
            // The layout of the Elastic Common Schema reports fields that do not fit it, before the count starts.
            let is_event =
                |line: &&[u8]| memchr::memmem::find(line, b"ringseal.ecs_misfit").is_none();
            let lines = text.split_inclusive(|byte| *byte == b'\n').filter(is_event).count();
            lines == producers * 2 * 60 * LINES
        });
        // A request allocates its answer.
        is_counting.store(false, Ordering::SeqCst);
        support::wait_until("the writer has noticed", || !counts.load(Ordering::SeqCst));
        engine.flush().unwrap();
    });
    let metrics = engine.metrics();
    assert_eq!((metrics.lost.total(), metrics.record_errors), (0, 0));
    assert_eq!(metrics.sampled_out.of(Level::Info), producers as u64 * 2 * 60 * 3);
    drop(engine);
    if format == Format::Json {
        assert_eq!(support::events_of(&path).len(), producers * 2 * 60 * LINES);
    }
}

#[test]
fn neither_producers_nor_the_writer_allocate_once_warm() {
    for (who, counter) in [(Who::Producer, &PRODUCER), (Who::Writer, &WRITER)] {
        WHO.set(who);
        std::hint::black_box(Vec::<u8>::with_capacity(10));
        WHO.set(Who::Nobody);
        assert_eq!(counter.load(Ordering::SeqCst), 1, "the allocator counts at all");
    }
    let formats = Format::ALL.iter().map(|format| (Timestamps::Exact, *format));
    for (timestamps, format) in formats.chain([(Timestamps::Coarse, Format::Json)]) {
        let (producer, writer) = (PRODUCER.load(Ordering::SeqCst), WRITER.load(Ordering::SeqCst));
        steady_state(timestamps, format);
        let producer = PRODUCER.load(Ordering::SeqCst) - producer;
        let writer = WRITER.load(Ordering::SeqCst) - writer;
        assert_eq!((producer, writer), (0, 0), "{timestamps:?} {format:?}: (producer, writer)");
    }
}

/// In the child: only log calls happen between two marks, which are system calls themselves.
fn log_between_marks(place: &std::path::Path) {
    let config = Config::new().sampling(sampling());
    let engine = Engine::start(config.file(place.join("app.log")).ring_bytes(16 << 20)).unwrap();
    let values = Values::new(&engine);
    values.log(&engine, 0);
    let _ = std::fs::metadata("/mark/begin");
    for turn in 0..100 {
        values.log(&engine, turn);
    }
    let _ = std::fs::metadata("/mark/end");
}

#[test]
fn an_enabled_call_makes_no_system_call() {
    if let Some((_, place)) = support::role() {
        return log_between_marks(&place);
    }
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let plain = support::child("an_enabled_call_makes_no_system_call", "strace", dir.path());
    let mut traced = std::process::Command::new("strace");
    traced.args(["-f", "-qq", "-o"]).arg(&trace).arg(plain.get_program()).args(plain.get_args());
    traced.envs(plain.get_envs().filter_map(|(key, value)| Some((key, value?))));
    match traced.output() {
        Ok(output) if output.status.success() => {}
        other => return println!("skipped: strace cannot be used here: {other:?}"),
    }
    let trace = std::fs::read_to_string(trace).unwrap();
    let begin = trace.lines().find(|line| line.contains("/mark/begin")).expect("the first mark");
    let thread = begin.split(' ').next().unwrap();
    let calls: Vec<&str> = trace
        .lines()
        .filter(|line| line.split(' ').next() == Some(thread))
        .skip_while(|line| !line.contains("/mark/begin"))
        .take_while(|line| !line.contains("/mark/end"))
        .skip(1)
        .filter(|line| !line.contains("resumed>"))
        .collect();
    assert_eq!(calls, [] as [&str; 0]);
}
