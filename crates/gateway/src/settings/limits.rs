//! Limits: every one has a name and a default, and errors name them.

use serde::Deserialize;

/// Bounds on what one caller, one generation and the whole gateway may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest JSON body.
    pub json_body_bytes: u64,
    /// Largest multipart body.
    pub multipart_body_bytes: u64,
    /// Largest input image in bytes.
    pub input_image_bytes: u64,
    /// Largest input image in pixels.
    pub input_image_pixels: u64,
    /// Most input images of one request.
    pub input_images: u32,
    /// Bytes that all generations together may hold.
    pub spool_bytes: u64,
    /// Of the spool, bytes in memory.
    pub spool_memory_bytes: u64,
    /// Of one generation, bytes in memory before they go to a file.
    pub generation_memory_bytes: u64,
    /// Largest answer of a provider.
    pub upstream_answer_bytes: u64,
    /// Longest generation, all attempts together.
    pub generation_deadline_s: u64,
    /// Longest wait for a connection to a provider.
    pub connect_timeout_s: u64,
    /// Generations at one time.
    pub in_flight_generations: usize,
    /// Largest request header.
    pub header_bytes: usize,
    /// How long a connection may wait for a request.
    pub idle_connection_s: u64,
    /// After this long a body must have come at [`Self::body_bytes_per_s`].
    pub body_grace_s: u64,
    /// Least speed of a body.
    pub body_bytes_per_s: u64,
    /// How long media are kept.
    pub media_ttl_s: u64,
    /// Seconds that a caller's own key for a request is remembered, with its answer and images.
    pub idempotency_s: u64,
    /// Days that requests stay in the log, for accounts that do not say otherwise.
    pub request_log_days: u64,
    /// How long a stopping gateway waits for generations.
    pub shutdown_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            json_body_bytes: 64 * MIB,
            multipart_body_bytes: 256 * MIB,
            input_image_bytes: 50 * MIB,
            input_image_pixels: 50_000_000,
            input_images: 16,
            spool_bytes: 1024 * MIB,
            spool_memory_bytes: 256 * MIB,
            generation_memory_bytes: 4 * MIB,
            upstream_answer_bytes: 256 * MIB,
            generation_deadline_s: 300,
            connect_timeout_s: 5,
            in_flight_generations: 1024,
            header_bytes: 16 << 10,
            idle_connection_s: 75,
            body_grace_s: 10,
            body_bytes_per_s: 1 << 10,
            media_ttl_s: 60 * 60,
            request_log_days: 90,
            idempotency_s: 24 * 60 * 60,
            shutdown_s: 330,
        }
    }
}
