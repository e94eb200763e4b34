//! Links between two drivers whose connections the test joins.

use futures::AsyncReadExt;
use komrade_peer::{DialProgress, LinkId};
use komrade_wire::{
    header::{Header, MAX_HEADER_BYTES, Opened},
    link::{self, MAX_LINK_FRAME},
};

use super::*;

const HINT: [u8; 20] = [4; 20];
const LINK: LinkId = LinkId(2);

fn dial(link: LinkId) -> Effect {
    Effect::Dial {
        relay: ONE,
        link,
        address: [9; 32],
        hint: HINT,
        psk: Zeroizing::new([5; 32]),
    }
}

fn progress(link: LinkId) -> impl FnMut(&Input) -> Option<DialProgress> {
    move |input| match input {
        Input::Dialed {
            link: found,
            progress,
        } if *found == link => Some(*progress),
        _ => None,
    }
}

fn incoming(input: &Input) -> Option<LinkId> {
    match input {
        Input::Incoming {
            link,
            relay: ONE,
            hint: HINT,
        } => Some(*link),
        _ => None,
    }
}

fn frame_on(link: LinkId) -> impl FnMut(&Input) -> Option<Vec<u8>> {
    move |input| match input {
        Input::Frame { link: found, frame } if *found == link => Some(frame.clone()),
        _ => None,
    }
}

fn down(link: LinkId) -> impl FnMut(&Input) -> Option<()> {
    move |input| matches!(input, Input::LinkDown(found) if *found == link).then_some(())
}

/// Takes a stream that a driver opens to dial, and answers.
async fn dialled(far: &mut Far, answer: Opened) -> MuxStream {
    let mut stream = timeout(LONG, far.incoming.next()).await.unwrap().unwrap();
    let header = frame::read(&mut stream, MAX_HEADER_BYTES)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        Header::decode(&header),
        Ok(Header::Dial { address: [9; 32] })
    );
    frame::write(&mut stream, &answer.encode(), MAX_HEADER_BYTES)
        .await
        .unwrap();
    stream
}

#[tokio::test(start_paused = true)]
async fn a_link_to_a_node_proves_the_nodes_key() {
    here(async {
        let (mut rig, mut far) = Rig::connected(&MemoryStore::default()).await;
        let private = [7; 32];
        let public = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(private));
        let open = |link, address, key| Effect::OpenNode {
            relay: ONE,
            link,
            address,
            key,
        };
        let (own, foreign, liar) = (LinkId(2), LinkId(4), LinkId(6));
        let expected = [
            (own, None, public.to_bytes(), DialProgress::Up),
            (foreign, Some([9; 32]), public.to_bytes(), DialProgress::Up),
            (liar, None, [9; 32], DialProgress::Refused),
        ];
        for (link, address, key, ends) in expected {
            rig.has_done([open(link, address, key)]).await;
            let mut stream = timeout(LONG, far.incoming.next()).await.unwrap().unwrap();
            let header = frame::read(&mut stream, MAX_HEADER_BYTES).await;
            let asked = Header::decode(&header.unwrap().unwrap()).unwrap();
            match address {
                None => assert_eq!(asked, Header::Node),
                Some(address) => assert_eq!(asked, Header::Dial { address }),
            }
            let answer = Opened::Connected.encode();
            frame::write(&mut stream, &answer, MAX_HEADER_BYTES)
                .await
                .unwrap();
            let node = spawn_local(async move {
                let accepting = link::accept(stream, tokio::time::sleep(LONG))
                    .await
                    .unwrap();
                let mut rng = ChaCha20Rng::seed_from_u64(1);
                let halves = accepting
                    .node(&private, &mut rng, tokio::time::sleep(LONG))
                    .await;
                if let Ok((_, mut writer)) = halves {
                    writer.send(b"from the node").await.unwrap();
                    std::future::pending::<()>().await;
                }
            });
            let progress = rig
                .until(|input| progress(link)(input).filter(|it| *it != DialProgress::Greeting))
                .await;
            assert_eq!(progress, ends);
            if ends == DialProgress::Up {
                assert_eq!(rig.until(frame_on(link)).await, b"from the node");
            }
            node.abort();
        }
    })
    .await;
}

/// Joins the stream that `from` dials to one that `to` is called by.
async fn join(from: &mut Far, to: &mut Far) {
    let near = dialled(from, Opened::Connected).await;
    let mut far = to.mux.open().await.unwrap();
    frame::write(&mut far, &Header::Incoming.encode(), MAX_HEADER_BYTES)
        .await
        .unwrap();
    let ((from_near, mut to_near), (from_far, mut to_far)) = (near.split(), far.split());
    spawn_local(async move {
        let there = async {
            let _ = futures::io::copy(from_near, &mut to_far).await;
            let _ = futures::AsyncWriteExt::close(&mut to_far).await;
        };
        let back = async {
            let _ = futures::io::copy(from_far, &mut to_near).await;
            let _ = futures::AsyncWriteExt::close(&mut to_near).await;
        };
        futures::join!(there, back);
    });
}

async fn pair() -> ((Rig, Far), (Rig, Far)) {
    let near = Rig::connected(&MemoryStore::default()).await;
    let far = Rig::connected(&MemoryStore::default()).await;
    (near, far)
}

/// Links two drivers; gives the number of the link at the second.
async fn linked(near: &mut (Rig, Far), far: &mut (Rig, Far), link: LinkId) -> LinkId {
    near.0.has_done([dial(link)]).await;
    join(&mut near.1, &mut far.1).await;
    let there = far.0.until(incoming).await;
    assert_eq!(there.0 % 2, 1, "incoming links have odd numbers");
    far.0
        .has_done([Effect::Admit {
            link: there,
            psk: Zeroizing::new([5; 32]),
        }])
        .await;
    far.0
        .until(|input| matches!(input, Input::LinkUp(up) if *up == there).then_some(()))
        .await;
    assert_eq!(near.0.until(progress(link)).await, DialProgress::Greeting);
    assert_eq!(near.0.until(progress(link)).await, DialProgress::Up);
    there
}

#[tokio::test(start_paused = true)]
async fn frames_cross_both_ways_and_a_close_lets_them_through() {
    here(async {
        let (mut near, mut far) = pair().await;
        let there = linked(&mut near, &mut far, LINK).await;
        let frame = vec![1; MAX_LINK_FRAME];
        far.0
            .has_done([Effect::Send {
                link: there,
                frame: frame.clone(),
            }])
            .await;
        assert_eq!(near.0.until(frame_on(LINK)).await, frame);
        let sends = (0..10).map(|n| Effect::Send {
            link: LINK,
            frame: vec![n; 20_000],
        });
        near.0.has_done(sends.chain([Effect::Close(LINK)])).await;
        for n in 0..10 {
            assert_eq!(far.0.until(frame_on(there)).await, vec![n; 20_000]);
        }
        far.0.until(down(there)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_became_of_a_dial_is_told_apart() {
    here(async {
        let mut rig = Rig::new(&MemoryStore::default());
        rig.leads().await;
        rig.has_done([dial(LINK)]).await;
        assert_eq!(rig.until(progress(LINK)).await, DialProgress::Unreachable, "no relay");

        let mut near = Rig::connected(&MemoryStore::default()).await;
        for (answer, expected) in [
            (Opened::Away, DialProgress::Away),
            (Opened::NotReady, DialProgress::Unreachable),
            (Opened::TimedOut, DialProgress::Unreachable),
        ] {
            near.0.has_done([dial(LINK)]).await;
            dialled(&mut near.1, answer).await;
            assert_eq!(near.0.until(progress(LINK)).await, expected);
        }
        // The relay never answers.
        near.0.has_done([dial(LINK)]).await;
        let stream = timeout(LONG, near.1.incoming.next()).await.unwrap().unwrap();
        near.1.pongs().await;
        let silent = async {
            loop {
                near.1.pongs().await;
            }
        };
        let mut told = progress(LINK);
        tokio::select! {
            () = silent => {}
            found = near.0.until(|input| told(input)) => assert_eq!(found, DialProgress::Unreachable),
        }
        drop(stream);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_hold_the_key_is_refused() {
    here(async {
        let (mut near, mut far) = pair().await;
        near.0.has_done([dial(LINK)]).await;
        join(&mut near.1, &mut far.1).await;
        let there = far.0.until(incoming).await;
        far.0
            .has_done([Effect::Admit {
                link: there,
                psk: Zeroizing::new([6; 32]),
            }])
            .await;
        far.0.until(down(there)).await;
        assert_eq!(near.0.until(progress(LINK)).await, DialProgress::Greeting);
        assert_eq!(near.0.until(progress(LINK)).await, DialProgress::Refused);

        let link = LinkId(4);
        near.0.has_done([dial(link)]).await;
        join(&mut near.1, &mut far.1).await;
        let there = far.0.until(incoming).await;
        far.0.has_done([Effect::Close(there)]).await;
        assert_eq!(near.0.until(progress(link)).await, DialProgress::Greeting);
        assert_eq!(
            near.0.until(progress(link)).await,
            DialProgress::Refused,
            "nobody knows the hint"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_stuck_holds_up_no_other_and_is_cut_when_its_queue_is_full() {
    here(async {
        let (mut near, mut far) = pair().await;
        let there = linked(&mut near, &mut far, LINK).await;
        // A second link, to an end that never reads.
        let stuck = LinkId(4);
        near.0.has_done([dial(stuck)]).await;
        let stream = dialled(&mut near.1, Opened::Connected).await;
        let accepting = link::accept(stream, std::future::pending()).await.unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let unread = accepting
            .comrade(&[5; 32], &mut rng, std::future::pending())
            .await
            .unwrap();
        assert_eq!(near.0.until(progress(stuck)).await, DialProgress::Greeting);
        assert_eq!(near.0.until(progress(stuck)).await, DialProgress::Up);

        let many = |count| {
            (0..count).map(move |_| Effect::Send {
                link: stuck,
                frame: vec![7; 65_000],
            })
        };
        near.0.has_done(many(40)).await;
        near.0
            .has_done([Effect::Send {
                link: LINK,
                frame: vec![8],
            }])
            .await;
        assert_eq!(far.0.until(frame_on(there)).await, [8]);

        near.0.script.effects.borrow_mut().extend(many(100));
        near.0
            .has_done([Effect::Send {
                link: LINK,
                frame: vec![9],
            }])
            .await;
        // At once, long before any deadline.
        timeout(Duration::from_secs(1), near.0.until(down(stuck)))
            .await
            .expect("cut");
        assert_eq!(far.0.until(frame_on(there)).await, [9]);
        drop(unread);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn links_end_with_the_connection() {
    here(async {
        let (mut near, mut far) = pair().await;
        let there = linked(&mut near, &mut far, LINK).await;
        near.1.driver.abort();
        near.0.until(down(LINK)).await;
        far.0.until(down(there)).await;
    })
    .await;
}
