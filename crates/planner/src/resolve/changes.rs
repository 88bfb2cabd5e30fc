//! What is changed or dropped on the way to one offer, as it is told and as it counts.

use super::Adjustment;
use crate::fit::Fit;
use crate::size::{Size, size_distance};

/// Collects what differs from the request.
#[derive(Debug, Default)]
pub(super) struct Changes {
    told: Vec<Adjustment>,
    fit: Fit,
}

impl Changes {
    /// A change that the caller may mind: the offer departs from what was asked for. One that changes nothing is none.
    pub(super) fn depart(&mut self, adjustment: Adjustment) {
        if adjustment.used == adjustment.requested {
            return;
        }
        if !self.fit.departures.contains(&adjustment.parameter) {
            self.fit.departures.push(adjustment.parameter.clone());
        }
        self.told.push(adjustment);
    }

    /// A change that is told and is no departure: what comes out is what was asked for, or the caller's own other words
    /// took its place.
    pub(super) fn tell(&mut self, adjustment: Adjustment) {
        if adjustment.used != adjustment.requested {
            self.told.push(adjustment);
        }
    }

    /// The size that comes in place of `wanted`; absent where only the provider knows.
    pub(super) fn size_off(&mut self, wanted: Size, instead: Option<Size>) {
        self.fit.size_distance = instead.map_or(f64::INFINITY, |size| size_distance(wanted, size));
        self.fit.instead = instead;
    }

    /// What is told, and how near it comes.
    pub(super) fn into_parts(self) -> (Vec<Adjustment>, Fit) {
        (self.told, self.fit)
    }
}
