//! The relay's node, for members: what they leave and find there, without any I2P.

use komrade_ether::{
    Class, Day, Envelope, Frame, MAX_FRAME_BYTES, Outcome, Pass, Size, Work, work,
};
use komrade_wire::header::{Header, Opened};
use tokio::time::{sleep, timeout};

use crate::client::{PATIENCE, TestRelay};
use crate::member::{
    NodeLink, deposit, envelope, envelope_of, forward, small, today, with_token, with_work,
};

/// Routers that are never there: whatever works here works without I2P.
async fn relay() -> TestRelay {
    TestRelay::start(|config| config.cache.work_bits = 4).await
}

#[tokio::test]
async fn two_members_of_one_relay_talk_though_its_router_is_down() {
    let relay = relay().await;
    let (mut ana, mut bo) = (relay.join(1).await, relay.join(2).await);
    let node = ana.introduced().await;
    assert_eq!(bo.introduced().await, node);
    let mut from_ana = ana.link(&node).await;
    let mut to_bo = bo.link(&node).await;

    // Bo is there: it is pushed.
    let log = to_bo.subscribe(0, 0).await;
    let incarnation = node.incarnation;
    assert_eq!(
        log,
        Frame::Log {
            incarnation,
            after: 0,
            until: 0
        }
    );
    assert_eq!(to_bo.catch_up().await, (vec![], 0));
    let first = small();
    assert_eq!(
        from_ana.deposit(Pass::default(), &first).await,
        Outcome::Accepted
    );
    assert_eq!(
        from_ana.deposit(Pass::default(), &first).await,
        Outcome::AlreadyHave
    );
    assert_eq!(to_bo.arrival().await, first);

    // Bo is away: it is there when he comes back, and nothing twice.
    bo.mux.close().await;
    bo.ended().await;
    let second = envelope(Class::ordinary(Size::K64));
    // Forwarding to the own relay's node is a put.
    let forwarded = forward(node.home, Pass::default(), &second);
    assert_eq!(
        from_ana.ask(forwarded, second.id()).await,
        Outcome::Accepted
    );
    let mut bo = relay.join(2).await;
    assert_eq!(bo.introduced().await, node);
    let mut to_bo = bo.link(&node).await;
    to_bo.subscribe(node.incarnation, 1).await;
    assert_eq!(to_bo.catch_up().await, (vec![second.id()], 2));
}

#[tokio::test]
async fn what_is_held_survives_a_restart_and_not_a_wipe() {
    let relay = relay().await;
    let mut ana = relay.join(1).await;
    let node = ana.introduced().await;
    let held = small();
    let mut link = ana.link(&node).await;
    assert_eq!(
        link.deposit(Pass::default(), &held).await,
        Outcome::Accepted
    );
    drop((link, ana));

    let relay = relay.restart().await;
    let mut ana = relay.join(1).await;
    assert_eq!(ana.introduced().await, node);
    let mut link = ana.link(&node).await;
    link.subscribe(node.incarnation, 0).await;
    assert_eq!(link.catch_up().await, (vec![held.id()], 1));
    drop((link, ana));

    let relay = relay.stop().await;
    std::fs::remove_file(relay.folder.path().join("cache.redb")).unwrap();
    let relay = relay.start().await;
    let mut ana = relay.join(1).await;
    let wiped = ana.introduced().await;
    assert_eq!(wiped.home, node.home);
    assert_ne!(wiped.incarnation, node.incarnation);
    assert_ne!(wiped.token, node.token);
    let mut link = ana.link(&wiped).await;
    // A cursor of another incarnation means nothing.
    let log = link.subscribe(node.incarnation, 1).await;
    let incarnation = wiped.incarnation;
    assert_eq!(
        log,
        Frame::Log {
            incarnation,
            after: 0,
            until: 0
        }
    );
    let envelope = held.clone();
    let returned = link.ask(Frame::Replica { envelope }, held.id()).await;
    assert_eq!(returned, Outcome::Accepted);
}

#[tokio::test]
async fn each_refusal_has_its_own_code() {
    let relay = TestRelay::start(|config| {
        config.cache.work_bits = 4;
        config.cache.capacity_mb = 10;
    })
    .await;
    let mut ana = relay.join(1).await;
    let node = ana.introduced().await;
    let mut link = ana.link(&node).await;
    let key = node.home.node;

    // A first contact needs work from everybody, and a token does not help.
    let intro = envelope(Class::intro(Size::K4));
    let token = with_token(node.token);
    assert_eq!(link.deposit(token, &intro).await, Outcome::NeedsWork(4));
    let id = intro.id();
    let nonce = (0..).find(|nonce| work::search(&id, &key, today(), 4, *nonce, 1).is_none());
    let work = nonce.map(|nonce| Work {
        day: today(),
        nonce,
    });
    let too_little = Pass { token: None, work };
    let due = Outcome::NeedsWork(4);
    assert_eq!(link.deposit(too_little, &intro).await, due);
    let enough = with_work(&intro, &key, 4);
    assert_eq!(link.deposit(enough, &intro).await, Outcome::Accepted);

    // What has expired, what is kept too long, what nobody knows, what is no envelope.
    let k2 = Class::ordinary(Size::K2);
    let put = async |link: &mut NodeLink, envelope: &Envelope| {
        link.deposit(Pass::default(), envelope).await
    };
    let expired = envelope_of(k2, Day(today().0 - 1));
    assert_eq!(put(&mut link, &expired).await, Outcome::Expired);
    let too_far = envelope_of(k2, today().plus(60));
    assert_eq!(put(&mut link, &too_far).await, Outcome::TooFar);
    let mut foreign = small().into_bytes();
    foreign[0] = 99;
    assert_eq!(put_bytes(&mut link, foreign).await, Outcome::Foreign);
    let mut oversize = envelope(Class::ordinary(Size::K64)).into_bytes();
    oversize.push(0);
    assert_eq!(put_bytes(&mut link, oversize).await, Outcome::TooLarge);

    // One member's share: an eighth of what is not for strangers.
    let mut held = 0;
    let outcome = loop {
        match put(&mut link, &envelope(Class::ordinary(Size::K64))).await {
            Outcome::Accepted => held += 1,
            other => break other,
        }
    };
    assert_eq!((outcome, held), (Outcome::OverShare, 17));
    // Others have theirs.
    let bo = relay.join(2).await;
    let mut link = bo.link(&node).await;
    assert_eq!(put(&mut link, &small()).await, Outcome::Accepted);
}

/// Puts bytes that no envelope of ours has.
async fn put_bytes(link: &mut NodeLink, bytes: Vec<u8>) -> Outcome {
    let id = komrade_ether::EnvelopeId::of(&bytes);
    link.say_bytes(&[&[1, 1], bytes.as_slice()].concat()).await;
    link.outcome(id).await
}

#[tokio::test]
async fn what_is_no_frame_ends_the_link_and_what_is_newer_is_skipped() {
    let relay = relay().await;
    let mut ana = relay.join(1).await;
    let node = ana.introduced().await;
    let mut link = ana.link(&node).await;
    // A kind that nobody knows yet.
    link.say_bytes(&[1, 200, 7]).await;
    let put = small();
    assert_eq!(link.deposit(Pass::default(), &put).await, Outcome::Accepted);
    for nonsense in [vec![9, 1], vec![1], vec![1; MAX_FRAME_BYTES + 1]] {
        let mut link = ana.link(&node).await;
        link.say_bytes(&nonsense).await;
        assert_eq!(link.heard().await, None, "{} bytes", nonsense.len());
    }
}

#[tokio::test]
async fn only_so_many_links_of_one_member_are_served_and_only_to_the_right_node() {
    let relay = relay().await;
    let mut ana = relay.join(1).await;
    let mut node = ana.introduced().await;
    let first = ana.link(&node).await;
    let second = ana.link(&node).await;
    assert_eq!(ana.open(Header::Node).await.1, Opened::TooMany);
    // Another member has places of its own.
    let bo = relay.join(2).await;
    bo.link(&node).await;
    drop(first);
    // The relay may learn of it a moment later.
    let freed = async {
        while ana.open(Header::Node).await.1 != Opened::Connected {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, freed).await.expect("never free");
    drop(second);

    node.home.node.0[0] ^= 1;
    let third = relay.join(3).await;
    let (stream, _) = third.open(Header::Node).await;
    let start =
        komrade_wire::link::Initiator::node(&node.home.node.0, &mut crate::member::chance());
    let dialled = komrade_wire::link::dial(stream, start.unwrap(), sleep(PATIENCE)).await;
    assert!(dialled.is_err());
}

#[tokio::test]
async fn whoever_does_not_read_holds_up_nobody_else() {
    let relay = relay().await;
    let (mut ana, bo, third) = (
        relay.join(1).await,
        relay.join(2).await,
        relay.join(3).await,
    );
    let node = ana.introduced().await;
    let mut from_ana = ana.link(&node).await;
    let mut to_third = third.link(&node).await;
    to_third.subscribe(0, 0).await;
    to_third.catch_up().await;
    let mut silent = bo.link(&node).await;
    silent.subscribe(0, 0).await;
    // More than all windows between the node and somebody who does not read.
    let count = 40;
    let mut sent = Vec::new();
    for _ in 0..count {
        let envelope = envelope(Class::ordinary(Size::K64));
        assert_eq!(
            from_ana.deposit(Pass::default(), &envelope).await,
            Outcome::Accepted
        );
        assert_eq!(to_third.arrival().await.id(), envelope.id());
        sent.push(envelope.id());
    }
    // Nor does it lose anything, once it reads.
    let mut heard = Vec::new();
    while heard.len() < count {
        if let Frame::Arrived { envelope, .. } = silent.hear().await {
            heard.push(envelope.id());
        }
    }
    assert_eq!(heard, sent);
}

#[tokio::test]
async fn many_puts_in_flight_are_all_answered() {
    let relay = relay().await;
    let mut ana = relay.join(1).await;
    let node = ana.introduced().await;
    let mut link = ana.link(&node).await;
    let envelopes: Vec<_> = (0..300).map(|_| small()).collect();
    for envelope in &envelopes {
        link.say(deposit(Pass::default(), envelope)).await;
    }
    for envelope in &envelopes {
        assert_eq!(link.outcome(envelope.id()).await, Outcome::Accepted);
    }
    link.subscribe(node.incarnation, 0).await;
    let (arrived, until) = link.catch_up().await;
    assert_eq!(until, 300);
    assert!(
        arrived.iter().eq(envelopes
            .iter()
            .map(Envelope::id)
            .collect::<Vec<_>>()
            .iter())
    );
}

#[tokio::test]
async fn what_is_placed_is_fetched_by_its_name() {
    let relay = relay().await;
    let (mut ana, bo) = (relay.join(1).await, relay.join(2).await);
    let node = ana.introduced().await;
    let (mut from_ana, mut to_bo) = (ana.link(&node).await, bo.link(&node).await);
    let (placed, locator) = (small(), [7; 16]);
    let envelope = placed.clone();
    let place = Frame::Place { locator, envelope };
    assert_eq!(from_ana.ask(place, placed.id()).await, Outcome::Accepted);
    to_bo.say(Frame::Fetch { locator }).await;
    let envelope = Some(placed);
    assert_eq!(to_bo.hear().await, Frame::Fetched { locator, envelope });
    // Only whoever placed it takes it away.
    to_bo.say(Frame::Unplace { locator }).await;
    to_bo.say(Frame::Fetch { locator }).await;
    assert!(matches!(
        to_bo.hear().await,
        Frame::Fetched {
            envelope: Some(_),
            ..
        }
    ));
    from_ana.say(Frame::Unplace { locator }).await;
    from_ana.say(Frame::Fetch { locator }).await;
    assert_eq!(
        from_ana.hear().await,
        Frame::Fetched {
            locator,
            envelope: None
        }
    );
}
