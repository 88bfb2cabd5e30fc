//! Whether the disk has room for spool files.

use std::path::Path;

/// Space that is left to others: the database lies on the same disk as a rule.
const RESERVE_BYTES: u64 = 64 << 20;

/// What is free, in bytes, where that is too little for `wanted_bytes` more; `None` where there is room, or nobody can
/// tell. A folder that cannot be asked has no room.
#[cfg(unix)]
pub(super) fn lacking(directory: Option<&Path>, wanted_bytes: u64) -> Option<u64> {
    let system = std::env::temp_dir();
    let free_bytes =
        rustix::fs::statvfs(directory.unwrap_or(&system)).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    (free_bytes < wanted_bytes.saturating_add(RESERVE_BYTES)).then_some(free_bytes)
}

/// Nobody can tell here.
#[cfg(not(unix))]
pub(super) fn lacking(_directory: Option<&Path>, _wanted_bytes: u64) -> Option<u64> {
    None
}
