//! Emulators of the upstream image APIs: their wire protocols, state machines, faults and bills, with deterministic pictures.
//!
//! One path prefix per provider on one listener (`/openai/v1`, `/mock/v1`, `/fal/...`, `/replicate/...`), and
//! `/_sandbox/...` to steer and observe. Written from the wire facts alone: nothing is shared with the adapters
//! that talk to it, so that both sides cannot make the same mistake.

mod ark;
mod bfl;
mod bill;
mod call_recording;
mod calls;
mod compatible;
mod control;
mod core;
mod dashscope;
mod delivery;
mod details;
mod fal;
mod faults;
mod fields;
mod fireworks;
mod form;
mod gemini;
mod google;
mod gpt_image;
mod inputs;
mod jobs;
mod latency;
mod media;
mod mock;
mod names;
mod openai;
mod openrouter;
mod pad;
mod pictures;
mod provider;
mod refused;
mod replicate;
mod runware;
mod segments;
mod server;
mod shapes;
mod sse;
mod stability;
mod strangers;
mod tables;
mod tls;
mod vertex;
mod wire;
mod work;
mod xai;

pub use faults::FAULTS_HELP;
pub use pictures::UNNAMED;
pub use server::{Sandbox, SandboxConfig, StartError, start};

/// The credential that the OpenAI emulator is meant to be called with.
pub const OPENAI_CREDENTIAL: &str = "sk-sandbox";
/// The credential that the fal emulator is meant to be called with.
pub const FAL_CREDENTIAL: &str = "sandbox:sandbox";
/// The credential that the Replicate emulator is meant to be called with.
pub const REPLICATE_CREDENTIAL: &str = "r8_sandbox";
/// The credential that the mock server is meant to be called with.
pub const MOCK_CREDENTIAL: &str = "sk-sandbox";
/// The credential that the Black Forest Labs emulator is meant to be called with.
pub const BFL_CREDENTIAL: &str = "bfl_sandbox";
/// The credential that the DashScope emulator is meant to be called with.
pub const DASHSCOPE_CREDENTIAL: &str = "sk-sandbox";
/// The credential that the OpenRouter emulator is meant to be called with.
pub const OPENROUTER_CREDENTIAL: &str = "sk-or-v1-sandbox";
/// The credential that the Runware emulator is meant to be called with.
pub const RUNWARE_CREDENTIAL: &str = "sandbox-key";
/// The credential that the Gemini API's emulator is meant to be called with.
pub const GEMINI_CREDENTIAL: &str = "AIzaSandbox";
/// The access token that the Vertex AI emulator always takes; it gives out others for its service account's assertions.
pub const VERTEX_CREDENTIAL: &str = "ya29.sandbox";
/// The credential that the Stability AI emulator is meant to be called with.
pub const STABILITY_CREDENTIAL: &str = "sk-stability-sandbox";
/// The credential that the xAI emulator is meant to be called with.
pub const XAI_CREDENTIAL: &str = "xai-sandbox";
/// The credential that the BytePlus emulator is meant to be called with.
pub const BYTEPLUS_CREDENTIAL: &str = "ark-sandbox";
/// The credential that the Fireworks emulator is meant to be called with.
pub const FIREWORKS_CREDENTIAL: &str = "fw_sandbox";

/// Where each provider's API is, below the sandbox's address.
pub const PATHS: [&str; 21] = [
    "/openai/v1",
    "/fal/run",
    "/fal/queue",
    "/fal/rest",
    "/replicate/v1",
    "/gemini/v1beta",
    "/vertex/v1",
    "/bfl/v1",
    "/xai/v1",
    "/byteplus/api/v3",
    "/alibaba/api/v1",
    "/runware/v1",
    "/fireworks/inference/v1",
    "/openrouter/api/v1",
    "/stability/v2beta",
    "/azure/openai",
    "/localai/v1",
    "/sdcpp/v1",
    "/vllm/v1",
    "/sglang/v1",
    "/mock/v1",
];
