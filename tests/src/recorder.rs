//! Who watches the line: a proxy that keeps every byte, in front of a relay or of a SAM bridge.
//!
//! What a browser sends over a WebSocket is masked (RFC 6455 §5.3), so it is unmasked here before anything is looked
//! for: otherwise even plaintext would never be found.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// All bytes of one direction of one connection.
type Track = Arc<Mutex<Vec<u8>>>;

/// A proxy that keeps every byte.
pub struct Recorder {
    listen: SocketAddr,
    tracks: Arc<Mutex<Vec<Track>>>,
}

impl Recorder {
    /// Listens on loopback and passes everything on to `to`.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start(to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let recorder = Self {
            listen: listener.local_addr()?,
            tracks: Arc::default(),
        };
        let tracks = Arc::clone(&recorder.tracks);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(to).await else {
                    continue;
                };
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                for (read, write) in [(near_read, far_write), (far_read, near_write)] {
                    let track = Track::default();
                    lock(&tracks).push(Arc::clone(&track));
                    tokio::spawn(pass(read, write, track));
                }
            }
        });
        Ok(recorder)
    }

    /// Where it listens.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// How many bytes were kept.
    pub fn bytes(&self) -> usize {
        lock(&self.tracks)
            .iter()
            .map(|track| lock(track).len())
            .sum()
    }

    /// Whether `needle` was readable anywhere: as it passed, or inside the messages of a WebSocket.
    pub fn saw(&self, needle: &[u8]) -> bool {
        lock(&self.tracks).iter().any(|track| {
            let track = lock(track);
            contains(&track, needle) || contains(&messages(&track), needle)
        })
    }
}

async fn pass(mut read: OwnedReadHalf, mut write: OwnedWriteHalf, track: Track) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count) = read.read(&mut buffer).await {
        let bytes = buffer.get(..count).unwrap_or_default();
        lock(&track).extend_from_slice(bytes);
        if count == 0 || write.write_all(bytes).await.is_err() {
            break;
        }
    }
    // The other side learns of the end; if it is gone already there is nobody to tell.
    let _ = write.shutdown().await;
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The payloads of all WebSocket frames after the head of an upgrade, unmasked and joined; empty if it is none.
fn messages(bytes: &[u8]) -> Vec<u8> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Vec::new();
    };
    let (head, mut rest) = bytes.split_at(head + 4);
    if !String::from_utf8_lossy(head)
        .to_lowercase()
        .contains("upgrade: websocket")
    {
        return Vec::new();
    }
    let mut out = Vec::new();
    while let Some((payload, next)) = frame(rest) {
        out.extend(payload);
        rest = next;
    }
    out
}

/// One frame: its payload, unmasked, and what follows it.
fn frame(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (&[_, second], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (mask, rest) = if second & 0x80 == 0 {
        ([0; 4], rest)
    } else {
        let (mask, rest) = rest.split_first_chunk::<4>()?;
        (*mask, rest)
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    let unmasked = payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask);
    Some((unmasked.collect(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_masks_is_read_all_the_same() {
        let mut bytes = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n".to_vec();
        bytes.extend([
            0x82,
            0x85,
            1,
            2,
            3,
            4,
            b'h' ^ 1,
            b'e' ^ 2,
            b'l' ^ 3,
            b'l' ^ 4,
            b'o' ^ 1,
        ]);
        assert!(!contains(&bytes, b"hello"));
        assert!(contains(&messages(&bytes), b"hello"));
    }
}
