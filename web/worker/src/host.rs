//! What the driver gets from a browser.

use std::io;

use getrandom::SysRng;
use gloo_timers::future::TimeoutFuture;
use komrade_crypto::vault::StretchJob;
use komrade_drive::Host;
use komrade_view::Millis;
use komrade_wire::websocket::{ByteStream, MAX_MESSAGE_BYTES};
use rand_core::UnwrapErr;
use zeroize::Zeroizing;

use crate::{socket::Socket, stretch};

/// A browser.
pub struct Browser;

impl Host for Browser {
    type Socket = ByteStream<Socket>;
    /// A browser without randomness must stop before it makes a key.
    type Rng = UnwrapErr<SysRng>;

    async fn connect(&self, url: &str) -> io::Result<Self::Socket> {
        Ok(ByteStream::new(Socket::open(url).await?, MAX_MESSAGE_BYTES))
    }

    async fn sleep(&self, millis: u64) {
        // Browsers count in 31 bits; a longer sleep wakes after 24 days.
        let most = i32::MAX.unsigned_abs();
        TimeoutFuture::new(u32::try_from(millis).unwrap_or(most).min(most)).await;
    }

    fn now(&self) -> Millis {
        // Whole milliseconds since 1970, never negative on a working clock; exact in 53 bits.
        js_sys::Date::now() as Millis
    }

    fn rng(&self) -> Self::Rng {
        UnwrapErr(SysRng)
    }

    async fn stretch(&self, job: StretchJob) -> Option<Zeroizing<[u8; 32]>> {
        stretch::stretch(&job).await
    }
}
