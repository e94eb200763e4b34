#![allow(clippy::unwrap_used)]

use komrade_wire::link::{self, Initiator};
use tokio::io::DuplexStream;
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::*;
use crate::node::keys::NodeKeys;

type Near = Compat<DuplexStream>;
type Far = LinkWriter<WriteHalf<Near>>;

const IDLE: Duration = Duration::from_secs(60);
/// Whoever says something so often is never silent.
const OFTEN: Duration = Duration::from_secs(20);

/// A line on which one envelope waits for its answer, and what the other relay says on it.
async fn line() -> (Line<ReadHalf<Near>>, Far) {
    let folder = tempfile::tempdir().unwrap();
    let keys = NodeKeys::read_or_create(folder.path()).unwrap();
    let (near, far) = tokio::io::duplex(64 * 1024);
    let accept = async {
        let never = std::future::pending;
        let accepting = link::accept(far.compat(), never()).await.unwrap();
        let mut chance = random::source().unwrap();
        accepting.node(keys.private(), &mut chance, never()).await
    };
    let start = Initiator::node(&keys.public(), &mut random::source().unwrap()).unwrap();
    let dial = link::dial(near.compat(), start, std::future::pending());
    let (near, far) = tokio::join!(dial, accept);
    let mut line = Line::new(near.unwrap().0);
    line.sent.push_back((SENT, 7, 2048));
    (line, far.unwrap().1)
}

const SENT: EnvelopeId = EnvelopeId([1; 32]);

/// Answers something that was never sent, and says what nobody knows, for ever.
async fn babble(far: &mut Far) {
    loop {
        let id = EnvelopeId([2; 32]);
        let outcome = Outcome::Accepted;
        far.send(&Frame::Ack { id, outcome }.encode())
            .await
            .unwrap();
        far.send(&[1, 200, 7]).await.unwrap();
        sleep(OFTEN).await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_an_answer_to_what_was_sent_is_waited_for() {
    let (mut line, mut far) = line().await;
    let began = line.moved;
    let heard = tokio::select! {
        heard = line.answers() => heard,
        () = babble(&mut far) => unreachable!(),
        () = sleep(ANSWER_DEADLINE * 3) => Ok((vec![], Ok(()))),
    };
    assert_eq!(heard, Err(Failed));
    assert!(began.elapsed() < ANSWER_DEADLINE + OFTEN);

    // With an answer there is time again.
    line.moved = Instant::now();
    let outcome = Outcome::Accepted;
    let frame = Frame::Ack { id: SENT, outcome };
    far.send(&frame.encode()).await.unwrap();
    sleep(OFTEN).await;
    assert_eq!(line.answers().await, Ok((vec![(7, outcome)], Ok(()))));
    assert_eq!(line.on_the_way(), 0);
    assert_eq!(line.moved, Instant::now());
}

#[tokio::test(start_paused = true)]
async fn what_others_leave_and_what_is_babbled_keeps_no_idle_link() {
    let (mut line, mut far) = line().await;
    let (tell, mut left) = watch::channel(0);
    let others_leave = async {
        loop {
            sleep(OFTEN).await;
            tell.send_replace(0);
        }
    };
    let idle = async { while line.wait_for_more(&mut left, IDLE).await == Ok(true) {} };
    let began = Instant::now();
    tokio::select! {
        () = idle => {}
        () = babble(&mut far) => {}
        () = others_leave => {}
        () = sleep(IDLE * 3) => {}
    }
    assert!(began.elapsed() < IDLE + OFTEN);
}
