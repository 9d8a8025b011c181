//! Lines of some formats must have a trace id; the global engine then gives one to each thread and context. A
//! separate test program, because that applies to the whole process.
use ringseal::{Config, Context, Format, Output, info};

#[test]
fn each_context_gets_its_own_trace() {
    let sink = ringseal::sink::memory::MemorySink::new();
    let log = sink.log();
    let output = Output::custom(sink).format(Format::DashtamCi);
    let engine = ringseal::init(Config::new().output(output)).unwrap();
    info!("first", thread = 1);
    info!("second", thread = 1);
    let other = std::thread::spawn(|| info!("third", thread = 2));
    other.join().unwrap();
    for job in 0..2 {
        Context::new().run(|| {
            info!("job_started", job);
            Context::current().child().run(|| info!("job_done", job));
        });
    }
    engine.flush().unwrap();
    let lines = log.lines();
    let trace_of = |part: &str| -> Vec<String> {
        let of = |line: &String| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["trace_id"].as_str().expect("a trace id").to_owned()
        };
        lines.iter().filter(|line| line.contains(part)).map(of).collect()
    };
    let (first, third) = (trace_of("\"thread\":1"), trace_of("\"thread\":2"));
    assert_eq!((first.len(), third.len()), (2, 1));
    assert!(first[0] == first[1] && first[0] != third[0]);
    let jobs = [trace_of("\"job\":0"), trace_of("\"job\":1")];
    assert!(jobs.iter().all(|ids| ids.len() == 2 && ids[0] == ids[1]), "{jobs:?}");
    assert!(jobs[0][0] != jobs[1][0] && jobs[0][0] != first[0]);
    assert!(first[0].as_bytes()[12] == b'7', "a UUID, version 7");
}
