//! Where providers work: regions by name, each of which holds its parts.

/// Whether a region is one of these or a part of one: `us-central1` is in `us`. One that is not known is in none.
#[must_use]
pub fn is_in(region: Option<&str>, wanted: &[String]) -> bool {
    let holds = |region: &str, one: &String| {
        let rest = region.strip_prefix(one.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    region.is_some_and(|region| wanted.iter().any(|one| holds(region, one)))
}

/// Where a provider works, as the end of a sentence.
#[must_use]
pub fn whereabouts(region: Option<&str>) -> String {
    region.map_or_else(
        || "does not say in which region it works".to_owned(),
        |region| format!("works in the region '{region}'"),
    )
}

/// Whether a text may be the name of a region: small letters, digits and hyphens.
#[must_use]
pub fn is_region(text: &str) -> bool {
    /// Longest name; those of clouds are half as long.
    const REGION_BYTES_MAX: usize = 40;
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=REGION_BYTES_MAX).contains(&text.len()) && text.bytes().all(legal)
}
