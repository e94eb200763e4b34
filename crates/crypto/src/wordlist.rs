//! The 2,048 English words of BIP-39.

use bip39::Language;
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

/// Bytes that a word never exceeds (eight letters and a space).
const WORD_BYTES: usize = 9;

/// So many words drawn at random, 11 bits each, separated by single spaces.
pub(crate) fn draw_words(count: usize, rng: &mut (impl CryptoRng + ?Sized)) -> Zeroizing<String> {
    let list = Language::English.word_list();
    let mut text = Zeroizing::new(String::with_capacity(count * WORD_BYTES));
    for _ in 0..count {
        let mut number = [0; 2];
        rng.fill_bytes(&mut number);
        // 2,048 divides 65,536: no word is likelier than another.
        let word = list.get(usize::from(u16::from_be_bytes(number)) % list.len());
        number.zeroize();
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word.copied().unwrap_or_default());
    }
    text
}
