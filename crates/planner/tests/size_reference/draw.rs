//! Models, offers and requests drawn at random, many of them at the edges of the rules.

use planner::size::{
    ModelSizes, OfferSizes, Ratio, RatioArgument, Size, SizeArgument, SizeRange, SizeRequest, SizeSupport, Tier,
    TierArgument,
};

use super::{area_of_tier, derived};

/// A small generator of its own (SplitMix64), so that every run compares the same pairs.
pub(super) struct Draw(pub(super) u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn upto(&mut self, below: u32) -> u32 {
        u32::try_from(self.next() % u64::from(below)).expect("a remainder of a 32-bit number")
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.upto(chances) == 0
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.upto(u32::try_from(items.len()).expect("short lists")) as usize]
    }

    fn side(&mut self) -> u32 {
        match self.upto(4) {
            0 => self.of(&[256, 512, 768, 1024, 1152, 1344, 1536, 1792, 2048, 3840]),
            1 => 16 * (1 + self.upto(256)),
            2 => 1 + self.upto(65_536),
            _ => 1 + self.upto(2048),
        }
    }

    pub(super) fn size(&mut self) -> Size {
        let width_px = self.side();
        let height_px = if self.one_in(5) { width_px } else { self.side() };
        Size { width_px, height_px }
    }

    fn ratio(&mut self) -> Ratio {
        let text = match self.upto(3) {
            0 => self
                .of(&[
                    "1:1", "3:2", "2:3", "16:9", "9:16", "21:9", "19.5:9", "4:1", "8:1", "1:8",
                ])
                .to_owned(),
            1 => format!("{}:{}", 1 + self.upto(30), 1 + self.upto(30)),
            _ => format!("{}.{}:{}", 1 + self.upto(9), self.upto(100), 1 + self.upto(9)),
        };
        text.parse().expect("a ratio by construction")
    }

    fn tier(&mut self) -> Tier {
        match self.upto(4) {
            0 => Tier::K(1 + self.upto(8000)),
            1 => Tier::Megapixels(self.of(&[250, 1000, 2000, 4000, 16_000])),
            _ => Tier::K(self.of(&[500, 1000, 1500, 2000, 3000, 4000])),
        }
    }

    fn list<T: PartialEq>(&mut self, most: u32, item: impl Fn(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        for _ in 0..self.upto(most + 1) {
            let item = item(self);
            if !items.contains(&item) {
                items.push(item);
            }
        }
        items
    }

    /// At most 18 sides, so that all pairs of them are few.
    fn small_range(&mut self) -> SizeRange {
        let multiple_of = self.of(&[1, 2, 8, 16, 32, 64, 100]);
        let (first, steps) = (1 + self.upto(30), self.upto(18));
        let min_edge_px = multiple_of * first - if self.one_in(2) { multiple_of - 1 } else { 0 };
        let max_edge_px = multiple_of * (first + steps) + self.upto(multiple_of);
        let square = |side: u32| u64::from(side) * u64::from(side);
        let (low, high) = (square(min_edge_px), square(max_edge_px));
        let between = |part: u32| low + (high - low) * u64::from(part) / 100;
        let (min, max) = (self.upto(60), 40 + self.upto(60));
        let max_ratio = self.of(&[
            None,
            Some(1.0),
            Some(1.333),
            Some(2.0),
            Some(2.5),
            Some(3.0),
            Some(16.0),
        ]);
        SizeRange {
            min_edge_px,
            max_edge_px,
            multiple_of,
            min_pixels: if self.one_in(2) { 0 } else { between(min) },
            max_pixels: if self.one_in(2) { u64::MAX } else { between(max) },
            max_ratio,
        }
    }

    pub(super) fn offer(&mut self) -> OfferSizes {
        let support = match self.upto(20) {
            0 => SizeSupport::Fixed,
            1..=7 => SizeSupport::Listed(self.list(10, Self::size)),
            8..=13 => SizeSupport::Ratios {
                ratios: self.list(10, Self::ratio),
                tiers: self.list(4, Self::tier),
            },
            _ => SizeSupport::Range(self.small_range()),
        };
        let default = if self.one_in(2) { None } else { Some(self.size()) };
        OfferSizes {
            support,
            auto: self.one_in(2),
            auto_by_absence: false,
            auto_by_default: false,
            default,
            outputs: Vec::new(),
        }
    }

    pub(super) fn model(&mut self) -> ModelSizes {
        let default = if self.one_in(3) {
            self.size()
        } else {
            Size {
                width_px: 1024,
                height_px: 1024,
            }
        };
        let min_px = self.of(&[1, 512, 1024]);
        let exact_range = if self.one_in(3) {
            Some((min_px, min_px + self.upto(2048)))
        } else {
            None
        };
        ModelSizes { default, exact_range }
    }

    pub(super) fn request(&mut self, offer: &OfferSizes) -> SizeRequest {
        let size = match (self.upto(8), &offer.support) {
            (0, SizeSupport::Listed(sizes)) if !sizes.is_empty() => Some(SizeArgument::Exact(self.of(sizes))),
            (0, SizeSupport::Ratios { ratios, tiers }) if !ratios.is_empty() && !tiers.is_empty() => {
                let (ratio, tier) = (self.of(ratios), self.of(tiers));
                Some(SizeArgument::Exact(derived(ratio.value(), area_of_tier(tier))))
            }
            (0..=3, _) => Some(SizeArgument::Exact(self.size())),
            (4, _) => Some(SizeArgument::Ratio(self.ratio())),
            (5, _) => Some(SizeArgument::Auto),
            _ => None,
        };
        let aspect_ratio = match self.upto(4) {
            0 | 1 => Some(RatioArgument::Ratio(self.ratio())),
            2 => Some(RatioArgument::Auto),
            _ => None,
        };
        let resolution = match self.upto(4) {
            0 | 1 => Some(TierArgument::Tier(self.tier())),
            2 => Some(TierArgument::Auto),
            _ => None,
        };
        SizeRequest {
            size,
            aspect_ratio,
            resolution,
        }
    }
}
