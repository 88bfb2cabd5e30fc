//! Who may come in: connections in all, by address, and what is kept back for who asks whether the gateway lives.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use tokio::sync::Notify;

use crate::address::counted;
use crate::settings::limits::Limits;

/// Connections beyond the limit that are taken to answer `/healthz` and to say that there are too many.
const RESERVED: usize = 16;

/// Counts connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Door(Arc<Inner>);

struct Inner {
    most: usize,
    most_of_one: usize,
    trusted_proxies: Vec<IpNet>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    ordinary: usize,
    reserved: usize,
    by_address: HashMap<IpAddr, usize>,
    /// Connections that have sent nothing yet, oldest first.
    silent: BTreeMap<u64, Arc<Notify>>,
    next: u64,
}

/// The place of one connection, until it is dropped.
pub(super) struct Place {
    door: Door,
    address: Option<IpAddr>,
    /// Whether it is one of those kept back.
    pub(super) is_reserved: bool,
}

/// A connection that has sent nothing yet, until it is dropped.
pub(super) struct Silent {
    door: Door,
    number: u64,
    sent_away: Arc<Notify>,
}

impl Door {
    pub(super) fn new(limits: &Limits, trusted_proxies: &[IpNet]) -> Self {
        Self(Arc::new(Inner {
            most: limits.connections,
            most_of_one: limits.connections_per_address,
            trusted_proxies: trusted_proxies.to_vec(),
            inside: Mutex::default(),
        }))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Counts stay right: nothing panics while they are changed.
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from `address`. When all are taken, the one that has been silent for longest gives up its own;
    /// without one, it may be one of those kept back. `None`: it is to be closed.
    pub(super) fn place(&self, address: IpAddr) -> Option<Place> {
        let address = counted(address);
        let is_proxy = self.0.trusted_proxies.iter().any(|network| network.contains(&address));
        let address = (!is_proxy).then_some(address);
        let mut inside = self.inside();
        if let Some(address) = address
            && inside.by_address.get(&address).copied().unwrap_or(0) >= self.0.most_of_one
        {
            return None;
        }
        let mut is_reserved = false;
        if inside.ordinary >= self.0.most {
            match inside.silent.pop_first() {
                Some((_, silent)) => silent.notify_one(),
                None if inside.reserved < RESERVED => is_reserved = true,
                None => return None,
            }
        }
        if is_reserved {
            inside.reserved += 1;
        } else {
            inside.ordinary += 1;
        }
        if let Some(address) = address {
            *inside.by_address.entry(address).or_default() += 1;
        }
        drop(inside);
        Some(Place {
            door: self.clone(),
            address,
            is_reserved,
        })
    }

    /// Notes that a connection has sent nothing yet.
    pub(super) fn silent(&self) -> Silent {
        let sent_away = Arc::new(Notify::new());
        let mut inside = self.inside();
        let number = inside.next;
        inside.next += 1;
        inside.silent.insert(number, Arc::clone(&sent_away));
        drop(inside);
        Silent {
            door: self.clone(),
            number,
            sent_away,
        }
    }
}

impl Silent {
    /// Waits until its place is needed for another.
    pub(super) async fn sent_away(&self) {
        self.sent_away.notified().await;
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.door.inside().silent.remove(&self.number);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.door.inside();
        if self.is_reserved {
            inside.reserved -= 1;
        } else {
            inside.ordinary -= 1;
        }
        let Some(address) = self.address else { return };
        if let Some(count) = inside.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                inside.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(connections: usize, connections_per_address: usize, trusted: &[&str]) -> Door {
        let limits = Limits {
            connections,
            connections_per_address,
            ..Limits::default()
        };
        let networks: Vec<IpNet> = trusted.iter().map(|text| text.parse().expect("a network")).collect();
        Door::new(&limits, &networks)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_takes_its_share_and_a_proxy_that_of_many() {
        let door = door(100, 2, &["10.0.0.0/8"]);
        let mine: Vec<_> = (0..2).map(|_| door.place(ip("192.0.2.1")).expect("a place")).collect();
        assert!(door.place(ip("192.0.2.1")).is_none());
        assert!(door.place(ip("::ffff:192.0.2.1")).is_none(), "the same in other words");
        assert!(door.place(ip("192.0.2.2")).is_some());
        let many: Vec<_> = (0..50).filter_map(|_| door.place(ip("10.1.2.3"))).collect();
        assert_eq!(many.len(), 50);
        drop(mine);
        assert!(door.place(ip("192.0.2.1")).is_some());
        let six = [door.place(ip("2001:db8::1")), door.place(ip("2001:db8::2:3"))];
        assert!(six.iter().all(Option::is_some) && door.place(ip("2001:db8::4")).is_none());
    }

    #[test]
    fn when_all_places_are_taken_who_is_silent_goes_and_then_a_few_are_kept_back() {
        let door = door(2, 100, &[]);
        let _both = [door.place(ip("192.0.2.1")), door.place(ip("192.0.2.1"))];
        let silent = door.silent();
        let third = door.place(ip("192.0.2.2")).expect("the silent one's place");
        assert!(!third.is_reserved);
        assert!(door.inside().silent.is_empty(), "it is told once");
        drop(silent);
        let kept: Vec<_> = (0..RESERVED + 3).filter_map(|_| door.place(ip("192.0.2.3"))).collect();
        assert_eq!(kept.len(), RESERVED);
        assert!(kept.iter().all(|place| place.is_reserved));
        drop(kept);
        assert_eq!(door.inside().reserved, 0);
    }
}
