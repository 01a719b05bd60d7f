//! Made-up companies, policies, requests and logs. The same seed always makes the same data.

#![expect(dead_code, reason = "who includes this uses a part of it")]

pub(crate) mod aws;
pub(crate) mod azure;
pub(crate) mod company;
pub(crate) mod gcp;
pub(crate) mod log;

/// Numbers that look random and are not (SplitMix64, Steele, Lea and Flood 2014).
pub(crate) struct Seeded(u64);

impl Seeded {
    /// Numbers that follow from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }

    /// One of `all`, which are not none.
    pub(crate) fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all.get(self.below(all.len())).copied().unwrap_or_default()
    }

    /// `count` hexadecimal digits.
    pub(crate) fn hex(&mut self, count: usize) -> String {
        (0..count).filter_map(|_| char::from_digit(self.below(16) as u32, 16)).collect()
    }
}
