//! Figures drawn for a check: the same number draws the same ones, and those that were held against their sources are as they
//! were then.

use std::collections::HashSet;

use crate::folder::catalog;

const CHECKED: &str = include_str!("checked.tsv");
const SEED: u64 = 17;

fn checked() -> Vec<[&'static str; 4]> {
    let lines = CHECKED.lines().filter(|line| !line.starts_with('#'));
    let cells = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    cells.map(|cells| cells.try_into().expect("four columns")).collect()
}

#[test]
fn the_figures_that_were_held_against_their_sources_are_as_they_were() {
    let drawn = catalog().sample(SEED, 60);
    let drawn: Vec<[String; 4]> = drawn
        .into_iter()
        .map(|figure| {
            [
                figure.key(),
                figure.value.clone(),
                figure.source.clone(),
                figure.as_of.to_string(),
            ]
        })
        .collect();
    assert_eq!(drawn.len(), 60);
    for (drawn, checked) in drawn.iter().zip(checked()) {
        assert_eq!(
            drawn, &checked,
            "hold it against its source, then put it into checked.tsv"
        );
    }
    assert_eq!(checked().len(), 60);
}

#[test]
fn every_figure_has_a_place_and_a_source_of_its_own() {
    let figures = catalog().figures();
    let keys: HashSet<String> = figures.iter().map(planner::catalog::figures::Figure::key).collect();
    assert_eq!(keys.len(), figures.len(), "two figures of one name");
    for figure in &figures {
        assert!(
            !figure.source.is_empty() && !figure.value.is_empty(),
            "{}",
            figure.key()
        );
    }
    let (one, other) = (catalog().sample(1, 60), catalog().sample(2, 60));
    assert_ne!(one, other);
    let all = catalog().sample(1, usize::MAX);
    assert_eq!(all.len(), figures.len());
    assert_eq!(all[..60], one[..], "a longer draw begins as a shorter one");
}
