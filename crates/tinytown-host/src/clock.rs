//! How long this machine has been up, for judging whether what was ours for a time still is.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The clock that counts suspend. Rust's and tokio's `Instant` stand still meanwhile on Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
/// The nearest thing elsewhere; macOS' goes on in its sleep.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

/// The time since a fixed point of this boot, suspend included. Setting the wall clock does not move
/// it, and it never goes back.
pub fn uptime() -> Duration {
    clock_gettime(CLOCK).expect("every kernel that we run on has this clock").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_since_boot_goes_forward_only() {
        let readings: Vec<Duration> = std::iter::repeat_with(uptime).take(1000).collect();
        assert!(readings.is_sorted());
        assert!(readings[0] > Duration::ZERO);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_time_since_boot_is_what_the_kernel_calls_uptime() {
        let told = std::fs::read_to_string("/proc/uptime").expect("the kernel tells it");
        let told: f64 = told.split_whitespace().next().expect("seconds").parse().expect("a number");
        let read = uptime().as_secs_f64();
        assert!(read >= told - 0.1, "{read} is before {told}: it does not count suspend");
    }
}
