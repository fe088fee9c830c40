//! Where a worker runs, as the roster has it, and whether it still does.
//!
//! The roster's `boot` holds the boot and the number space of process ids: containers on one
//! machine share a boot, but not their numbers.

use std::path::Path;

use tinytown_core::roster::Place;
use tinytown_host::process::{Fate, ProcessError, ProcessId, host_name};

/// The calling process, with the folder of its run files.
///
/// # Errors
/// [`ProcessError`] if the host or the process cannot be named.
pub fn here(runs: &Path) -> Result<Place, ProcessError> {
    let me = ProcessId::current()?;
    Ok(Place {
        host: host_name()?,
        boot: format!("{}/{}", me.boot_id, me.pid_namespace),
        pid: me.pid,
        started: me.start_time,
        runs: runs.display().to_string(),
    })
}

/// The process of a worker, if its place was written by [`here`].
pub fn process(place: &Place) -> Option<ProcessId> {
    let (boot_id, pid_namespace) = place.boot.split_once('/')?;
    let pid_namespace = pid_namespace.parse().ok()?;
    Some(ProcessId { boot_id: boot_id.to_owned(), pid_namespace, pid: place.pid, start_time: place.started })
}

/// Whether a worker runs, as far as can be told from here: of another host, or of another container
/// on this one, nothing can. What ran on this host before it was booted again has ended.
pub fn fate(place: &Place) -> Fate {
    let (Some(worker), Ok(me), Ok(host)) = (process(place), ProcessId::current(), host_name()) else {
        return Fate::Unknown;
    };
    match worker.fate() {
        Fate::Unknown if host == place.host && me.boot_id != worker.boot_id => Fate::Gone,
        fate => fate,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn mine() -> Place {
        here(Path::new("/runs")).expect("we run")
    }

    #[test]
    fn we_are_alive_and_a_predecessor_with_our_number_is_gone() {
        assert_eq!(fate(&mine()), Fate::Alive);
        assert_eq!(fate(&Place { started: mine().started - 1, ..mine() }), Fate::Gone);
    }

    #[test]
    fn an_earlier_boot_of_this_host_is_gone_and_of_others_nothing_is_known() {
        let earlier = Place { boot: "another-boot/1".to_owned(), ..mine() };
        assert_eq!(fate(&earlier), Fate::Gone);
        assert_eq!(fate(&Place { host: "elsewhere".to_owned(), ..earlier }), Fate::Unknown);
        assert_eq!(fate(&Place { boot: "unreadable".to_owned(), ..mine() }), Fate::Unknown);
        let boot = mine().boot.split_once('/').map(|(boot, _)| format!("{boot}/1")).expect("has two parts");
        assert_eq!(fate(&Place { boot, ..mine() }), Fate::Unknown, "another container");
    }
}
