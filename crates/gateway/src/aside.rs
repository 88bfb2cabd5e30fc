//! Space on a disk that is set aside, so that a full disk does not matter to what is written there.

use std::fs::File;
use std::io;

/// Gives a new file so many bytes of its own.
///
/// # Errors
/// The disk has too few, or fails.
#[cfg(target_os = "linux")]
pub(crate) fn set_aside(file: &File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        // Not every file system can.
        Err(rustix::io::Errno::OPNOTSUPP) => fill(file, bytes),
        Err(error) => Err(error.into()),
    }
}

/// Gives a new file so many bytes of its own.
///
/// # Errors
/// The disk has too few, or fails.
#[cfg(not(target_os = "linux"))]
pub(crate) fn set_aside(file: &File, bytes: u64) -> io::Result<()> {
    fill(file, bytes)
}

fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    io::copy(&mut io::Read::take(io::repeat(0), bytes), &mut file).map(drop)
}
