//! Seeded random numbers and smooth noise from small tables.

/// A small, fast generator (SplitMix64); the same seed gives the same numbers on every machine.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }

    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// A number in 0..count; `count` must not be 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// -1 or 1.
    pub(crate) fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }
}

/// Spreads every input bit over the whole word.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in 0..1 that belongs to a grid cell.
pub(crate) fn cell(seed: u32, x: i32, y: i32) -> f32 {
    let key = (u64::from(seed) << 32) ^ (u64::from(x as u32) << 16) ^ u64::from(y as u32);
    (mix(key) >> 40) as f32 / (1u32 << 24) as f32
}

/// Hash of texts and numbers (FNV-1a, then mixed), the root of every random choice in a picture.
pub(crate) fn root(texts: &[&str], numbers: &[u64]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for text in texts {
        text.bytes().for_each(&mut eat);
        eat(0xff);
    }
    for number in numbers {
        number.to_le_bytes().into_iter().for_each(&mut eat);
    }
    mix(hash)
}

/// Smooth noise on a line and on a plane, with values in about -1..1.
pub(crate) struct Noise {
    order: [u8; 512],
    level: [f32; 256],
    slope: [[f32; 2]; 256],
}

impl Noise {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let mut order = [0u8; 512];
        for (index, slot) in order.iter_mut().enumerate().take(256) {
            *slot = index as u8;
        }
        for index in (1..256).rev() {
            order.swap(index, rng.below(index + 1));
        }
        for index in 0..256 {
            order[index + 256] = order[index];
        }
        let mut level = [0.0; 256];
        let mut slope = [[0.0; 2]; 256];
        for index in 0..256 {
            level[index] = rng.range(-1.0, 1.0);
            let (sin, cos) = rng.range(0.0, std::f32::consts::TAU).sin_cos();
            slope[index] = [cos, sin];
        }
        Self { order, level, slope }
    }

    /// Noise on a line.
    #[inline]
    pub(crate) fn line(&self, x: f32) -> f32 {
        let (at, part) = split(x);
        let a = self.level[usize::from(self.order[(at & 255) as usize])];
        let b = self.level[usize::from(self.order[((at + 1) & 255) as usize])];
        a + (b - a) * fade(part)
    }

    /// Several octaves of [`Noise::line`].
    pub(crate) fn lines(&self, x: f32, octaves: u32, gain: f32) -> f32 {
        let (mut sum, mut weight, mut at, mut total) = (0.0, 1.0, x, 0.0);
        for _ in 0..octaves {
            sum += self.line(at) * weight;
            total += weight;
            weight *= gain;
            at = at * 2.03 + 17.3;
        }
        sum / total
    }

    /// Sharp peaks on a line, in 0..1: what a mountain range looks like from afar.
    pub(crate) fn peaks(&self, x: f32, octaves: u32) -> f32 {
        let (mut sum, mut weight, mut at, mut total, mut carry) = (0.0, 1.0, x, 0.0, 1.0f32);
        for _ in 0..octaves {
            let crest = 1.0 - self.line(at).abs();
            let crest = crest * crest;
            sum += crest * weight * carry;
            total += weight;
            carry = (crest * 1.4).min(1.0);
            weight *= 0.5;
            at = at * 2.11 + 31.7;
        }
        sum / total
    }

    /// Noise on a plane.
    #[inline]
    pub(crate) fn plane(&self, x: f32, y: f32) -> f32 {
        let ((ix, dx), (iy, dy)) = (split(x), split(y));
        let column = (ix & 255) as usize;
        let next = ((ix + 1) & 255) as usize;
        let row = usize::from(self.order[(iy & 255) as usize]);
        let below = usize::from(self.order[((iy + 1) & 255) as usize]);
        let corner = |column: usize, row: usize, dx: f32, dy: f32| {
            let [gx, gy] = self.slope[usize::from(self.order[(column + row) & 511])];
            gx * dx + gy * dy
        };
        let u = fade(dx);
        let top = corner(column, row, dx, dy);
        let top = top + (corner(next, row, dx - 1.0, dy) - top) * u;
        let base = corner(column, below, dx, dy - 1.0);
        let base = base + (corner(next, below, dx - 1.0, dy - 1.0) - base) * u;
        (top + (base - top) * fade(dy)) * 1.5
    }

    /// Several octaves of [`Noise::plane`].
    #[inline]
    pub(crate) fn planes(&self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut weight, mut px, mut py, mut total) = (0.0, 1.0, x, y, 0.0);
        for _ in 0..octaves {
            sum += self.plane(px, py) * weight;
            total += weight;
            weight *= 0.52;
            // Turned and scaled, so that the lattices of two octaves never line up.
            (px, py) = (px * 1.72 - py * 1.06 + 5.2, px * 1.06 + py * 1.72 + 1.3);
        }
        sum / total
    }
}

/// The whole number below and the rest; faster than `floor`, which is a call on older processors.
#[inline]
fn split(x: f32) -> (i32, f32) {
    let whole = x as i32;
    let whole = if whole as f32 > x { whole - 1 } else { whole };
    (whole, x - whole as f32)
}

#[inline]
fn fade(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

/// 0 below `low`, 1 above `high`, an S between.
#[inline]
pub(crate) fn ease(low: f32, high: f32, value: f32) -> f32 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[inline]
pub(crate) fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}
