//! Turns in between: recovery gives way to this run's events while their rings fill up.
//!
//! Promises: recovered lines precede this run's lines as long as its rings have room. Once one is half full, the writer
//! takes a turn after each slice of recovery, so no event of this run is lost for the sake of order. Calls, such as a
//! flush, are answered when recovery has ended: what they wait for includes the recovered lines.
use super::Recovering;
use crate::writer::Writer;

impl Writer {
    /// Takes a turn if a ring is half full. Sinks write for this run then: none may be at the lines of a dead one.
    pub(super) fn give_way(&mut self, settings: &Recovering) {
        if self.has_full_ring(settings) {
            self.turn(settings.clock.ticks(), false);
            // The time is not published again before the next turn.
            self.link.coarse.publish(0);
        }
    }

    /// Whether a ring is at least half full.
    pub(super) fn has_full_ring(&mut self, settings: &Recovering) -> bool {
        self.accept_lanes(settings.clock.now());
        #[cfg(test)]
        if let Some(between) = &settings.between {
            (between.0.lock())();
            return true;
        }
        let mut consumers = self.lanes.iter_mut().map(|lane| &mut lane.consumer);
        consumers.any(|consumer| consumer.poll() >= consumer.capacity_bytes() / 2)
    }
}
