//! Targets without number take a bounded memory: their events are logged by a slower way, and counted.
use log::{Level, Log, Record};
use ringseal::testing::Capture;
use ringseal_log::Bridge;

#[test]
fn targets_without_number_are_logged_and_counted() {
    let (engine, capture) = Capture::start();
    let log = Bridge::new(engine.logger());
    let write = |target: &str, level, id: u32| {
        let pairs = [("id", log::kv::Value::from(id))];
        let mut record = Record::builder();
        record.level(level).target(target).file_static(Some(file!())).line(Some(1));
        record.module_path_static(Some(module_path!())).key_values(&pairs);
        log.log(&record.args(format_args!("of {target}")).build());
    };
    (0..2000).for_each(|id| write(&format!("target{id}"), Level::Info, id));
    let without = ringseal_log::events_without_site();
    assert!((1..2000).contains(&without), "{without}");
    let events = capture.events();
    assert_eq!(events.len(), 2000);
    for (id, event) in events.iter().enumerate() {
        let target = format!("target{id}");
        assert_eq!((event.text("target"), event.text("id")), (&*target, &*id.to_string()));
        assert_eq!(event.name(), format!("of {target}"));
    }
    engine.set_filter("info".parse().unwrap());
    write("yet another", Level::Debug, 0);
    assert_eq!(ringseal_log::events_without_site(), without, "a disabled event is not logged");
    // Those with the target of their module have a site.
    write(module_path!(), Level::Info, 7);
    assert_eq!(ringseal_log::events_without_site(), without);
    assert_eq!(capture.events_named(&format!("of {}", module_path!())).len(), 1);
}
