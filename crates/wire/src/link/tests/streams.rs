//! Links over streams, and streams that stall or are cut.

use futures::{AsyncReadExt, AsyncWriteExt, future::ready};
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::*;

fn never() -> std::future::Pending<()> {
    std::future::pending()
}

#[tokio::test]
async fn links_over_streams() {
    let (near, far) = tokio::io::duplex(1_000);
    let there = async {
        let accepting = accept(far.compat(), never()).await.unwrap();
        assert_eq!(accepting.preamble(), Preamble::Comrade(HINT));
        let (mut reader, mut writer) = accepting.comrade(&KEY, &mut rng(2), never()).await.unwrap();
        while let Some(frame) = reader.next().await.unwrap() {
            writer.send(&frame).await.unwrap();
        }
        writer.close().await.unwrap();
    };
    let here = async {
        let start = Initiator::comrade(HINT, &KEY, &mut rng(1)).unwrap();
        let (mut reader, mut writer) = dial(near.compat(), start, never()).await.unwrap();
        for length in [1, 5_000, MAX_LINK_FRAME] {
            let frame = vec![length as u8; length];
            let sent = writer.send(&frame);
            let (sent, back) = futures::join!(sent, reader.next());
            sent.unwrap();
            assert_eq!(back.unwrap(), Some(frame));
        }
        let several = [vec![1; 10], vec![2; 900], vec![3; 70_000]];
        let back = async {
            let mut back = Vec::new();
            while back.len() < several.len() {
                back.extend(reader.next().await.unwrap());
            }
            back
        };
        let (sent, back) = futures::join!(writer.send_all(&several), back);
        sent.unwrap();
        assert_eq!(back, several);
        writer.close().await.unwrap();
        assert_eq!(reader.next().await, Ok(None));
    };
    futures::join!(here, there);
}

#[tokio::test]
async fn a_handshake_that_stalls_ends_at_the_deadline() {
    let (near, far) = tokio::io::duplex(1_000);
    let start = Initiator::comrade(HINT, &KEY, &mut rng(1)).unwrap();
    assert_eq!(
        dial(near.compat(), start, ready(())).await.map(|_| ()),
        Err(LinkError::Deadline)
    );
    let (_near, far2) = tokio::io::duplex(1_000);
    assert_eq!(
        accept(far2.compat(), ready(())).await.map(|_| ()),
        Err(LinkError::Deadline)
    );
    drop(far);
}

#[tokio::test]
async fn a_stream_that_is_cut_says_where() {
    // Within the preamble, within the first message.
    let (_, _, start) = started();
    for length in [1, 10, 30] {
        let (mut near, far) = tokio::io::duplex(1_000);
        tokio::io::AsyncWriteExt::write_all(&mut near, &start[..length])
            .await
            .unwrap();
        drop(near);
        assert_eq!(
            accept(far.compat(), never()).await.map(|_| ()),
            Err(LinkError::Truncated)
        );
    }
    // Instead of the confirmation: a recording has nothing to say there.
    let (near, far) = tokio::io::duplex(1_000);
    let mut near = near.compat();
    near.write_all(&start).await.unwrap();
    let replay = async {
        near.read_exact(&mut [0; HANDSHAKE_BYTES]).await.unwrap();
        drop(near);
    };
    let accepting = accept(far.compat(), never()).await.unwrap();
    let mut randomness = rng(2);
    let (ended, ()) = futures::join!(accepting.comrade(&KEY, &mut randomness, never()), replay);
    assert_eq!(ended.map(|_| ()), Err(LinkError::Unconfirmed));
}

#[tokio::test]
async fn a_frame_that_is_cut_is_no_end_in_good_order() {
    let (near, far) = tokio::io::duplex(100_000);
    let (mut near, (mut here, there)) = (near.compat(), comrades());
    let sealed = here.sealer.seal(&[1; 1_000]).unwrap();
    near.write_all(&sealed).await.unwrap();
    near.write_all(&sealed[..500]).await.unwrap();
    drop(near);
    let (mut reader, _writer) = stream::halves(far.compat(), there);
    assert_eq!(reader.next().await, Ok(Some(vec![1; 1_000])));
    assert_eq!(reader.next().await, Err(LinkError::Truncated));
}
