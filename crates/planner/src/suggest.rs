//! What was probably meant by a name that nothing has.

/// Most edits between a mistyped name and the one that was meant.
const EDITS_MAX: usize = 3;

/// Longest name that is compared: the distance costs the product of both lengths, and no name is near it.
const NAME_BYTES_MAX: usize = 100;

/// The legal name nearest to `name`, when it is near: a third of the letters, at most three, may differ, or it is the
/// beginning of it. Case makes no difference.
pub fn nearest<'a>(name: &str, legal: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let folded = name.to_lowercase();
    let edits_max = (folded.chars().count() / 3).clamp(1, EDITS_MAX);
    let near = |candidate: &'a str| {
        let other = candidate.to_lowercase();
        let edits = strsim::damerau_levenshtein(&other, &folded);
        let is_beginning = folded.len() > EDITS_MAX && other.starts_with(&folded);
        (edits <= edits_max || is_beginning).then_some((edits, candidate))
    };
    legal.into_iter().filter_map(near).min().map(|(_, meant)| meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_meant() {
        for (name, meant) in [
            ("modle", Some("model")),
            ("Model", Some("model")),
            ("resol", Some("resolution")),
            ("res", None),
            ("glitter", None),
            ("dryrum", Some("dryRun")),
        ] {
            assert_eq!(nearest(name, ["model", "resolution", "dryRun"]), meant, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(101), ["x"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
