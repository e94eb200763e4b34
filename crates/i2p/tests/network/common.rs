//! What the tests share: one network, one log, and waiting for conditions.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use komrade_i2p::{
    Address, DestinationKeys,
    net::{
        ConnectError, PrivateNetwork, PrivateOptions, QUIET, RouterHandle, RouterStage, Sam,
        SamStream, Session, SessionKeys, SessionOptions,
    },
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

/// For anything on the private network; its first tunnels take 10 to 15 seconds on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(100);

/// Two tunnels each way through two routers: the private network has few to choose from.
pub const OPTIONS: SessionOptions = SessionOptions {
    quantity: 2,
    length: 2,
    accepts: 4,
};

struct Shared {
    network: PrivateNetwork,
    folder: TempDir,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        // On a thread and runtime of its own: the test that comes first must not be the network's end.
        std::thread::spawn(|| {
            let folder = tempfile::tempdir().unwrap();
            let options = PrivateOptions::new(folder.path());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let network = runtime.block_on(PrivateNetwork::start(options)).unwrap();
            Shared { network, folder }
        })
        .join()
        .unwrap()
    })
}

/// The bridge of one of the network's routers.
pub fn bridge(number: usize) -> Sam {
    Sam::new(&shared().network.sam_addresses()[number].to_string())
}

/// The folder of its router infos.
pub fn folder() -> &'static Path {
    shared().folder.path()
}

pub fn keys(seed: u8) -> DestinationKeys {
    DestinationKeys::generate(&mut ChaCha20Rng::from_seed([seed; 32]))
}

pub async fn session(sam: &Sam, keys: &DestinationKeys) -> Session {
    let session = sam.session(SessionKeys::Private(keys), OPTIONS);
    timeout(PATIENCE, session)
        .await
        .expect("a session in time")
        .expect("a session")
}

/// Connects, again while the address is not published yet.
pub async fn connect(from: &Session, to: Address) -> SamStream {
    let until = Instant::now() + PATIENCE;
    loop {
        match from.connect(to).await {
            Ok(stream) => return stream,
            Err(ConnectError::Unreachable | ConnectError::TimedOut) if Instant::now() < until => {
                sleep(Duration::from_millis(200)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Answers every stream of a session with the bytes that come, until the caller stops writing.
pub async fn echo(session: &Session) {
    let mut streams = tokio::task::JoinSet::new();
    while let Ok((mut stream, _)) = session.accept().await {
        streams.spawn(async move {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read) = stream.read(&mut buffer).await {
                if read == 0 || stream.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
        });
    }
}

/// Sends a few bytes there and back.
pub async fn exchange(from: &Session, to: Address) {
    let exchange = async {
        let mut stream = connect(from, to).await;
        stream.write_all(b"solidarity").await.unwrap();
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"solidarity");
    };
    timeout(PATIENCE, exchange).await.expect("bytes in time");
}

/// Waits for a stage.
pub async fn stage(router: &RouterHandle, wanted: impl FnMut(&RouterStage) -> bool) -> RouterStage {
    let mut stages = router.stages();
    let reached = timeout(PATIENCE, stages.wait_for(wanted)).await;
    match reached {
        Ok(Ok(stage)) => *stage,
        Ok(Err(_)) => panic!("the supervisor ended"),
        Err(_) => panic!("still {:?}", *router.stages().borrow()),
    }
}

pub fn is_ready(stage: &RouterStage) -> bool {
    matches!(stage, RouterStage::Ready { .. })
}

/// Everything this process logs, at the finest level.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn start() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            tracing_subscriber::fmt()
                .with_env_filter(format!("trace,{QUIET}"))
                .with_ansi(false)
                .with_writer(move || writer.clone())
                .init();
            log
        })
        .clone()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The program that runs a private network.
pub fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_komrade-i2p-private").into()
}
