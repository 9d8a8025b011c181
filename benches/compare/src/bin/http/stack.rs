//! The candidates: a layer, and where its lines go.
//!
//! Each logs one line for a request with its id, method, path, status and duration, and sends the id back. Settings are
//! those for speed without loss: tower-http has no event for the start of a request, and JSON lines have the current
//! span, in which method, path and id are, and no list of spans.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use http::Request;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use ringseal::sink::file::{FileConfig, RotateEvery};
use ringseal::{Config, Engine, Output};
use ringseal_tower::HttpLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::{DefaultOnResponse, HttpMakeClassifier, TraceLayer};
use tracing::Span;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;

/// A candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// The service alone.
    Bare,
    /// ringseal's layer with its defaults, and an engine that redacts and writes a file.
    Ringseal,
    /// tower-http's layers; JSON lines of tracing-subscriber go through tracing-appender without loss.
    TowerHttp,
    /// The layer of axum-tracing-opentelemetry; its spans end at an exporter that does nothing.
    OpenTelemetry,
}

impl Stack {
    pub const ALL: [Stack; 4] =
        [Stack::Bare, Stack::Ringseal, Stack::TowerHttp, Stack::OpenTelemetry];

    /// The name in the records.
    pub const fn name(self) -> &'static str {
        match self {
            Stack::Bare => "bare service",
            Stack::Ringseal => "ringseal-tower",
            Stack::TowerHttp => "tower-http, JSON and appender",
            Stack::OpenTelemetry => "axum-tracing-opentelemetry, no line",
        }
    }

    /// Whether responses have the header `x-request-id`.
    pub const fn has_ids(self) -> bool {
        matches!(self, Stack::Ringseal | Stack::TowerHttp)
    }

    /// Starts what the layer needs. Threads are on the core of the caller.
    pub fn start(self, dir: &Path) -> Result<Started, String> {
        match self {
            Stack::Bare => Ok(Started::Nothing),
            Stack::Ringseal => {
                // One file, however many lines are counted in it.
                let file = FileConfig::new(file(dir)).rotate_bytes_max(0);
                let file = file.rotate_every(RotateEvery::Never);
                let config = Config::new()
                    .filter("info,boot=off,ringseal=off".parse().map_err(|e| format!("{e}"))?)
                    .panic_hook(false)
                    .ring_bytes(4 << 20)
                    .output(Output::file(file));
                Engine::start(config).map(Started::Ringseal).map_err(|e| e.to_string())
            }
            Stack::TowerHttp => {
                let appender = tracing_appender::rolling::never(dir, FILE);
                let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(appender);
                let format = tracing_subscriber::fmt().json().flatten_event(true);
                let format = format.with_current_span(true).with_span_list(false);
                install(format.with_writer(writer).finish())?;
                Ok(Started::Tracing(guard))
            }
            Stack::OpenTelemetry => {
                let exported = Arc::new(AtomicU64::new(0));
                let exporter = Discard(Arc::clone(&exported));
                let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
                let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("compare"));
                install(tracing_subscriber::registry().with(layer))?;
                Ok(Started::OpenTelemetry(provider, exported))
            }
        }
    }
}

const FILE: &str = "http.log";

/// The file with the lines of a candidate.
pub fn file(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

fn install(subscriber: impl Into<tracing::Dispatch>) -> Result<(), String> {
    tracing::dispatcher::set_global_default(subscriber.into()).map_err(|e| e.to_string())
}

/// What must live while requests are served.
pub enum Started {
    Nothing,
    Ringseal(Engine),
    Tracing(WorkerGuard),
    OpenTelemetry(SdkTracerProvider, Arc<AtomicU64>),
}

/// What a candidate has written about requests.
pub enum Written {
    Nothing,
    /// Lines of JSON.
    Lines(String),
    /// The number of spans that were passed to the exporter.
    Spans(u64),
}

impl Started {
    /// Ends it, and returns what it has written.
    pub fn finish(self, file: &Path) -> Result<Written, String> {
        match self {
            Started::Nothing => return Ok(Written::Nothing),
            Started::Ringseal(engine) => engine.stop().map_err(|e| e.to_string())?,
            Started::Tracing(guard) => drop(guard),
            Started::OpenTelemetry(provider, exported) => {
                provider.shutdown().map_err(|e| e.to_string())?;
                return Ok(Written::Spans(exported.load(Ordering::Relaxed)));
            }
        }
        std::fs::read_to_string(file)
            .map(Written::Lines)
            .map_err(|e| format!("{}: {e}", file.display()))
    }
}

/// An exporter that does nothing but count.
#[derive(Debug)]
struct Discard(Arc<AtomicU64>);

impl SpanExporter for Discard {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.0.fetch_add(batch.len() as u64, Ordering::Relaxed);
        std::future::ready(Ok(()))
    }
}

/// ringseal's layer.
pub fn ringseal_layer(engine: &Engine) -> HttpLayer {
    HttpLayer::new(engine.logger())
}

/// Makes the span of a request.
type MakeSpan<B> = fn(&Request<B>) -> Span;

/// tower-http's layers, the outermost first.
type TowerHttpLayers<B> = (
    SetRequestIdLayer<MakeRequestUuid>,
    TraceLayer<HttpMakeClassifier, MakeSpan<B>>,
    PropagateRequestIdLayer,
);

/// The layers of tower-http, as its documentation puts them together.
pub fn tower_http_layers<B>() -> TowerHttpLayers<B> {
    let trace = TraceLayer::new_for_http().make_span_with(span_with_id as MakeSpan<B>);
    let trace = trace.on_response(DefaultOnResponse::new().level(tracing::Level::INFO));
    let set = SetRequestIdLayer::x_request_id(MakeRequestUuid);
    (set, trace, PropagateRequestIdLayer::x_request_id())
}

/// The span of tower-http with the id of the request.
fn span_with_id<B>(request: &Request<B>) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    tracing::info_span!(
        "request",
        method = %request.method(),
        uri = %request.uri(),
        version = ?request.version(),
        request_id = id,
    )
}

/// The layer of axum-tracing-opentelemetry with its defaults.
pub fn opentelemetry_layer() -> OtelAxumLayer {
    OtelAxumLayer::default()
}
