//! Adding up what several test runners counted, and what they said of the tests that failed.

/// Lines kept of what one failed test said: its steps and its error, no more.
const MAX_LINES: usize = 60;

/// Tests passed and failed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// What the failed ones said, without stack traces: for the end of a long log.
    pub said: Vec<String>,
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

/// Picks what failed tests said out of the lines of a runner.
#[derive(Debug, Default)]
pub struct Sayings {
    lines: Vec<String>,
    left: usize,
}

impl Sayings {
    /// The next line.
    pub fn add_line(&mut self, line: &str) {
        let line = line.trim_end();
        if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            self.left = MAX_LINES;
        } else if line == "failures:" || line.trim_start().eq_ignore_ascii_case("stack backtrace:")
        {
            self.left = 0;
        }
        if self.left > 0 && !line.is_empty() {
            self.left -= 1;
            self.lines.push(line.to_owned());
        }
    }

    /// All that was picked.
    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.said.extend(other.said);
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Sayings};

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
                failed: 3,
                said: Vec::new()
            }
        );
    }

    #[test]
    fn what_failed_tests_said_is_picked_without_their_stacks() {
        let mut sayings = Sayings::default();
        let lines = "test one ... ok\ntest two ... FAILED\n\nfailures:\n\n---- two stdout ----\n  1.0 s  met\n\n\
            thread 'two' panicked at here.rs:1:2:\n2 loads\nstack backtrace:\n   0: deep\n\
            ---- three stdout ----\nError: Bo waited\n\nStack backtrace:\n   0: deep\n\n\
            failures:\n    two\n    three\n\ntest result: FAILED. 1 passed; 2 failed";
        lines.lines().for_each(|line| sayings.add_line(line));
        let kept = [
            "---- two stdout ----",
            "  1.0 s  met",
            "thread 'two' panicked at here.rs:1:2:",
            "2 loads",
            "---- three stdout ----",
            "Error: Bo waited",
        ];
        assert_eq!(sayings.into_lines(), kept);
    }
}
