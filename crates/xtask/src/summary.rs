//! Adding up what several test runners counted.

/// Tests passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
}

impl Counts {
    /// Takes a line like `test result: ok. 5 passed; 0 failed; …` into account; ignores any other.
    pub fn add_line(&mut self, line: &str) {
        let Some((_, result)) = line.split_once("test result: ") else {
            return;
        };
        let number = |word: &str| {
            let (before, _) = result.split_once(word)?;
            before
                .trim_end()
                .rsplit([' ', '.'])
                .next()?
                .parse::<u64>()
                .ok()
        };
        self.passed += number("passed").unwrap_or(0);
        self.failed += number("failed").unwrap_or(0);
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn adds_up_lines_of_test_runners_and_nothing_else() {
        let mut counts = Counts::default();
        counts
            .add_line("test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        counts.add_line("test result: FAILED. 12 passed; 3 failed; 0 ignored");
        counts.add_line("100 passed, 7 failed");
        counts.add_line("test result: nonsense");
        assert_eq!(
            counts,
            Counts {
                passed: 17,
                failed: 3
            }
        );
    }
}
