//! The shelf in memory keeps the promises of the trait.
#![cfg(feature = "testing")]

use komrade_ether::{
    MemoryShelf, shelf_suite,
    suite::{self, End, Fixture},
};

#[derive(Default)]
struct Memory(MemoryShelf);

impl Fixture for Memory {
    type Shelf<'a> = MemoryShelf;

    fn transaction<T>(&mut self, end: End, work: impl FnOnce(&mut MemoryShelf) -> T) -> T {
        let done = work(&mut self.0);
        match end {
            End::Commit => self.0.commit(),
            End::Abort => self.0.rollback(),
        }
        done
    }

    fn reopen(&mut self) {
        self.0.rollback();
    }
}

macro_rules! test {
    ($name:ident) => {
        #[test]
        fn $name() {
            suite::$name(&mut Memory::default());
        }
    };
}

shelf_suite!(test);
