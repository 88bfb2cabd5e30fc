//! What reads bytes of strangers, held against a plain reading of the same bytes: in pieces and whole, by another library, by a
//! regular expression. A target panics where the two differ.

mod bodies;
mod documents;
mod pictures;
mod words;

/// Something that reads bytes of strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Forms.
    Multipart,
    /// Bodies that are JSON.
    Json,
    /// Providers' answers, whose images are taken out as they come.
    Splitter,
    /// Providers' events.
    Events,
    /// Headers, ends and pixels of images.
    Image,
    /// A file of a model in the catalogue.
    Catalog,
    /// Sizes, ratios and tiers.
    Size,
}

/// Every target with its name.
const TARGETS: [(&str, Target); 7] = [
    ("multipart", Target::Multipart),
    ("json", Target::Json),
    ("splitter", Target::Splitter),
    ("events", Target::Events),
    ("image", Target::Image),
    ("catalog", Target::Catalog),
    ("size", Target::Size),
];

impl Target {
    /// All names.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        TARGETS.iter().map(|(name, _)| *name).collect()
    }

    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.iter().find(|(own, _)| *own == name).map(|(_, target)| *target)
    }

    /// Reads `data`.
    ///
    /// # Panics
    /// When two readings differ, or one of them panics.
    pub fn run(self, data: &[u8]) {
        match self {
            Self::Multipart => bodies::multipart(data),
            Self::Json => bodies::json(data),
            Self::Splitter => documents::split(data),
            Self::Events => documents::events(data),
            Self::Image => pictures::read(data),
            Self::Catalog => words::catalog(data),
            Self::Size => words::size(data),
        }
    }
}

/// Lengths of the pieces in which bytes come: they end at every place sooner or later.
const PIECES: [usize; 4] = [1, 2, 7, 64];
