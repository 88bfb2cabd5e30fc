//! What sets each server apart.

use crate::provider::Provider;

/// The words in which a server refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dress {
    /// `{"error": {"code": 500, "message", "type": ""}}`.
    Go,
    /// `{"error": "..."}`.
    Text,
    /// `{"detail": ...}`.
    FastApi,
    /// `{"error": {"code": "401", "message"}}`.
    Azure,
}

/// How a caller shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth {
    None,
    OptionalBearer,
    ApiKey,
}

/// What a mask means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MaskUse {
    /// White is painted over. Without one there is no edit.
    WhiteNeeded,
    /// White is painted over.
    White,
    /// Clear is painted over.
    Clear,
    /// Read and then forgotten.
    Ignored,
}

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) provider: Provider,
    pub(super) dress: Dress,
    pub(super) auth: Auth,
    pub(super) generations: &'static [&'static str],
    pub(super) edits: &'static [&'static str],
    /// Fields read; others are ignored, or refused where `refuses_others`.
    pub(super) fields: &'static [&'static str],
    pub(super) refuses_others: bool,
    pub(super) max_count: i64,
    pub(super) default_size_px: (u32, u32),
    /// Values of `output_format` for a generation; the first is the default.
    pub(super) formats: &'static [&'static str],
    /// The same for an edit.
    pub(super) edit_formats: &'static [&'static str],
    /// Values of `response_format` for a generation; the first is the default. Empty: the field is not read.
    pub(super) deliveries: &'static [&'static str],
    /// Whether `prompt` may hold `positive|negative`.
    pub(super) splits_prompt: bool,
    /// The seed when none is given; without one each call varies.
    pub(super) default_seed: Option<u64>,
    pub(super) mask: MaskUse,
    /// Whether absent parts of an image are told as null.
    pub(super) tells_nulls: bool,
}

/// LocalAI: links by default, inpainting in the place of edits.
pub(crate) static LOCALAI: Server = Server {
    provider: Provider::Localai,
    dress: Dress::Go,
    auth: Auth::OptionalBearer,
    generations: &["/v1/images/generations", "/images/generations"],
    edits: &["/v1/images/inpainting", "/images/inpainting"],
    fields: &[
        "model",
        "prompt",
        "n",
        "size",
        "step",
        "steps",
        "response_format",
        "seed",
    ],
    refuses_others: false,
    max_count: 10,
    default_size_px: (512, 512),
    formats: &["png"],
    edit_formats: &["png"],
    deliveries: &["url", "b64_json"],
    splits_prompt: true,
    default_seed: None,
    mask: MaskUse::WhiteNeeded,
    tells_nulls: false,
};

/// The server of stable-diffusion.cpp: base64 only, no keys.
pub(crate) static SDCPP: Server = Server {
    provider: Provider::Sdcpp,
    dress: Dress::Text,
    auth: Auth::None,
    generations: &["/v1/images/generations"],
    edits: &["/v1/images/edits"],
    fields: &["model", "prompt", "n", "size", "output_format", "output_compression"],
    refuses_others: false,
    max_count: 8,
    default_size_px: (512, 512),
    formats: &["png", "jpeg", "webp"],
    edit_formats: &["png", "jpeg"],
    deliveries: &[],
    splits_prompt: false,
    default_seed: None,
    mask: MaskUse::White,
    tells_nulls: false,
};

/// vLLM-Omni: generations only.
pub(crate) static VLLM: Server = Server {
    provider: Provider::Vllm,
    dress: Dress::FastApi,
    auth: Auth::OptionalBearer,
    generations: &["/v1/images/generations"],
    edits: &[],
    fields: &[
        "model",
        "prompt",
        "n",
        "size",
        "response_format",
        "negative_prompt",
        "num_inference_steps",
        "guidance_scale",
        "true_cfg_scale",
        "seed",
        "user",
    ],
    refuses_others: false,
    max_count: 10,
    default_size_px: (1024, 1024),
    formats: &["png"],
    edit_formats: &["png"],
    deliveries: &["b64_json"],
    splits_prompt: false,
    default_seed: None,
    mask: MaskUse::Ignored,
    tells_nulls: true,
};

/// SGLang's diffusion server: links only with a store behind it, a seed that never changes by itself, masks forgotten.
pub(crate) static SGLANG: Server = Server {
    provider: Provider::Sglang,
    dress: Dress::FastApi,
    auth: Auth::OptionalBearer,
    generations: &["/v1/images/generations"],
    edits: &["/v1/images/edits"],
    fields: &[
        "model",
        "prompt",
        "n",
        "size",
        "response_format",
        "quality",
        "style",
        "background",
        "output_format",
        "output_compression",
        "negative_prompt",
        "num_inference_steps",
        "guidance_scale",
        "true_cfg_scale",
        "enhance_prompt",
        "seed",
        "user",
    ],
    refuses_others: false,
    max_count: 10,
    default_size_px: (1024, 1024),
    formats: &["png", "jpeg", "webp"],
    edit_formats: &["png", "jpeg", "webp"],
    deliveries: &["no-store", "b64_json"],
    splits_prompt: false,
    default_seed: Some(1024),
    mask: MaskUse::Ignored,
    tells_nulls: false,
};

/// Azure: the deployment in the path and a version in the address, or the model in the body of the newer API; a key header
/// or a bearer; bodies as OpenAI's.
pub(crate) static AZURE: Server = Server {
    provider: Provider::Azure,
    dress: Dress::Azure,
    auth: Auth::ApiKey,
    generations: &[
        "/openai/deployments/{deployment}/images/generations",
        "/openai/v1/images/generations",
    ],
    edits: &[
        "/openai/deployments/{deployment}/images/edits",
        "/openai/v1/images/edits",
    ],
    fields: &[
        "model",
        "prompt",
        "n",
        "size",
        "quality",
        "background",
        "output_format",
        "output_compression",
        "input_fidelity",
        "moderation",
        "user",
    ],
    refuses_others: true,
    max_count: 10,
    default_size_px: (1024, 1024),
    formats: &["png", "jpeg"],
    edit_formats: &["png", "jpeg"],
    deliveries: &[],
    splits_prompt: false,
    default_seed: None,
    mask: MaskUse::Clear,
    tells_nulls: false,
};
