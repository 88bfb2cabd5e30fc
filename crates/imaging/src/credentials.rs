//! Content credentials (C2PA): signed words on where a picture is from, which no conversion keeps.

/// How a C2PA manifest store begins in every container: a JUMBF description box of C2PA's own type.
const MARK: &[u8] = b"jumdc2pa";

/// Whether an image file carries content credentials.
#[must_use]
pub fn has_content_credentials(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, MARK).is_some()
}
