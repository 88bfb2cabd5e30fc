//! What a provider says that it used.

/// Token counts as the provider reports them. The fields are those of OpenAI's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// Text tokens of the prompt.
    pub input_text_tokens: u64,
    /// Of `input_text_tokens`, those billed at the cached rate.
    pub cached_text_tokens: u64,
    /// Image tokens of the inputs.
    pub input_image_tokens: u64,
    /// Of `input_image_tokens`, those billed at the cached rate.
    pub cached_image_tokens: u64,
    /// Text tokens that the model wrote.
    pub output_text_tokens: u64,
    /// Image tokens that the model wrote.
    pub output_image_tokens: u64,
}

impl Usage {
    /// All tokens that went in.
    #[must_use]
    pub const fn input_tokens(&self) -> u64 {
        self.input_text_tokens + self.input_image_tokens
    }

    /// All tokens that came out.
    #[must_use]
    pub const fn output_tokens(&self) -> u64 {
        self.output_text_tokens + self.output_image_tokens
    }

    /// The greatest of its counts.
    #[must_use]
    pub fn greatest(&self) -> u64 {
        [
            self.input_text_tokens,
            self.cached_text_tokens,
            self.input_image_tokens,
            self.cached_image_tokens,
            self.output_text_tokens,
            self.output_image_tokens,
        ]
        .into_iter()
        .max()
        .unwrap_or_default()
    }

    /// The sum of two calls.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input_text_tokens: self.input_text_tokens + other.input_text_tokens,
            cached_text_tokens: self.cached_text_tokens + other.cached_text_tokens,
            input_image_tokens: self.input_image_tokens + other.input_image_tokens,
            cached_image_tokens: self.cached_image_tokens + other.cached_image_tokens,
            output_text_tokens: self.output_text_tokens + other.output_text_tokens,
            output_image_tokens: self.output_image_tokens + other.output_image_tokens,
        }
    }
}
