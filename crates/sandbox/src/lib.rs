//! Emulators of the upstream image APIs: their wire protocols, state machines, faults and bills, with deterministic pictures.
//!
//! One path prefix per provider on one listener (`/openai/v1`, `/mock/v1`, `/fal/...`, `/replicate/...`), and
//! `/_sandbox/...` to steer and observe. Written from the wire facts alone: nothing is shared with the adapters
//! that talk to it, so that both sides cannot make the same mistake.

mod bill;
mod call_recording;
mod calls;
mod control;
mod core;
mod delivery;
mod fal;
mod faults;
mod form;
mod gpt_image;
mod inputs;
mod jobs;
mod latency;
mod media;
mod mock;
mod names;
mod openai;
mod pad;
mod pictures;
mod provider;
mod replicate;
pub mod scene;
mod segments;
mod server;
mod sse;
mod tls;
mod wire;

pub use faults::FAULTS_HELP;
pub use server::{Sandbox, SandboxConfig, StartError, start};

/// The credential that the OpenAI emulator is meant to be called with.
pub const OPENAI_CREDENTIAL: &str = "sk-sandbox";
/// The credential that the fal emulator is meant to be called with.
pub const FAL_CREDENTIAL: &str = "sandbox:sandbox";
/// The credential that the Replicate emulator is meant to be called with.
pub const REPLICATE_CREDENTIAL: &str = "r8_sandbox";
/// The credential that the mock server is meant to be called with.
pub const MOCK_CREDENTIAL: &str = "sk-sandbox";
