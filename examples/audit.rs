//! An audit log beside the application's log: entries are chained, and survive power loss once they are acknowledged.
use ringseal::audit::{Actor, AuditEvent, EventOutcome, Target};
use ringseal::{AuditConfig, Config, fields};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("ringseal-audit-{}", std::process::id()));
    let config = Config::new().file(dir.join("app.log")).audit(AuditConfig::new(dir.join("audit")));
    let engine = ringseal::init(config)?;

    // Entries carry the ids that are bound to the logger.
    let log = engine.logger().bind(fields! { request_id = "r-17" });
    let audit = log.audit().expect("an audit log is configured");
    audit.emit(&AuditEvent::login(Actor::user("u-17"), EventOutcome::Success))?;
    let session = Target::new("session", "s-4");
    audit.emit(&AuditEvent::login(Actor::user("u-18"), EventOutcome::Denied).target(session))?;
    engine.stop()?; // returns when the log is sealed and synced

    let active = dir.join("audit").join(ringseal::audit::store::names::ACTIVE);
    let logins = |outcome: &str| {
        let text = std::fs::read_to_string(&active).unwrap_or_default();
        let is_login = |line: &&str| line.contains("user.login") && line.contains(outcome);
        text.lines().filter(is_login).count()
    };
    println!("logins: {} granted, {} denied", logins("\"success\""), logins("\"denied\""));
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
