//! Limits: every one has a name and a default, and errors name them.

use serde::Deserialize;

use crate::db;
use crate::ledger::REPORTED_COST_FACTOR;

/// Bounds on what one caller, one generation and the whole gateway may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest JSON body.
    pub json_body_bytes: u64,
    /// Of a JSON body, bytes that are no image.
    pub json_text_bytes: usize,
    /// Values in a JSON body: each takes many times the memory of its text.
    pub json_nodes: usize,
    /// Nesting of objects and lists in a JSON body.
    pub json_depth: usize,
    /// Largest multipart body.
    pub multipart_body_bytes: u64,
    /// Largest input image in bytes.
    pub input_image_bytes: u64,
    /// Largest input image in pixels.
    pub input_image_pixels: u64,
    /// Pixels of a JPEG that is decoded, in all its scans together: a progressive one may have many, each as much work as the
    /// whole picture. A frame of an AVIF with layers counts as ten scans.
    pub scan_pixels: u64,
    /// Most input images of one request.
    pub input_images: u32,
    /// Bytes that all generations together may hold.
    pub spool_bytes: u64,
    /// Of the spool, bytes in memory.
    pub spool_memory_bytes: u64,
    /// Of one generation, bytes in memory before they go to a file; four times as many where an answer's length is known
    /// before it comes.
    pub generation_memory_bytes: u64,
    /// Largest answer of a provider.
    pub upstream_answer_bytes: u64,
    /// Longest generation, all attempts together.
    pub generation_deadline_s: u64,
    /// Longest attempt, one call to one provider with its polls, before another provider may be asked; 0: three times what
    /// nearly all calls to the same offer take, once 50 have succeeded, and no less than a minute.
    pub attempt_s: u64,
    /// Connections of this process that read from the database, at least one; one more writes.
    pub database_connections: u32,
    /// Longest wait for a connection to a provider.
    pub connect_timeout_s: u64,
    /// Generations at one time.
    pub in_flight_generations: usize,
    /// Largest request header.
    pub header_bytes: usize,
    /// How long a connection may wait for a request.
    pub idle_connection_s: u64,
    /// Longest wait for the first byte of a connection, and from there on for what tells its version of HTTP.
    pub header_s: u64,
    /// Connections at one time.
    pub connections: usize,
    /// Connections of one address at one time; those of trusted proxies are not counted.
    pub connections_per_address: usize,
    /// How long a body or an answer may take before its speed is looked at.
    pub transfer_grace_s: u64,
    /// The time over which its speed is taken.
    pub transfer_window_s: u64,
    /// Least speed of a body, and of a caller who takes an answer.
    pub transfer_bytes_per_s: u64,
    /// Longest time that the other side of a body or an answer may be waited for in all.
    pub transfer_s: u64,
    /// How many times what was held for a generation a provider may say that it charged.
    pub reported_cost_factor: i64,
    /// Bytes that all stored images together may take.
    pub media_bytes: u64,
    /// How long media are kept.
    pub media_ttl_s: u64,
    /// Seconds that a caller's own key for a request is remembered, with its answer and images.
    pub idempotency_s: u64,
    /// Days that requests stay in the log, for accounts that do not say otherwise.
    pub request_log_days: u64,
    /// How long a terminated gateway still takes requests, while `/readyz` says that it stops: as long as balancers need to hear
    /// of it.
    pub drain_s: u64,
    /// How long a stopping gateway waits for generations.
    pub shutdown_s: u64,
}

/// Open files that are not for callers: the database, logs, listeners, media, webhooks.
const FILES_KEPT: u64 = 96;
/// Open files of one generation: its caller, a call or two to providers, a spool file, one of the answer while it is sent.
const FILES_PER_GENERATION: u64 = 5;

impl Limits {
    /// The same limits as far as `files`, the most that this process may have open, has room for them, and what was lowered.
    #[must_use]
    pub fn fitted(mut self, files: u64) -> (Self, Vec<String>) {
        let room = files.saturating_sub(FILES_KEPT);
        let mut told = Vec::new();
        let mut fit = |name: &str, limit: &mut usize, most: u64| {
            let most = usize::try_from(most.max(1)).unwrap_or(usize::MAX);
            if *limit > most {
                told.push(format!(
                    "{name} is {most} instead of {limit}, as this process may have only {files} files open (ulimit -n)"
                ));
                *limit = most;
            }
        };
        fit(
            "in_flight_generations",
            &mut self.in_flight_generations,
            room / FILES_PER_GENERATION,
        );
        fit("connections", &mut self.connections, room / 2);
        (self, told)
    }
}

impl Limits {
    /// The same limits as far as this process may open files; what was lowered is logged.
    #[must_use]
    pub fn fitted_to_system(self) -> Self {
        let (limits, told) = self.fitted(open_files());
        for line in told {
            tracing::warn!("{line}");
        }
        limits
    }
}

/// Raises the limit of open files as far as the system allows. Returns it; where there is none, one that never binds.
#[must_use]
pub fn open_files() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX)
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            json_body_bytes: 64 * MIB,
            json_text_bytes: 1 << 20,
            json_nodes: 10_000,
            json_depth: 32,
            multipart_body_bytes: 256 * MIB,
            input_image_bytes: 50 * MIB,
            input_image_pixels: 50_000_000,
            scan_pixels: 600_000_000,
            input_images: 16,
            spool_bytes: 1024 * MIB,
            spool_memory_bytes: 256 * MIB,
            generation_memory_bytes: 4 * MIB,
            upstream_answer_bytes: 256 * MIB,
            generation_deadline_s: 300,
            attempt_s: 0,
            database_connections: db::CONNECTIONS,
            connect_timeout_s: 5,
            in_flight_generations: 1024,
            header_bytes: 16 << 10,
            idle_connection_s: 75,
            header_s: 10,
            connections: 4096,
            connections_per_address: 512,
            transfer_grace_s: 10,
            transfer_window_s: 30,
            transfer_bytes_per_s: 16 << 10,
            transfer_s: 300,
            reported_cost_factor: REPORTED_COST_FACTOR,
            media_bytes: 50 * 1024 * MIB,
            media_ttl_s: 60 * 60,
            request_log_days: 90,
            idempotency_s: 24 * 60 * 60,
            drain_s: 5,
            shutdown_s: 330,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_has_no_room_for_is_lowered_and_told() {
        let (same, told) = Limits::default().fitted(65_536);
        assert_eq!((same, told.len()), (Limits::default(), 0));
        let (fitted, told) = Limits::default().fitted(256);
        assert_eq!((fitted.in_flight_generations, fitted.connections), (32, 80));
        assert!(
            told.iter()
                .any(|line| line.contains("in_flight_generations is 32 instead of 1024"))
        );
        let (least, _) = Limits::default().fitted(10);
        assert_eq!((least.in_flight_generations, least.connections), (1, 1));
    }
}
