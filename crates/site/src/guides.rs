//! The guides: their texts and the list that puts them into groups.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::markdown::{Document, EXAMPLE_ADDRESS, document};

include!(concat!(env!("OUT_DIR"), "/guides.rs"));

/// Guides that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they are about.
    pub name: String,
    /// The guides.
    pub guides: Vec<Guide>,
}

/// One guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guide {
    /// The last part of its path.
    pub slug: String,
    /// Its text in Markdown.
    pub text: &'static str,
    /// The same, read.
    pub read: Document,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    groups: Vec<ListedGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedGroup {
    name: String,
    guides: Vec<String>,
}

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let list: List = toml::from_str(LIST).expect("the list of guides is read by a test");
    let guide = |slug: String| {
        let (_, text) = TEXTS.iter().find(|(name, _)| *name == slug)?;
        Some(Guide {
            read: document(text, EXAMPLE_ADDRESS),
            slug,
            text,
        })
    };
    let group = |group: ListedGroup| Group {
        name: group.name,
        guides: group.guides.into_iter().filter_map(guide).collect(),
    };
    list.groups.into_iter().map(group).collect()
});

/// Every guide, in groups.
#[must_use]
pub fn groups() -> &'static [Group] {
    &GROUPS
}

/// Every guide in the order of the groups.
pub fn all() -> impl Iterator<Item = &'static Guide> {
    groups().iter().flat_map(|group| &group.guides)
}

/// The guide of that name.
#[must_use]
pub fn find(slug: &str) -> Option<&'static Guide> {
    all().find(|guide| guide.slug == slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_of_the_list_is_there_and_every_text_is_in_the_list() {
        let list: List = toml::from_str(LIST).expect("the list");
        let listed: Vec<&String> = list.groups.iter().flat_map(|group| &group.guides).collect();
        for slug in &listed {
            assert!(TEXTS.iter().any(|(name, _)| name == slug), "{slug}.md is missing");
        }
        for (name, _) in TEXTS {
            assert!(listed.iter().any(|slug| slug == name), "{name}.md is in no group");
        }
    }

    #[test]
    fn every_guide_has_a_title_and_a_first_paragraph() {
        for guide in all() {
            assert!(
                !guide.read.title.is_empty() && !guide.read.description.is_empty(),
                "{}",
                guide.slug
            );
        }
    }
}
