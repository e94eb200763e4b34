//! A wire that can be cut, and mended.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A TCP port that leads to another one, as long as it is whole.
pub struct Wire {
    address: SocketAddr,
    whole: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Wire {
    /// Lays a wire to `far`.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn to(far: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (whole, wholeness) = watch::channel(true);
        let listening = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut wholeness = wholeness.clone();
                tokio::spawn(async move {
                    if !*wholeness.borrow_and_update() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(far).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = wholeness.changed() => {}
                    }
                });
            }
        });
        Ok(Self {
            address,
            whole,
            listening,
        })
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection; new ones end at once until it is mended.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
