//! The 2,048 English words of [BIP-39](https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki), and 24 of them
//! for 32 bytes.
//!
//! The list lies in cells of eight letters, so that the place of a word in memory is all that its number
//! decides, and no table of where the words begin is loaded. The tests hold list and sentences to the `bip39` crate.

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// The longest word, in letters.
const LETTERS: usize = 8;
/// Bytes that a word never exceeds, with the space before it.
const WORD_BYTES: usize = LETTERS + 1;
/// How much of a sentence one word is.
const BITS: usize = 11;
const WORDS: usize = 1 << BITS;
/// What may wait to be a whole word or byte: at most 10 bits and the next 8, or 7 and the next 11.
const MASK: usize = (1 << 18) - 1;

/// Every word, filled up with zeros.
static CELLS: [[u8; LETTERS]; WORDS] = cells(include_bytes!("words.txt"));

/// 32 bytes and the first byte of their SHA-256: 24 words of 11 bits.
type Sentence = Zeroizing<[u8; 33]>;

/// Why words are no sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SentenceError {
    /// A word that is not on the list, counted from 0.
    Unknown(usize),
    /// Too few or too many, or they do not belong together.
    Checksum,
}

/// So many words drawn at random, 11 bits each, separated by single spaces.
pub(crate) fn draw_words(count: usize, rng: &mut (impl CryptoRng + ?Sized)) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(count * WORD_BYTES));
    for _ in 0..count {
        let mut number = [0; 2];
        rng.fill_bytes(&mut number);
        // 2,048 divides 65,536: no word is likelier than another.
        push(&mut text, usize::from(u16::from_be_bytes(number)) % WORDS);
        number.zeroize();
    }
    text
}

/// The words that write 32 bytes down, separated by single spaces.
pub(crate) fn to_words(secret: &[u8; 32]) -> Zeroizing<String> {
    let mut sentence = Sentence::new([0; 33]);
    let check = checksum(secret);
    let bytes = secret.iter().chain([&check]);
    sentence
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = *from);
    let mut text = Zeroizing::new(String::with_capacity(24 * WORD_BYTES));
    let (mut waiting, mut bits) = (0_usize, 0);
    for byte in sentence.iter() {
        waiting = (waiting << 8 | usize::from(*byte)) & MASK;
        bits += 8;
        if bits >= BITS {
            bits -= BITS;
            push(&mut text, waiting >> bits & (WORDS - 1));
        }
    }
    waiting.zeroize();
    text
}

/// The 32 bytes that words in lower case write down.
pub(crate) fn from_words<'a>(
    words: impl Iterator<Item = &'a str>,
) -> Result<Zeroizing<[u8; 32]>, SentenceError> {
    let mut sentence = Sentence::new([0; 33]);
    let mut room = sentence.iter_mut();
    let (mut waiting, mut bits) = (0_usize, 0);
    for (place, word) in words.enumerate() {
        let number = number(word).ok_or(SentenceError::Unknown(place))?;
        waiting = (waiting << BITS | number) & MASK;
        bits += BITS;
        while bits >= 8 {
            bits -= 8;
            let byte = room.next().ok_or(SentenceError::Checksum)?;
            *byte = (waiting >> bits & 0xff) as u8;
        }
    }
    waiting.zeroize();
    let full = room.next().is_none();
    match sentence.split_last_chunk::<1>() {
        Some((secret, [check])) if full => {
            let secret: &[u8; 32] = secret.try_into().map_err(|_| SentenceError::Checksum)?;
            if checksum(secret) == *check {
                Ok(Zeroizing::new(*secret))
            } else {
                Err(SentenceError::Checksum)
            }
        }
        _ => Err(SentenceError::Checksum),
    }
}

fn checksum(secret: &[u8; 32]) -> u8 {
    let [first, ..] = <[u8; 32]>::from(Sha256::digest(secret));
    first
}

fn push(text: &mut String, number: usize) {
    if !text.is_empty() {
        text.push(' ');
    }
    let cell = CELLS.get(number).unwrap_or(&[0; LETTERS]);
    let letters = cell.iter().filter(|letter| **letter != 0);
    text.extend(letters.map(|letter| char::from(*letter)));
}

fn number(word: &str) -> Option<usize> {
    if !word.bytes().all(|letter| letter.is_ascii_lowercase()) {
        return None;
    }
    let mut cell = [0; LETTERS];
    let room = cell.get_mut(..word.len())?;
    room.copy_from_slice(word.as_bytes());
    let number = CELLS.binary_search(&cell).ok();
    cell.zeroize();
    number
}

/// Evaluated when this is compiled, where a word too many or too long is an error.
#[expect(
    clippy::indexing_slicing,
    reason = "iterators do not run at compile time"
)]
const fn cells(lines: &[u8]) -> [[u8; LETTERS]; WORDS] {
    let mut cells = [[0; LETTERS]; WORDS];
    let (mut at, mut word, mut letter) = (0, 0, 0);
    while at < lines.len() {
        if lines[at] == b'\n' {
            word += 1;
            letter = 0;
        } else {
            cells[word][letter] = lines[at];
            letter += 1;
        }
        at += 1;
    }
    assert!(word == WORDS, "2,048 words");
    cells
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bip39::{Language, Mnemonic};

    use super::*;

    fn word(number: usize) -> String {
        let mut text = String::new();
        push(&mut text, number);
        text
    }

    #[test]
    fn the_list_is_that_of_bip_39() {
        for (place, expected) in Language::English.word_list().iter().enumerate() {
            assert_eq!(word(place), *expected);
            assert_eq!(number(expected), Some(place));
        }
        for other in [
            "",
            "zoos",
            "abando",
            "abandone",
            "abandoned",
            "Zoo",
            "zoo\0",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn sentences_are_those_of_bip_39() {
        for seed in 0..=255_u8 {
            let secret = <[u8; 32]>::from(Sha256::digest([seed]));
            let theirs = Mnemonic::from_entropy_in(Language::English, &secret).unwrap();
            let ours = to_words(&secret);
            assert_eq!(*ours, theirs.words().collect::<Vec<_>>().join(" "));
            assert_eq!(*from_words(ours.split(' ')).unwrap(), secret);
            let turned = ours.split(' ').skip(1).chain(ours.split(' ').take(1));
            let read = Mnemonic::parse_in_normalized(
                Language::English,
                &turned.clone().collect::<Vec<_>>().join(" "),
            );
            assert_eq!(from_words(turned).is_ok(), read.is_ok(), "{seed}");
        }
    }

    #[test]
    fn too_few_and_too_many_words_are_no_sentence() {
        for count in [0, 1, 12, 23, 25, 48] {
            let words = std::iter::repeat_n("abandon", count);
            assert_eq!(from_words(words), Err(SentenceError::Checksum), "{count}");
        }
    }
}
