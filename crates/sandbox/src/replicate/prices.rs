//! What Replicate charges: by picture and quality, whatever the size.

use super::models::Family;

/// The price of one picture in USD 1e-6, by the billing configuration that Replicate publishes with each model.
/// The models that need the caller's own OpenAI key cost nothing here, nor do others when such a key is given.
pub(super) fn picture_micros(family: Family, quality: &str, own_key: bool) -> i64 {
    if own_key {
        return 0;
    }
    match (family, quality) {
        (Family::GptImage1, _) => 0,
        (Family::GptImage15, "low") => 13_000,
        (Family::GptImage15, "medium") => 50_000,
        (Family::GptImage15, _) => 136_000,
        (Family::GptImage2 | Family::GptImage25, "low") => 12_000,
        (Family::GptImage2 | Family::GptImage25, "medium") => 47_000,
        (Family::GptImage2, _) => 128_000,
        (Family::GptImage25, "high") => 128_000,
        (Family::GptImage25, "max") => 500_000,
        (Family::GptImage25, _) => 250_000,
        (Family::FluxSchnell, _) => 3_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_costs_what_is_published_for_it() {
        assert_eq!(picture_micros(Family::GptImage15, "auto", false), 136_000);
        assert_eq!(picture_micros(Family::GptImage2, "auto", false), 128_000);
        assert_eq!(picture_micros(Family::GptImage25, "auto", false), 250_000);
        assert_eq!(picture_micros(Family::GptImage25, "xhigh", false), 250_000);
        assert_eq!(picture_micros(Family::GptImage2, "high", true), 0);
    }
}
