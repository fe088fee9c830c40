//! What a folder's file system is like: how much room it has, and whether it is another machine's.

use std::io;
use std::path::Path;

use nix::sys::statvfs::statvfs;

/// A file system, as it was when somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Bytes that we may still write.
    pub free: u64,
    /// What kind of network file system it is, if it can be told that it is one.
    pub network: Option<&'static str>,
}

/// Looks at the file system of a folder or file.
///
/// # Errors
/// What the operating system says, such as that nothing is there.
pub fn volume_of(path: &Path) -> io::Result<Volume> {
    let found = statvfs(path)?;
    // Their width differs between systems.
    #[allow(clippy::useless_conversion, reason = "their width differs between systems")]
    let (blocks, size) = (u64::from(found.blocks_available()), u64::from(found.fragment_size()));
    Ok(Volume { free: blocks.saturating_mul(size), network: network(path)? })
}

/// The kinds whose locks and shared memory cannot be relied upon, by the number that Linux has for
/// each. What a program of the user's own serves (FUSE) may be anywhere, and is not in the list.
#[cfg(target_os = "linux")]
const NETWORK: [(u64, &str); 8] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
];

#[cfg(target_os = "linux")]
fn network(path: &Path) -> io::Result<Option<&'static str>> {
    let kind = nix::sys::statfs::statfs(path)?.filesystem_type().0;
    // Some systems have it signed and 32 bits wide.
    let kind = i128::from(kind) & 0xffff_ffff;
    Ok(NETWORK.into_iter().find(|(number, _)| i128::from(*number) == kind).map(|(_, name)| name))
}

#[cfg(not(target_os = "linux"))]
fn network(_: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_ours_has_room_and_a_missing_one_is_an_error() {
        let place = tempfile::tempdir().expect("a folder");
        assert!(volume_of(place.path()).expect("looked").free > 0);
        let missing = volume_of(&place.path().join("missing")).expect_err("nothing there");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_kernel_serves_itself_is_no_network_file_system() {
        assert_eq!(volume_of(Path::new("/proc")).expect("looked").network, None);
    }
}
