//! What vodozemac draws: from the seed, in the build that is made for it.
//!
//! vodozemac takes no random source. Built with `--cfg getrandom_backend="custom"`, everything that would ask the
//! system is answered here, from a stream of the thread; each world runs on a thread of its own. In any other build
//! nothing is changed, and what depends on those keys is left out of transcripts.

/// Whether the whole world is drawn from the seed.
pub const IS_SEEDED: bool = cfg!(getrandom_backend = "custom");

/// Begins this thread's stream. Call it before anything else on a thread.
pub(crate) fn begin(seed: u64) {
    #[cfg(getrandom_backend = "custom")]
    backend::begin(seed);
    #[cfg(not(getrandom_backend = "custom"))]
    let _ = seed;
}

#[cfg(getrandom_backend = "custom")]
#[allow(
    unsafe_code,
    reason = "getrandom calls its custom back end through a raw pointer"
)]
mod backend {
    use std::cell::RefCell;

    use rand_chacha::{
        ChaCha20Rng,
        rand_core::{Rng, SeedableRng},
    };

    thread_local! {
        static STREAM: RefCell<Option<ChaCha20Rng>> = const { RefCell::new(None) };
    }

    pub(super) fn begin(seed: u64) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(u64::MAX);
        STREAM.with(|stream| *stream.borrow_mut() = Some(rng));
    }

    #[unsafe(no_mangle)]
    unsafe extern "Rust" fn __getrandom_v03_custom(
        dest: *mut u8,
        len: usize,
    ) -> Result<(), getrandom::Error> {
        // SAFETY: getrandom hands a buffer of this length that it lets be written.
        unsafe { dest.write_bytes(0, len) };
        // SAFETY: as above, and every byte of it is initialised now.
        let dest = unsafe { std::slice::from_raw_parts_mut(dest, len) };
        STREAM.with(|stream| match stream.borrow_mut().as_mut() {
            Some(rng) => {
                rng.fill_bytes(dest);
                Ok(())
            }
            None => Err(getrandom::Error::UNSUPPORTED),
        })
    }
}
