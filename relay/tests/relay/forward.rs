//! What members leave for other relays, through real I2P routers.

use komrade_ether::{Class, Envelope, Frame, Outcome, Pass, Size, Token};

use crate::client::{Client, TestRelay};
use crate::member::{About, NodeLink, envelope, forward, small, with_token, with_work};
use crate::network::{bridge, relay_at};
use crate::proxy::Proxy;

/// A member of this relay who waits for what arrives.
async fn waiting(relay: &TestRelay) -> (Client, About, NodeLink) {
    let mut member = relay.join(9).await;
    let about = member.introduced().await;
    let mut link = member.link(&about).await;
    // From now on.
    link.subscribe(about.incarnation, 0).await;
    link.catch_up().await;
    (member, about, link)
}

/// Leaves these at the sender's own relay and closes the tab.
async fn leave(relay: &TestRelay, to: &About, envelopes: &[Envelope]) {
    let mut sender = relay.join(1).await;
    let here = sender.introduced().await;
    let mut link = sender.link(&here).await;
    for envelope in envelopes {
        let frame = forward(to.home, with_token(to.token), envelope);
        assert_eq!(link.ask(frame, envelope.id()).await, Outcome::Accepted);
    }
    sender.mux.close().await;
    sender.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_for_another_relay_arrives_though_the_sender_is_gone() {
    let near = relay_at(bridge(0), |_| {}).await;
    let far = relay_at(bridge(1), |_| {}).await;
    let (_bo, there, mut to_bo) = waiting(&far).await;
    let sizes = [
        Size::K2,
        Size::K64,
        Size::K8,
        Size::K64,
        Size::K64,
        Size::K64,
        Size::K64,
    ];
    let sent = sizes.map(|size| envelope(Class::ordinary(size)));
    leave(&near, &there, &sent).await;
    for envelope in &sent {
        assert_eq!(to_bo.arrival().await.id(), envelope.id());
    }

    // The link is still there: what is left now goes the same way.
    let more = [small()];
    leave(&near, &there, &more).await;
    assert_eq!(to_bo.arrival().await, more[0]);

    // The other relay is started again: its destination is the same, and must be reached anew.
    drop(to_bo);
    let far = far.restart().await;
    let (_bo, again, mut to_bo) = waiting(&far).await;
    assert_eq!(again, there);
    let late = [small()];
    leave(&near, &there, &late).await;
    assert_eq!(to_bo.arrival().await, late[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_another_relay_survives_a_restart() {
    let far = relay_at(bridge(1), |_| {}).await;
    let (_bo, there, mut to_bo) = waiting(&far).await;
    let mut proxy = Proxy::start(bridge(2)).await;
    proxy.kill().await;
    let near = relay_at(proxy.address(), |_| {}).await;
    let sent = [small(), small()];
    leave(&near, &there, &sent).await;
    let near = near.restart().await;
    proxy.revive().await;
    for envelope in &sent {
        assert_eq!(to_bo.arrival().await, *envelope);
    }
    drop(near);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_ended_with_the_relay_is_taken_up_at_once() {
    let near = relay_at(bridge(1), |_| {}).await;
    let far = relay_at(bridge(0), |_| {}).await;
    let (bo, there, mut to_bo) = waiting(&far).await;
    // So that both are known to be up.
    let first = [small()];
    leave(&near, &there, &first).await;
    assert_eq!(to_bo.arrival().await, first[0]);

    // The other relay is gone, so its turn is going on when this one ends; by itself it would last ten minutes.
    drop((to_bo, bo));
    let far = far.stop().await;
    let late = [small()];
    leave(&near, &there, &late).await;
    let near = near.stop().await;
    // It is back before the turn is taken up, which would otherwise fail and come again only after growing waits.
    let far = far.start().await;
    let (_bo, _, mut to_bo) = waiting(&far).await;
    let _near = near.start().await;
    assert_eq!(to_bo.arrival().await, late[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_another_relay_is_told_until_it_is_noted() {
    let near = relay_at(bridge(0), |_| {}).await;
    let far = relay_at(bridge(2), |config| config.cache.work_bits = 4).await;
    let (_bo, there, mut to_bo) = waiting(&far).await;
    let mut sender = near.join(1).await;
    let here = sender.introduced().await;
    let mut link = sender.link(&here).await;

    let (wrong, without, intro) = (small(), small(), envelope(Class::intro(Size::K4)));
    let token = with_token(there.token);
    for (pass, envelope) in [
        (with_token(Token([9; 16])), &wrong),
        (Pass::default(), &without),
        (token, &intro),
    ] {
        let frame = forward(there.home, pass, envelope);
        assert_eq!(link.ask(frame, envelope.id()).await, Outcome::Accepted);
    }
    let told = [
        (wrong.id(), Outcome::WrongToken),
        (without.id(), Outcome::NeedsWork(4)),
        (intro.id(), Outcome::NeedsWork(4)),
    ];
    for (id, outcome) in told {
        assert_eq!(link.hear().await, Frame::Returned { id, outcome });
    }
    // A link that is heard of nothing hears it again.
    drop(link);
    let mut link = sender.link(&here).await;
    for (id, outcome) in told {
        assert_eq!(link.hear().await, Frame::Returned { id, outcome });
        link.say(Frame::Noted { id }).await;
    }
    // With what was asked for they are taken, and nothing is told any more.
    for (envelope, token) in [(&without, None), (&intro, Some(there.token))] {
        // More work would be due for a larger one without a token.
        let work = with_work(envelope, &there.home.node, 4);
        let frame = forward(there.home, Pass { token, ..work }, envelope);
        assert_eq!(link.ask(frame, envelope.id()).await, Outcome::Accepted);
        assert_eq!(to_bo.arrival().await, *envelope);
    }
    let mut link = sender.link(&here).await;
    let put = small();
    assert_eq!(link.deposit(Pass::default(), &put).await, Outcome::Accepted);
}
