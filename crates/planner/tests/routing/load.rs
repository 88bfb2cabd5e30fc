//! How each strategy spreads load while all providers work.

use planner::strategy::{Priority, Strategy};

use crate::world::{Behavior, World, share};

const STEADY: [u64; 3] = [8000, 4000, 2000];

fn steady(strategy: Strategy) -> World {
    World::new(strategy, STEADY.map(Behavior::steady))
}

/// Shares within three parts in a hundred of what is expected.
fn assert_shares(served: &[crate::world::Served], expected: [(&str, f64); 3]) {
    for (provider, part) in expected {
        let share = share(served, provider);
        assert!((share - part).abs() < 0.03, "{provider} has {share:.3}, not {part:.3}");
    }
}

#[test]
fn the_cheapest_has_it_all() {
    let served = steady(Strategy::Cheapest).requests(300);
    assert!(served.iter().all(|one| one.called == ["alpha"]));
}

#[test]
fn balanced_weighs_price_against_speed() {
    // Twice the price is a quarter, half the time is double: 1/4, 1/4 * 1/2, 1/16.
    let mut world = steady(Strategy::Balanced);
    world.requests(50);
    let served = world.requests(4000);
    let total = 0.25 + 0.125 + 0.0625;
    assert_shares(
        &served,
        [
            ("alpha", 0.25 / total),
            ("beta", 0.125 / total),
            ("gamma", 0.0625 / total),
        ],
    );
}

#[test]
fn balanced_leaves_the_unreliable() {
    let same_price = [("alpha", "0.02"), ("beta", "0.02"), ("gamma", "0.02")];
    let flaky = Behavior {
        failure_rate: 0.35,
        ..Behavior::steady(2000)
    };
    let behaviors = [flaky, Behavior::steady(2000), Behavior::steady(2000)];
    let mut world = World::with_prices(Strategy::Balanced, behaviors, &same_price);
    let served = world.requests(3000);
    let there = share(&served, "alpha");
    assert!(
        (0.02..0.16).contains(&there),
        "{there}: less than half of a fair share, and not nothing"
    );
    assert!(served.iter().all(|one| one.by.is_some()));
    assert!((share(&served, "beta") - share(&served, "gamma")).abs() < 0.05);
}

#[test]
fn the_fastest_is_found_and_kept() {
    let mut world = steady(Strategy::Fastest);
    let found = world.requests(200);
    for provider in ["alpha", "beta", "gamma"] {
        let tried = found.iter().filter(|one| one.first() == provider).count();
        assert!(tried >= 3, "{provider} was tried {tried} times");
    }
    let served = world.requests(3000);
    let there = share(&served, "gamma");
    // What is not asked for an hour is unknown again, and tried a few times.
    assert!((0.95..1.0).contains(&there), "{there}");
}

#[test]
fn the_fastest_changes_when_the_providers_do() {
    let mut world = steady(Strategy::Fastest);
    world.requests(200);
    world.behaviors.insert("gamma", Behavior::steady(30_000));
    // Half of the window must be of the new speed before the median is.
    world.requests(40);
    let there = share(&world.requests(500), "beta");
    assert!(there > 0.9, "{there}");
}

#[test]
fn groups_and_weights_hold() {
    let mut world = steady(Strategy::Priority);
    let given = [("gamma", 1, 1), ("alpha", 0, 1), ("beta", 0, 3)];
    let given = given.map(|(provider, group, weight)| (provider.to_owned(), Priority { group, weight }));
    world.priorities.0.extend(given);
    let served = world.requests(4000);
    assert_shares(&served, [("alpha", 0.25), ("beta", 0.75), ("gamma", 0.0)]);
}

#[test]
fn a_world_comes_again_with_its_seed() {
    for strategy in Strategy::ALL {
        let lived = || {
            let flaky = Behavior {
                failure_rate: 0.3,
                ..Behavior::steady(3000)
            };
            let behaviors = [flaky.clone(), flaky, Behavior::steady(5000).down(50_000..400_000)];
            World::new(strategy, behaviors).requests(300)
        };
        assert_eq!(lived(), lived(), "{strategy}");
    }
}
