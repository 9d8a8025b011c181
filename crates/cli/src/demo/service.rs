//! The demo's service: threads that process orders and log each step.
//!
//! Every event carries a number from its thread (`seq`), by which the check finds missing, duplicate and reordered
//! events.
use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ringseal::LevelCounts;
use ringseal::value::{Map, Uuid};
use ringseal::{Level, Logger, critical, debug, error, fields, info, trace, warn};

use super::notes::Notes;
use crate::histogram::Histogram;
use crate::stopwatch::ticks;

/// One call in this many is timed. A prime, so that every kind of event is timed.
pub(super) const SAMPLED_ONE_IN: u32 = 17;
/// Prefix of the targets of all its events.
pub(super) const TARGET: &str = "ringseal_demo";

/// The result of one thread.
#[derive(Debug, Default)]
pub(super) struct WorkerResult {
    /// Log calls made, by level.
    pub(super) calls: LevelCounts,
    /// Durations of the timed calls in ticks.
    pub(super) latency: Histogram,
}

/// One thread of the service.
pub(super) struct Worker<'s> {
    logger: Logger,
    number: u64,
    seq: u64,
    random: u64,
    until_sample: u32,
    /// Events per second of this thread.
    rate: Option<f64>,
    stop: &'s AtomicBool,
    /// Takes the number of calls that have returned, for a check after a kill.
    noted: Option<&'s Notes>,
    done: WorkerResult,
}

/// One order and its sender.
struct Order {
    id: Uuid,
    peer: SocketAddr,
    client: IpAddr,
    quantity: i32,
    price: f64,
    weight_kg: f32,
    coupon: Option<&'static str>,
    symbol: &'static str,
    is_express: bool,
    placed_at: SystemTime,
    took: Duration,
    items: [u32; 4],
    state: State,
}

#[derive(Debug, Clone, Copy)]
#[expect(dead_code, reason = "read by its Debug")]
enum State {
    Accepted,
    Reserved { shelf: u16 },
    Shipped(u8),
}

/// An error with a chain of two causes.
#[derive(Debug)]
struct PaymentError {
    order: u64,
    cause: GatewayError,
}

#[derive(Debug)]
struct GatewayError(std::io::Error);

impl fmt::Display for PaymentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "payment of order {} failed", self.order)
    }
}

impl Error for PaymentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the gateway did not answer")
    }
}

impl Error for GatewayError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl<'s> Worker<'s> {
    pub(super) fn new(
        logger: Logger,
        number: u64,
        rate: Option<f64>,
        stop: &'s AtomicBool,
    ) -> Self {
        let random = 0x9E37_79B9_7F4A_7C15 ^ (number + 1);
        let done = WorkerResult::default();
        Self { logger, number, seq: 0, random, until_sample: 0, rate, stop, noted: None, done }
    }

    /// Notes each call that has returned.
    pub(super) fn noting(mut self, noted: Option<&'s Notes>) -> Self {
        self.noted = noted;
        self
    }

    /// Processes orders until it is stopped.
    pub(super) fn run(mut self) -> WorkerResult {
        self.logger.prepare_thread();
        let start = Instant::now();
        let mut requests = 0_u64;
        // ORDER: relaxed; the flag only ends the loop.
        while !self.stop.load(Ordering::Relaxed) {
            self.handle_request(requests);
            requests += 1;
            self.pace(start);
        }
        self.done
    }

    /// Sleeps while this thread is ahead of its rate.
    fn pace(&self, start: Instant) {
        let Some(rate) = self.rate else { return };
        let due = Duration::from_secs_f64(self.seq as f64 / rate);
        // In short steps, so that a low rate does not delay the end.
        while let Some(early) = due.checked_sub(start.elapsed()).filter(|early| !early.is_zero()) {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(early.min(Duration::from_millis(20)));
        }
    }

    /// Makes a log call, counts it, and times one in [`SAMPLED_ONE_IN`].
    #[inline(always)]
    fn log(&mut self, level: Level, call: impl FnOnce(u64)) {
        let seq = self.seq;
        self.seq += 1;
        self.done.calls.0[level as usize] += 1;
        if self.until_sample > 0 {
            self.until_sample -= 1;
            call(seq);
            return self.note();
        }
        self.until_sample = SAMPLED_ONE_IN - 1;
        let start = ticks();
        call(seq);
        self.done.latency.record(ticks().wrapping_sub(start));
        self.note();
    }

    #[inline(always)]
    fn note(&self) {
        if let Some(noted) = self.noted {
            noted.set(self.number, self.seq);
        }
    }

    fn random(&mut self) -> u64 {
        // xorshift64*, Vigna 2016.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn random_order(&mut self) -> Order {
        const SYMBOLS: [&str; 4] = ["BTC-PERP", "ETHUSD-26DEC", "KWD/USD", "café №7 \"large\""];
        let (a, b) = (self.random(), self.random());
        let mut id = [0; 16];
        id[..8].copy_from_slice(&a.to_le_bytes());
        id[8..].copy_from_slice(&b.to_le_bytes());
        let ip = Ipv4Addr::from((a >> 32) as u32);
        let state = match b % 3 {
            0 => State::Accepted,
            1 => State::Reserved { shelf: b as u16 },
            _ => State::Shipped(b as u8),
        };
        Order {
            id: Uuid(id),
            peer: SocketAddr::from((ip, a as u16)),
            client: if a % 4 == 0 { Ipv6Addr::from(u128::from(b) << 64).into() } else { ip.into() },
            quantity: (a % 2001) as i32 - 1000,
            price: (b % 10_000_000) as f64 / 100.0,
            weight_kg: (a % 1000) as f32 / 8.0,
            coupon: (b % 4 == 0).then_some("SPRING-26"),
            symbol: SYMBOLS[(a >> 20) as usize % SYMBOLS.len()],
            is_express: a % 8 == 0,
            placed_at: SystemTime::now(),
            took: Duration::from_nanos(b % 90_000_000),
            items: [a as u32, b as u32, (a >> 16) as u32 % 100, 7],
            state,
        }
    }

    fn handle_request(&mut self, request: u64) {
        let order = self.random_order();
        let log = self.logger.bind(fields! {
            worker = self.number, trace_id = order.id, user.id = request % 10_007,
            http.request.method = "POST",
        });
        self.log_receipt(&log, &order);
        self.log_processing(&log, &order, request);
        self.log_failures(&log, &order, request);
        self.log(Level::Info, |seq| {
            info!(target: "ringseal_demo::http", log, "request_finished", seq,
                http.response.status_code = 201_u16, duration = order.took, bytes_out = 1834_usize);
        });
    }

    fn log_receipt(&mut self, log: &Logger, order: &Order) {
        self.log(Level::Debug, |seq| {
            debug!(target: "ringseal_demo::http", log, "request_received", seq,
                peer = order.peer, client.ip = order.client, path = "/v2/orders",
                user_agent.original = b"curl/8.5.0");
        });
        self.log(Level::Trace, |seq| {
            trace!(target: "ringseal_demo::orders", log, "basket_parsed", seq,
                items = order.items, weight_kg = order.weight_kg, class = 'B');
        });
    }

    fn log_processing(&mut self, log: &Logger, order: &Order, request: u64) {
        self.log(Level::Info, |seq| {
            info!(target: "ringseal_demo::orders", log, "order_filled", seq, order_id = order.id,
                symbol = order.symbol, qty = order.quantity, price = order.price);
        });
        self.log(Level::Info, |seq| {
            info!(target: "ringseal_demo::payments", log, "payment_processed", seq,
                amount = order.price * 3.0, currency = "KWD", coupon = order.coupon,
                is_express = order.is_express, placed_at = order.placed_at);
        });
        self.log(Level::Debug, |seq| {
            debug!(target: "ringseal_demo::stock", log, "stock_reserved", seq,
                state = ?order.state, peer = %order.peer, total = u128::from(seq) << 70,
                basket = Map(&[("lines", &order.items), ("request", &request)]));
        });
    }

    /// Logs warnings and errors, which only some requests have.
    fn log_failures(&mut self, log: &Logger, order: &Order, request: u64) {
        if request % 16 == 3 {
            self.log(Level::Warn, |seq| {
                warn!(target: "ringseal_demo::http", log, "rate_limit_near", seq,
                    current = request % 50, limit = 50, client.address = %order.client);
            });
        }
        if request % 64 == 5 {
            let cause = GatewayError(std::io::ErrorKind::TimedOut.into());
            let failed = PaymentError { order: request, cause };
            self.log(Level::Error, |seq| {
                error!(target: "ringseal_demo::payments", log, "payment_failed", seq,
                    error = &failed, retry = 3);
            });
        }
        if request % 1024 == 7 {
            self.log(Level::Critical, |seq| {
                critical!(target: "ringseal_demo::stock", log, "stock_inconsistent", seq,
                    expected = -1_i64, found = order.quantity, shelf = "B-17\n(top)");
            });
        }
    }
}
