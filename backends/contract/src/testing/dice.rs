//! Randomness from outside: numbers come in, so a failing case can be shrunk and played again.

/// Draws from a list of numbers; when it is used up, every throw is 0.
#[derive(Debug, Clone)]
pub struct Dice {
    numbers: Vec<u32>,
    at: usize,
}

impl Dice {
    /// Dice that fall as told.
    pub fn new(numbers: Vec<u32>) -> Dice {
        Dice { numbers, at: 0 }
    }

    /// Dice from a seed (a linear congruential generator; good enough to mix cases).
    pub fn seeded(seed: u64, len: usize) -> Dice {
        let mut state = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 33) as u32
        };
        Dice::new((0..len).map(|_| next()).collect())
    }

    /// A number below `n` (0 when `n` is 0).
    pub fn roll(&mut self, n: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        (number as usize).checked_rem(n).unwrap_or(0)
    }

    /// One of several values.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }

    /// True once in `n` throws.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == n - 1
    }
}
