//! Contexts in a service: three requests put a job each into a queue, and another thread runs the jobs on tokio.
//!
//! `cargo run -p ringseal-examples --bin context` prints the log. Every line has the ids of the request it belongs to:
//! the trace of the request goes through the queue with the job, each job begins a new span in it, and what a job
//! spawns keeps its ids.
use std::sync::mpsc::{Receiver, channel};

use ringseal::{
    Context, Snapshots, WithContext, WithSpan, correlation_id, fields, in_current_context, info,
    span,
};

/// A job in the queue: its context is a text, so that the queue may be one between processes.
#[derive(Debug)]
struct Job {
    file: &'static str,
    context: String,
}

/// Carries the tenant besides the correlation id.
fn snapshots() -> Snapshots {
    Snapshots::new().keys(["tenant"])
}

/// One request: authenticates, and puts a job into the queue.
fn request(file: &'static str, tenant: &'static str) -> Job {
    Context::new().child().run(|| {
        correlation_id::bind(format!("request-{tenant}"));
        // ringseal-lint: allow(log-before-bind): the tenant is known only after authentication
        info!("request_received", file);
        // After authentication; all later events of the request have it.
        Context::add(fields! { tenant });
        info!("job_queued", file);
        Job { file, context: snapshots().take(&Context::current()) }
    })
}

/// The work of a job: another task and a blocking thread, both in its context.
async fn convert(file: &'static str) {
    let reading = async move {
        info!("file_read", file);
        tokio::task::yield_now().await;
        info!("file_parsed", file);
    };
    let reading = tokio::spawn(reading.in_current_context());
    let hashing = in_current_context(move || info!("file_hashed", file));
    let hashing = tokio::task::spawn_blocking(hashing);
    // Both were spawned in the context of this job, so both log with its ids.
    for result in [reading.await, hashing.await] {
        if let Err(error) = result {
            ringseal::error!("job_failed", file, error = &error);
        }
    }
}

/// Takes jobs out of the queue and runs them at the same time.
async fn run_jobs(queue: Receiver<Job>) {
    let mut running = Vec::new();
    for Job { file, context } in queue {
        // A job whose snapshot cannot be read runs in a new trace.
        let context = snapshots().restore(&context).unwrap_or_else(|error| {
            ringseal::warn!("context_not_restored", error = &error);
            Context::new().child()
        });
        let job = context.run(|| {
            convert(file).in_span(span!(kind: Consumer, "job.convert", file)).in_current_context()
        });
        running.push(tokio::spawn(job));
    }
    for job in running {
        if let Err(error) = job.await {
            ringseal::error!("job_failed", error = &error);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _engine = ringseal::init(ringseal::Config::from_env()?)?;
    let (sender, queue) = channel();
    for (file, tenant) in [("a.csv", "acme"), ("b.csv", "globex"), ("c.csv", "initech")] {
        sender.send(request(file, tenant))?;
    }
    drop(sender);
    let worker = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(run_jobs(queue));
        Ok::<(), std::io::Error>(())
    });
    worker.join().map_err(|_| "the worker panicked")??;
    Ok(())
}
