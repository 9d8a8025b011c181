//! Clocks that no entry can express: the entries are well-formed, and waiting calls return.
use super::*;
use ringseal_base::clock::{Now, SystemClock};

/// The system's clock, set to another time; saturates as the system's does.
#[derive(Debug)]
struct SetClock {
    offset: i128,
}

impl SetClock {
    /// A clock that shows this time now.
    fn at(unix_nanos: i128) -> Arc<SetClock> {
        Arc::new(SetClock { offset: unix_nanos - i128::from(SystemClock.unix_nanos()) })
    }

    fn shift(&self, unix_nanos: i64) -> i64 {
        let shifted = i128::from(unix_nanos) + self.offset;
        shifted.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

impl Clock for SetClock {
    fn ticks(&self) -> u64 {
        SystemClock.ticks()
    }

    fn unix_nanos(&self) -> i64 {
        self.shift(SystemClock.unix_nanos())
    }

    fn nanos_per_tick(&self) -> Option<f64> {
        SystemClock.nanos_per_tick()
    }

    fn now(&self) -> Now {
        let now = SystemClock.now();
        Now { unix_nanos: self.shift(now.unix_nanos), ..now }
    }
}

const SECOND: i128 = 1_000_000_000;
/// The first second of 2262.
const YEAR_2262: i128 = 9_214_646_400 * SECOND;

#[test]
fn no_clock_makes_a_wait_time_out() {
    let cases = [
        ("the last half second of the format", YEAR_2262 - SECOND / 2, "2261-12-31T23:59:59."),
        ("beyond the format", YEAR_2262 + 86_400 * SECOND, "2261-12-31T23:59:59.999999999Z"),
        ("the end of 64 bits", i64::MAX.into(), "2261-12-31T23:59:59.999999999Z"),
        (
            "beyond 64 bits",
            i128::from(i64::MAX) + 86_400 * SECOND,
            "2261-12-31T23:59:59.999999999Z",
        ),
        ("before 1970", -86_400 * SECOND, "1970-01-01T00:00:00.000000000Z"),
        ("before 64 bits", i128::from(i64::MIN) - SECOND, "1970-01-01T00:00:00.000000000Z"),
    ];
    for (name, unix_nanos, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..2 {
            let audit = AuditConfig::new(dir.path()).wait_max(Duration::from_secs(20));
            let config = Config::new()
                .panic_hook(false)
                .output(Output::custom(MemorySink::new()))
                .audit(audit);
            let engine = Engine::start(config.clock_for_tests(SetClock::at(unix_nanos))).unwrap();
            let audit = engine.audit().unwrap();
            for number in 0..5 {
                let waited = audit.emit(&login(&format!("u-{number}"))).unwrap().wait();
                assert!(waited.is_ok(), "{name}: {waited:?}");
            }
            audit.checkpoint().unwrap();
            audit.rotate().unwrap();
            engine.stop().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(events(dir.path()).len(), 5 * (round + 1), "{name}");
        }
        for event in events(dir.path()) {
            assert!(event["timestamp"].as_str().unwrap().starts_with(expected), "{name}: {event}");
        }
        let report = verdict(dir.path(), &dir.path().join("audit.pub"));
        assert_eq!(report.first_bad, None, "{name}: {:?}", report.problem);
    }
}
