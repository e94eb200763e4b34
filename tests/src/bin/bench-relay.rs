//! A stream through the relay beside the same stream on raw SAM, in one run.
//!
//! Both end at an echo on the same private I2P network, through the same router's bridge, so that what differs is the relay alone: WebSocket,
//! multiplexer, pump. Rounds are interleaved and the median is compared, because I2P itself varies far more than the relay.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::{AsyncReadExt, AsyncWriteExt};
use komrade_i2p::net::{ConnectError, Sam, SamStream, Session, SessionKeys, SessionOptions};
use komrade_tests::{Member, Network, Relay, RelaySettings};
use komrade_wire::{
    greeting,
    header::{Header, Opened},
    mux::MuxStream,
};
use tokio_util::compat::TokioAsyncReadCompatExt;

/// The payload of one round, each way.
const BLOCK: usize = 64 * 1024;
/// Pairs of rounds with a full block.
const BLOCKS: usize = 60;
/// Pairs of rounds with one small message.
const PINGS: usize = 200;
/// For the first connections, which wait for tunnels.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> Result<()> {
    let network = Network::start()?;
    let relay = Relay::start(RelaySettings::Sam(network.sam().to_owned()))?;
    let sam = Sam::new(network.sam());
    let plain = echo(&sam, false).await?;
    let greeted = echo(&sam, true).await?;
    let caller = sam
        .session(
            SessionKeys::Transient,
            SessionOptions::default().connecting(),
        )
        .await?;
    let mut raw = connect(&caller, plain.address()).await?.compat();
    let member = Member::join(&relay, 7).await?;
    let mut relayed = through(&member, *greeted.address().as_bytes()).await?;
    for _ in 0..5 {
        round(&mut raw, BLOCK).await?;
        round(&mut relayed, BLOCK).await?;
    }
    let (mut raw_blocks, mut relay_blocks, mut raw_pings, mut relay_pings) =
        (vec![], vec![], vec![], vec![]);
    for _ in 0..BLOCKS {
        raw_blocks.push(round(&mut raw, BLOCK).await?);
        relay_blocks.push(round(&mut relayed, BLOCK).await?);
    }
    for _ in 0..PINGS {
        raw_pings.push(round(&mut raw, 64).await?);
        relay_pings.push(round(&mut relayed, 64).await?);
    }
    let (raw_block, relay_block) = (median(raw_blocks), median(relay_blocks));
    let (raw_ping, relay_ping) = (median(raw_pings), median(relay_pings));
    let rate = |time: Duration| 2.0 * BLOCK as f64 / 1024.0 / time.as_secs_f64();
    println!("64 KiB there and back, median of {BLOCKS} interleaved pairs");
    println!(
        "  raw SAM         {:>9.3} ms  {:>9.0} KiB/s",
        millis(raw_block),
        rate(raw_block)
    );
    println!(
        "  through a relay {:>9.3} ms  {:>9.0} KiB/s",
        millis(relay_block),
        rate(relay_block)
    );
    println!(
        "  throughput      {:>9.1} % of raw SAM",
        100.0 * rate(relay_block) / rate(raw_block)
    );
    println!("64 bytes there and back, median of {PINGS} interleaved pairs");
    println!("  raw SAM         {:>9.3} ms", millis(raw_ping));
    println!("  through a relay {:>9.3} ms", millis(relay_ping));
    println!(
        "  added latency   {:>9.3} ms",
        millis(relay_ping) - millis(raw_ping)
    );
    Ok(())
}

/// A session that echoes every stream, after the relays' greeting where that is expected.
async fn echo(sam: &Sam, greeted: bool) -> Result<std::sync::Arc<Session>> {
    let session = std::sync::Arc::new(
        sam.session(SessionKeys::Transient, SessionOptions::default())
            .await?,
    );
    let hosted = std::sync::Arc::clone(&session);
    tokio::spawn(async move {
        while let Ok((stream, _)) = hosted.accept().await {
            tokio::spawn(async move {
                let mut stream = stream.compat();
                if greeted {
                    greeting::wait(&mut stream).await?;
                    greeting::reply(&mut stream, greeting::Status::Connected).await?;
                }
                let (mut reader, mut writer) = stream.split();
                let mut buffer = vec![0; BLOCK];
                loop {
                    let count = reader.read(&mut buffer).await?;
                    if count == 0 {
                        return anyhow::Ok(());
                    }
                    writer
                        .write_all(buffer.get(..count).unwrap_or_default())
                        .await?;
                    writer.flush().await?;
                }
            });
        }
    });
    Ok(session)
}

/// Connects as soon as the address is published.
async fn connect(session: &Session, address: komrade_i2p::Address) -> Result<SamStream> {
    let attempt = async {
        loop {
            match session.connect(address).await {
                Err(ConnectError::Unreachable) => {}
                result => return result.context("raw SAM"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, attempt).await?
}

/// A stream through the relay to `address`.
async fn through(member: &Member, address: [u8; 32]) -> Result<MuxStream> {
    let attempt = async {
        loop {
            let (stream, opened) = member.open(Header::Dial { address }).await?;
            if opened == Opened::Connected {
                return Ok(stream);
            }
        }
    };
    tokio::time::timeout(PATIENCE, attempt).await?
}

/// Sends `bytes` and waits until as many are back.
async fn round<S>(stream: &mut S, bytes: usize) -> Result<Duration>
where
    S: futures::AsyncRead + futures::AsyncWrite + Unpin,
{
    let started = Instant::now();
    let (mut reader, mut writer) = stream.split();
    let sent = vec![0x5a; bytes];
    let mut back = vec![0; bytes];
    futures::try_join!(
        async {
            writer.write_all(&sent).await?;
            writer.flush().await
        },
        reader.read_exact(&mut back),
    )?;
    if back != sent {
        bail!("the echo is not what was sent");
    }
    Ok(started.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
