//! The crate as its users see it: formats in and out, odd files, hostile files.

mod avif;
mod conversion;
mod ending;
mod gif;
mod heif;
mod hostile;
mod jpeg;
mod pictures;
mod png;
mod turned;
mod webp;
