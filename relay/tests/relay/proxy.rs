//! A TCP proxy before a SAM bridge, which can die and come back.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub struct Proxy {
    address: SocketAddr,
    to: SocketAddr,
    running: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self {
            address,
            to,
            running: tokio::spawn(run(listener, to)),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection and refuses new ones.
    pub async fn kill(&mut self) {
        self.running.abort();
        let _ = (&mut self.running).await;
    }

    /// Listens again where it did before.
    pub async fn revive(&mut self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        self.running = tokio::spawn(run(socket.listen(64).unwrap(), self.to));
    }
}

async fn run(listener: TcpListener, to: SocketAddr) {
    // Ends with this future.
    let mut connections = JoinSet::new();
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        connections.spawn(async move {
            let mut far = TcpStream::connect(to).await.unwrap();
            // However it ends, it ends.
            let _ = copy_bidirectional(&mut near, &mut far).await;
        });
    }
}
