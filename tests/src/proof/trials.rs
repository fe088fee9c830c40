//! How often each promise was looked at: counted at every step, so counting costs next to nothing.

use std::collections::BTreeMap;

/// Promises have numbers of two digits at most.
const MOST: usize = 100;

/// Looks at each promise, by its number.
#[derive(Debug, Clone)]
pub(super) struct Trials([u64; MOST]);

impl Default for Trials {
    fn default() -> Self {
        Self([0; MOST])
    }
}

impl Trials {
    /// One more look at a promise, such as `G1`.
    pub(super) fn tried(&mut self, guarantee: &'static str) {
        let digits = guarantee.as_bytes().iter().skip(1);
        let number = digits.fold(0, |number, digit| number * 10 + usize::from(digit.wrapping_sub(b'0')));
        if let Some(count) = self.0.get_mut(number) {
            *count += 1;
        }
    }

    /// By the names of the promises, those that were looked at.
    pub(super) fn by_name(&self) -> BTreeMap<String, u64> {
        let tried = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        tried.map(|(number, count)| (format!("G{number}"), *count)).collect()
    }
}
