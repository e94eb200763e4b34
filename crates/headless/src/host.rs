//! What tokio gives the driver.

use std::{
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use getrandom::SysRng;
use komrade_crypto::vault::StretchJob;
use komrade_drive::Host;
use komrade_view::Millis;
use rand_core::UnwrapErr;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::socket::{self, Socket};

pub(crate) struct Tokio;

impl Host for Tokio {
    type Socket = Socket;
    type Rng = UnwrapErr<SysRng>;

    async fn connect(&self, url: &str) -> io::Result<Socket> {
        socket::connect(url).await
    }

    async fn sleep(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a host is where the clock is read"
    )]
    fn now(&self) -> Millis {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Millis::try_from(since_epoch.as_millis()).unwrap_or(Millis::MAX)
    }

    fn rng(&self) -> Self::Rng {
        UnwrapErr(SysRng)
    }

    async fn stretch(&self, job: StretchJob) -> Option<Zeroizing<[u8; 32]>> {
        tokio::task::spawn_blocking(move || job.run(nfkd).ok())
            .await
            .ok()
            .flatten()
    }
}

fn nfkd(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.nfkd().collect())
}
