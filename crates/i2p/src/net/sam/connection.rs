//! One TCP connection to a bridge: lines out, replies in, one at a time.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use zeroize::Zeroizing;

use super::{HELLO_LIMIT, LOOKUP_LIMIT, QUIT_LIMIT, SamError, SamStream};
use crate::{
    Address,
    reply::{MAX_LINE_BYTES, Outcome, Reply, Topic},
};

/// Bytes read ahead on a connection: a line or two. Larger reads of a stream pass it by.
const READ_AHEAD_BYTES: usize = 2_048;

/// The version spoken: the newest whose bridges never ask anything of a client.
const HELLO: &str = "HELLO VERSION MIN=3.1 MAX=3.1\n";
/// Ends a session at once. Bridges that do not know it end the connection over it, which is as good.
const QUIT: &str = "QUIT\n";
const LOOKUP_ME: &str = "NAMING LOOKUP NAME=ME\n";

/// A connection whose `HELLO` is done.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    /// What arrived of a line that is not complete; zeroized since a session's reply repeats the private blob.
    partial: Zeroizing<Vec<u8>>,
}

impl Connection {
    /// Connects and says hello, within [`HELLO_LIMIT`] together.
    pub(super) async fn open(host_port: &str) -> Result<Self, SamError> {
        let open = async {
            let stream = TcpStream::connect(host_port)
                .await
                .map_err(|_| SamError::BridgeGone)?;
            // Links send small frames and wait for their answers.
            stream.set_nodelay(true).map_err(|_| SamError::BridgeGone)?;
            let mut connection = Self {
                stream: BufReader::with_capacity(READ_AHEAD_BYTES, stream),
                partial: Zeroizing::new(Vec::with_capacity(MAX_LINE_BYTES)),
            };
            match connection.ask(HELLO, Topic::Hello, HELLO_LIMIT).await? {
                Outcome::Ok => Ok(connection),
                _ => Err(SamError::Foreign),
            }
        };
        timeout(HELLO_LIMIT, open)
            .await
            .map_err(|_| SamError::TimedOut)?
    }

    /// Writes a line and waits for its answer.
    pub(super) async fn ask(
        &mut self,
        line: &str,
        topic: Topic,
        limit: Duration,
    ) -> Result<Outcome, SamError> {
        let answer = self.exchange(line, limit).await?;
        let reply = Reply::parse(&answer).map_err(|_| SamError::Foreign)?;
        if reply.topic == topic {
            Ok(reply.outcome)
        } else {
            Err(SamError::Foreign)
        }
    }

    /// Asks which destination the session on this connection hosts.
    pub(super) async fn lookup_me(&mut self) -> Result<Address, SamError> {
        let answer = self.exchange(LOOKUP_ME, LOOKUP_LIMIT).await?;
        match Reply::parse(&answer) {
            Ok(Reply {
                topic: Topic::Naming,
                outcome: Outcome::Ok,
                value: Some(value),
            }) => Address::of_any_destination(value).map_err(|_| SamError::Foreign),
            _ => Err(SamError::Foreign),
        }
    }

    /// Ends the session on this connection. Without, emissary would hold on to its destination for 60 seconds.
    pub(super) async fn quit(mut self) {
        // There is nobody left to tell of a failure.
        let _ = timeout(QUIT_LIMIT, self.stream.write_all(QUIT.as_bytes())).await;
    }

    async fn exchange(
        &mut self,
        line: &str,
        limit: Duration,
    ) -> Result<Zeroizing<String>, SamError> {
        let exchange = async {
            self.stream
                .write_all(line.as_bytes())
                .await
                .map_err(|_| SamError::BridgeGone)?;
            self.line().await
        };
        timeout(limit, exchange)
            .await
            .map_err(|_| SamError::TimedOut)?
    }

    /// The next line. Nothing is lost when the future is dropped before it is complete.
    ///
    /// Some answers end with the connection instead of a line feed; a connection that ends without a word is
    /// [`SamError::BridgeGone`].
    pub(super) async fn line(&mut self) -> Result<Zeroizing<String>, SamError> {
        loop {
            let arrived = self
                .stream
                .fill_buf()
                .await
                .map_err(|_| SamError::BridgeGone)?;
            let feed = arrived.iter().position(|&byte| byte == b'\n');
            let (taken, complete) = match feed {
                Some(at) => (arrived.get(..at).unwrap_or_default(), true),
                None => (arrived, arrived.is_empty()),
            };
            if self.partial.len() + taken.len() > MAX_LINE_BYTES {
                return Err(SamError::Foreign);
            }
            self.partial.extend_from_slice(taken);
            let consumed = taken.len() + usize::from(feed.is_some());
            self.stream.consume(consumed);
            if !complete {
                continue;
            }
            if feed.is_none() && self.partial.is_empty() {
                return Err(SamError::BridgeGone);
            }
            let line =
                std::str::from_utf8(&self.partial).map(|text| Zeroizing::new(text.to_owned()));
            self.partial.clear();
            return line.map_err(|_| SamError::Foreign);
        }
    }

    /// The stream that follows the last answer.
    pub(super) fn into_stream(self) -> SamStream {
        SamStream::new(self.stream)
    }
}
