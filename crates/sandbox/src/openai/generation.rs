//! Generations of models: what they can do and what their tokens cost.

/// Prices of one token, USD 1e-9. Text output has a price too, but the emulator puts out none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rates {
    pub(super) text_in: u64,
    pub(super) image_in: u64,
    pub(super) image_out: u64,
}

/// What sets the models apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) enum Generation {
    One,
    Mini,
    OnePointFive,
    Two,
    TwoPointFive,
    TwoPointSix,
}

impl Generation {
    /// Any size under the rules of later models, rather than three fixed ones.
    pub(super) fn free_sizes(self) -> bool {
        matches!(self, Self::Two | Self::TwoPointFive | Self::TwoPointSix)
    }

    pub(super) fn qualities(self) -> &'static [&'static str] {
        match self {
            Self::TwoPointFive | Self::TwoPointSix => &["low", "medium", "high", "xhigh", "max", "auto"],
            _ => &["low", "medium", "high", "auto"],
        }
    }

    /// gpt-image-2 has refused transparent backgrounds from its launch on; its preview is not for every account.
    pub(super) fn transparent(self) -> bool {
        self != Self::Two
    }

    pub(super) fn input_fidelity(self) -> bool {
        matches!(self, Self::One | Self::OnePointFive)
    }

    /// Whether the usage tells the kinds of output tokens: it does since text may be among them.
    pub(super) fn output_details(self) -> bool {
        !matches!(self, Self::One | Self::Mini)
    }

    /// USD 1e-9 for each token, by the price pages.
    pub(super) fn rates(self) -> Rates {
        let (text_in, image_in, image_out) = match self {
            Self::One => (5_000, 10_000, 40_000),
            Self::Mini => (2_000, 2_500, 8_000),
            Self::OnePointFive => (5_000, 8_000, 32_000),
            Self::Two | Self::TwoPointFive | Self::TwoPointSix => (5_000, 8_000, 30_000),
        };
        Rates {
            text_in,
            image_in,
            image_out,
        }
    }
}
