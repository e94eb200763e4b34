//! A wire between members and their relay that can be cut.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub struct Wire {
    address: SocketAddr,
    cuts: watch::Sender<u32>,
    listening: JoinHandle<()>,
}

impl Wire {
    pub async fn to(relay: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cuts, _) = watch::channel(0);
        let cutting = cuts.clone();
        let listening = tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut cut = cutting.subscribe();
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(relay).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            cuts,
            listening,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection; new ones can be made.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
