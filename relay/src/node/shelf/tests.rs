#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use komrade_ether::suite::{self, End, Fixture};
use komrade_ether::{MemoryShelf, shelf_suite};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::*;

const MEMORY: usize = 4 << 20;

struct Disk {
    folder: tempfile::TempDir,
    cabinet: Option<Cabinet>,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cabinet = Some(Cabinet::open(folder.path(), MEMORY).unwrap());
        Self { folder, cabinet }
    }
}

impl Fixture for Disk {
    type Shelf<'a> = WritingShelf<'a>;

    fn transaction<T>(&mut self, end: End, work: impl FnOnce(&mut WritingShelf<'_>) -> T) -> T {
        let writing = self.cabinet.as_ref().unwrap().write().unwrap();
        let mut shelf = writing.shelf().unwrap();
        let done = work(&mut shelf);
        drop(shelf);
        match end {
            End::Commit => writing.commit().unwrap(),
            End::Abort => drop(writing),
        }
        done
    }

    fn reopen(&mut self) {
        // The file is of one process at a time.
        self.cabinet = None;
        self.cabinet = Some(Cabinet::open(self.folder.path(), MEMORY).unwrap());
    }
}

macro_rules! test {
    ($name:ident) => {
        #[test]
        fn $name() {
            suite::$name(&mut Disk::new());
        }
    };
}

shelf_suite!(test);

fn below(chance: &mut ChaCha8Rng, most: u32) -> usize {
    (chance.next_u32() % most) as usize
}

/// Lengths around every place where a value may be cut.
fn value(chance: &mut ChaCha8Rng) -> Vec<u8> {
    const EDGES: [usize; 8] = [0, 1, 100, 1_952, 2_048, 4_096, 16_384, 65_536];
    let length = (EDGES[below(chance, 8)] + below(chance, 200)).saturating_sub(below(chance, 200));
    let mut value = vec![0; length];
    chance.fill_bytes(&mut value);
    value
}

fn key(chance: &mut ChaCha8Rng) -> (ShelfTable, Vec<u8>) {
    let table = ShelfTable::ALL[below(chance, ShelfTable::ALL.len() as u32)];
    let mut key = vec![0; 1 + below(chance, 3)];
    chance.fill_bytes(&mut key);
    // Few different ones, so that they are met again, and those before which the next table begins.
    key.iter_mut()
        .for_each(|byte| *byte = [0, 1, 0xfe, 0xff][usize::from(*byte % 4)]);
    (table, key)
}

fn compare(
    disk: &impl ShelfRead<Error = ShelfError>,
    memory: &MemoryShelf,
    chance: &mut ChaCha8Rng,
) {
    let (table, from) = key(chance);
    assert_eq!(
        disk.get(table, &from).unwrap(),
        memory.get(table, &from).unwrap()
    );
    let (_, to) = key(chance);
    let to = (below(chance, 4) > 0).then_some(to.as_slice());
    let limit = below(chance, 40);
    assert_eq!(
        disk.range(table, &from, to, limit).unwrap(),
        memory.range(table, &from, to, limit).unwrap()
    );
    assert_eq!(
        disk.range(table, &[], None, 10_000).unwrap(),
        memory.range(table, &[], None, 10_000).unwrap()
    );
}

#[test]
fn values_are_whole_wherever_they_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let mut cabinet = Cabinet::open(folder.path(), MEMORY).unwrap();
    let mut memory = MemoryShelf::new();
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    for round in 0..40 {
        let writing = cabinet.write().unwrap();
        let mut shelf = writing.shelf().unwrap();
        for _ in 0..40 {
            let (table, key) = key(&mut chance);
            if below(&mut chance, 3) == 0 {
                shelf.delete(table, &key).unwrap();
                memory.delete(table, &key).unwrap();
            } else {
                let value = value(&mut chance);
                shelf.put(table, &key, &value).unwrap();
                memory.put(table, &key, &value).unwrap();
            }
        }
        compare(&shelf, &memory, &mut chance);
        drop(shelf);
        if below(&mut chance, 3) == 0 {
            drop(writing);
            memory.rollback();
        } else {
            writing.commit().unwrap();
            memory.commit();
        }
        compare(&cabinet.read().unwrap(), &memory, &mut chance);
        if round % 20 == 19 {
            drop(cabinet);
            cabinet = Cabinet::open(folder.path(), MEMORY).unwrap();
            compare(&cabinet.read().unwrap(), &memory, &mut chance);
        }
    }
    assert!(!memory.is_empty());
}

#[test]
fn nothing_of_a_removed_value_stays() {
    let folder = tempfile::tempdir().unwrap();
    let cabinet = Cabinet::open(folder.path(), MEMORY).unwrap();
    let writing = cabinet.write().unwrap();
    let mut shelf = writing.shelf().unwrap();
    for (first, then) in [
        (4_096, Some(10)),
        (4_096, None),
        (10, Some(4_096)),
        (10, None),
    ] {
        shelf
            .put(ShelfTable::Placed, b"k", &vec![7; first])
            .unwrap();
        if let Some(then) = then {
            shelf.put(ShelfTable::Placed, b"k", &vec![8; then]).unwrap();
            assert_eq!(
                shelf.get(ShelfTable::Placed, b"k").unwrap(),
                Some(vec![8; then])
            );
        }
        shelf.delete(ShelfTable::Placed, b"k").unwrap();
        assert_eq!(shelf.get(ShelfTable::Placed, b"k").unwrap(), None);
        assert!(shelf.tails.range::<&[u8]>(..).unwrap().next().is_none());
    }
}

#[test]
fn the_file_is_of_one_relay_and_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let cabinet = Cabinet::open(folder.path(), MEMORY).unwrap();
    let second = Cabinet::open(folder.path(), MEMORY).err();
    assert_eq!(second, Some(ShelfError::InUse));
    drop(cabinet);
    assert!(Cabinet::open(folder.path(), MEMORY).is_ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = folder.path().join(FILE).metadata().unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join(FILE), vec![7; 100_000]).unwrap();
    assert_eq!(
        Cabinet::open(other.path(), MEMORY).err(),
        Some(ShelfError::Damaged)
    );
}

#[test]
fn envelopes_of_every_size_fill_their_pages() {
    let folder = tempfile::tempdir().unwrap();
    let cabinet = Cabinet::open(folder.path(), MEMORY).unwrap();
    let mut chance = ChaCha8Rng::seed_from_u64(2);
    let mut held = 0;
    for _ in 0..20 {
        let writing = cabinet.write().unwrap();
        let mut shelf = writing.shelf().unwrap();
        for _ in 0..50 {
            let mut id = [0; 32];
            chance.fill_bytes(&mut id);
            let size = [2_048, 4_096, 8_192, 16_384, 65_536][below(&mut chance, 5)];
            // With a few bytes that the node may keep beside an envelope.
            shelf
                .put(ShelfTable::Envelopes, &id, &vec![1; size + 40])
                .unwrap();
            held += size;
        }
        drop(shelf);
        writing.commit().unwrap();
    }
    let writing = cabinet.write().unwrap();
    let statistics = writing.0.stats().unwrap();
    let pages = statistics.allocated_pages() * statistics.page_size() as u64;
    // Whole, they would take twice what they hold.
    assert!(pages < held as u64 * 13 / 10, "{pages} bytes for {held}");
}

#[test]
fn a_first_start_that_was_killed_is_begun_anew() {
    let begins = |file: &str, bytes: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), bytes).unwrap();
        let opened = Cabinet::open(folder.path(), MEMORY);
        assert_eq!(opened.err(), None, "{file} of {} bytes", bytes.len());
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "something else stays beside the file");
    };
    begins(FILE, &[]);
    begins("cache.new", &[7; 100_000]);
    // As redb makes it: long, then a first page, then at last what it is.
    let mut unused = vec![0; 1 << 20];
    begins(FILE, &unused);
    unused[9..300].fill(1);
    begins(FILE, &unused);

    // Whatever was used is kept.
    unused[5000] = 1;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), &unused).unwrap();
    let opened = Cabinet::open(folder.path(), MEMORY);
    assert_eq!(opened.err(), Some(ShelfError::Damaged));
    assert_eq!(std::fs::read(folder.path().join(FILE)).unwrap(), unused);
}
