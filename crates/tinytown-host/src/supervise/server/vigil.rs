//! Whether whoever started the supervisor still lives, by what it says and when it said it.
//!
//! Judged by the clock that counts suspend, because others judge us by clocks of machines that were
//! awake. A ping counts from when it was said: one that waited in the pipe while we stood still proves
//! nothing about now.
//!
//! If we stood still ourselves (suspended, stopped, starved), then so did most likely whoever pings, and
//! that nothing came proves nothing either: it gets a while, long enough for two pings, to speak up. Else every
//! suspend of a laptop would cost every agent its work. The price: if it died meanwhile without closing
//! the pipe, the command lives so much longer after a resume. It was thawed before anybody could have
//! killed it anyway, and whether it is still wanted is for the living client to find out.

use std::time::Duration;

/// Looks per limit.
const LOOKS: u32 = 8;

/// A watch over one client. All times are of [`crate::clock::uptime`].
pub(super) struct Vigil {
    limit: Duration,
    /// When the newest word was said.
    last: Duration,
    looked: Duration,
    /// Until when silence is not held against it.
    patient_until: Duration,
}

impl Vigil {
    /// A watch over one who certainly lived at this moment.
    pub(super) fn new(limit: Duration, now: Duration) -> Self {
        Self { limit, last: now, looked: now, patient_until: now }
    }

    /// It said something, at this moment.
    pub(super) fn heard(&mut self, said: Duration) {
        self.last = self.last.max(said);
    }

    /// Looks, and says whether it was silent for too long. What waits to be heard is to be heard before.
    pub(super) fn is_over(&mut self, now: Duration) -> bool {
        let moment = self.limit / 2;
        // Four times as long as we meant to sleep.
        if now.saturating_sub(self.looked) > moment {
            self.patient_until = now.saturating_add(moment);
        }
        self.looked = now;
        self.deadline() <= now
    }

    /// How long until the next look.
    pub(super) fn next_look(&self, now: Duration) -> Duration {
        self.deadline().min(self.looked.saturating_add(self.limit / LOOKS)).saturating_sub(now)
    }

    fn deadline(&self) -> Duration {
        self.last.saturating_add(self.limit).max(self.patient_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(800);

    fn at(millis: u64) -> Duration {
        Duration::from_millis(1_000_000 + millis)
    }

    /// Looks whenever it is time to, beginning at `from`, and says at which millisecond it gave up.
    fn gives_up(vigil: &mut Vigil, from: u64) -> u128 {
        let mut now = at(from);
        while !vigil.is_over(now) {
            now += vigil.next_look(now).max(Duration::from_millis(1));
        }
        now.saturating_sub(at(0)).as_millis()
    }

    #[test]
    fn silence_is_borne_for_the_limit() {
        let mut vigil = Vigil::new(LIMIT, at(0));
        assert_eq!(gives_up(&mut vigil, 0), 800);
    }

    #[test]
    fn a_ping_counts_from_when_it_was_said() {
        let mut vigil = Vigil::new(LIMIT, at(0));
        assert!(!vigil.is_over(at(300)));
        vigil.heard(at(200));
        vigil.heard(at(100));
        assert_eq!(gives_up(&mut vigil, 300), 1000);
    }

    #[test]
    fn after_standing_still_silence_is_borne_for_half_the_limit_only() {
        let mut vigil = Vigil::new(LIMIT, at(0));
        assert!(!vigil.is_over(at(100)));
        // It waited in the pipe.
        vigil.heard(at(150));
        assert_eq!(gives_up(&mut vigil, 50_000), 50_400);
    }

    #[test]
    fn one_who_speaks_up_after_we_stood_still_is_believed() {
        let mut vigil = Vigil::new(LIMIT, at(0));
        assert!(!vigil.is_over(at(50_000)));
        vigil.heard(at(50_200));
        assert_eq!(gives_up(&mut vigil, 50_200), 51_000);
    }

    #[test]
    fn standing_still_for_less_shortens_nobodys_time() {
        let mut vigil = Vigil::new(LIMIT, at(0));
        // Asleep from just after a look, for not quite half the limit.
        assert!(!vigil.is_over(at(400)));
        assert_eq!(gives_up(&mut vigil, 400), 800);
    }

    #[test]
    fn a_limit_beyond_all_time_is_never_over() {
        let mut vigil = Vigil::new(Duration::MAX, at(0));
        assert!(!vigil.is_over(at(u64::from(u32::MAX))));
    }
}
