//! Sets of operations by the number at which a replica took them.

/// A set of small numbers. No zero words at its end, so that equal sets are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn set(&mut self, index: usize) {
        let word = index / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << (index % 64);
        }
    }

    pub(super) fn has(&self, index: usize) -> bool {
        let word = self.0.get(index / 64).copied().unwrap_or(0);
        word >> (index % 64) & 1 == 1
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (to, from) in self.0.iter_mut().zip(&other.0) {
            *to |= from;
        }
    }

    /// Whether the other one is a part of it.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.0.len() >= other.0.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|(all, part)| part & !all == 0)
    }

    pub(super) fn common(&self, other: &Self) -> Self {
        let words = self.0.iter().zip(&other.0).map(|(a, b)| a & b);
        let mut words: Vec<u64> = words.collect();
        while words.last() == Some(&0) {
            words.pop();
        }
        Self(words)
    }

    /// Its members, rising.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(place, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.checked_sub(1)?;
                Some(place * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn of(numbers: &[usize]) -> Bits {
        let mut bits = Bits::default();
        numbers.iter().for_each(|number| bits.set(*number));
        bits
    }

    #[test]
    fn it_is_a_set() {
        let numbers = [0, 1, 63, 64, 200];
        assert_eq!(of(&numbers).iter().collect::<Vec<_>>(), numbers);
        assert!(of(&numbers).has(63) && !of(&numbers).has(62) && !of(&numbers).has(9_999));
        assert!(of(&numbers).covers(&of(&[1, 200])) && !of(&[1]).covers(&of(&numbers)));
        assert!(!of(&numbers).covers(&of(&[2])));
        assert_eq!(of(&numbers).common(&of(&[1, 2, 500])), of(&[1]));
        let mut sum = of(&[3]);
        sum.add(&of(&[400]));
        assert_eq!(sum, of(&[3, 400]));
    }
}
