//! How Pictor talks to providers: one adapter a wire protocol, one driver that does all the sending, and a spool so that bytes never pile up.
//!
//! Adapters are pure: they turn a [`ProviderRequest`] into a [`Call`] and a [`Reply`] into a [`Step`]. Time limits, byte
//! limits, redaction and tracing are the driver's, and therefore the same for every protocol.

pub mod adapter;
mod ark;
mod bfl;
pub mod body;
mod dashscope;
pub mod driver;
mod engine;
mod fal;
pub mod fetch;
mod fireworks;
mod gemini;
mod google;
pub mod network;
mod openai;
mod openrouter;
pub mod protocols;
mod replicate;
mod runware;
pub mod splitter;
pub mod spool;
pub mod sse;
mod stability;
mod vertex;
mod xai;

pub use adapter::{
    Adapter, Call, Credential, Events, Expect, Grant, Heard, ImageSource, InputImage, Job, Listening, Output,
    OutputImage, Patience, ProviderRequest, Reply, ReplyBody, Stage, State, Step, UpstreamAccess,
};
pub use body::{Body, Multipart, Node, base64_len, base64_stream};
pub use driver::{Driver, DriverConfig, FinishedAttempt, FinishedImage, Observer, retry_after};
pub use fetch::{FetchError, FetchLimits, Fetched};
pub use network::{GuardConfig, GuardedClient, OutboundProxy, asking_client, install_crypto, is_loopback, is_public};
pub use protocols::adapter;
pub use splitter::{Document, SplitError, SplitLimits, Splitter};
pub use spool::{Blob, BlobWriter, Owners, Spool, SpoolError, SpoolLimits, SpoolScope, SpoolUse};
