//! Turns at work that only so many can do at one time: the next one goes to whoever has fewest places, so that nobody's pile
//! keeps others waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Places for work. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    owners: HashMap<Arc<str>, Owner>,
    waiting: VecDeque<(Arc<str>, oneshot::Sender<Turn>)>,
    /// Turns given so far.
    given: u64,
}

#[derive(Debug, Default)]
struct Owner {
    /// Places that are its.
    held: usize,
    /// How many turns had been given when it got its last one.
    last_given: u64,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    owner: Arc<str>,
}

impl Turns {
    /// `most` places.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most: most.max(1),
            state: Mutex::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for `owner`, as soon as it is its turn. `None` when the process gives up.
    pub(super) async fn take(&self, owner: Arc<str>) -> Option<Turn> {
        let (sender, receiver) = oneshot::channel();
        self.state().waiting.push_back((owner, sender));
        self.give();
        receiver.await.ok()
    }

    /// Gives places while there are some and somebody waits.
    fn give(&self) {
        while let Some((sender, turn)) = self.next() {
            // Who has stopped waiting gives its place back by dropping it.
            let _ = sender.send(turn);
        }
    }

    fn next(&self) -> Option<(oneshot::Sender<Turn>, Turn)> {
        let mut state = self.state();
        state.waiting.retain(|(_, sender)| !sender.is_closed());
        if state.under_way >= self.0.most {
            return None;
        }
        let rank = |(_, (owner, _)): &(usize, &(Arc<str>, oneshot::Sender<Turn>))| {
            state.owners.get(owner).map_or((0, 0), |own| (own.held, own.last_given))
        };
        // Among equals the one who has waited longest: it stands first.
        let (place, _) = state.waiting.iter().enumerate().min_by_key(rank)?;
        let (owner, sender) = state.waiting.remove(place)?;
        state.given += 1;
        state.under_way += 1;
        let given = state.given;
        let own = state.owners.entry(Arc::clone(&owner)).or_default();
        own.held += 1;
        own.last_given = given;
        let turns = self.clone();
        Some((sender, Turn { turns, owner }))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        state.under_way -= 1;
        if let Some(own) = state.owners.get_mut(&self.owner) {
            own.held -= 1;
        }
        // Who neither works nor waits is forgotten.
        let State { owners, waiting, .. } = &mut *state;
        owners.retain(|owner, own| own.held > 0 || waiting.iter().any(|(other, _)| other == owner));
        drop(state);
        self.turns.give();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who gets a place, one after the other, when `order` asks while all places are taken.
    async fn given(most: usize, order: &[&'static str]) -> Vec<&'static str> {
        let turns = Turns::new(most);
        let mut before = Vec::new();
        for _ in 0..most {
            before.push(turns.take("a".into()).await.expect("a free place"));
        }
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        for name in order {
            let (turns, told, name) = (turns.clone(), told.clone(), *name);
            tokio::spawn(async move {
                let turn = turns.take(name.into()).await;
                told.send((name, turn)).expect("the test listens");
            });
            // It waits now, behind those before it.
            tokio::task::yield_now().await;
        }
        drop((told, before.pop()));
        let mut given = Vec::new();
        while let Some((name, turn)) = heard.recv().await {
            given.push(name);
            drop(turn);
        }
        given
    }

    #[tokio::test]
    async fn a_pile_of_one_keeps_no_other_waiting() {
        let order = ["a", "a", "a", "a", "b", "b", "c"];
        assert_eq!(given(1, &order).await, ["b", "c", "a", "b", "a", "a", "a"]);
        // One place is the first one's for good: others go before it.
        assert_eq!(given(2, &order).await, ["b", "c", "b", "a", "a", "a", "a"]);
    }

    #[tokio::test]
    async fn who_stops_waiting_takes_no_place() {
        let turns = Turns::new(1);
        let first = turns.take("a".into()).await.expect("a free place");
        let gone = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take("b".into()).await.is_some() }
        });
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.is_err());
        drop(first);
        assert!(turns.take("c".into()).await.is_some());
    }
}
