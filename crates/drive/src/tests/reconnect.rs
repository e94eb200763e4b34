//! One relay, kept connected.

use komrade_view::{HostStage, RefusalCode, RouterStage};
use komrade_wire::control::{Hosting, Refusal, Stage};

use super::*;

fn waiting(input: &Input) -> Option<u32> {
    match input {
        Input::Relay(_, LinkState::Waiting { failures, .. }) => Some(*failures),
        _ => None,
    }
}

fn hosts(destination: Option<Zeroizing<Vec<u8>>>) -> Effect {
    let relay = ONE;
    Effect::Host { relay, destination }
}

#[tokio::test(start_paused = true)]
async fn what_the_relay_says_reaches_the_engine() {
    here(async {
        let (mut rig, mut far) = Rig::connected(&MemoryStore::default()).await;
        far.pongs().await;
        rig.until(|input| match input {
            Input::Relay(_, LinkState::Up { round_trip, .. }) => *round_trip,
            _ => None,
        })
        .await;
        far.says(FromRelay::Router(Stage::Ready { routers: 5 }))
            .await;
        far.says(FromRelay::Hosting(Hosting::Up)).await;
        let ready = RouterStage::Ready { routers: 5 };
        rig.until(|input| {
            matches!(input, Input::Router(_, stage) if *stage == ready).then_some(())
        })
        .await;
        rig.until(|input| matches!(input, Input::Hosting(_, HostStage::Up { .. })).then_some(()))
            .await;
        rig.until(|input| match input {
            Input::Bytes(sent, received) => (*sent > 50 && *received > 10).then_some(()),
            _ => None,
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_hosted_is_said_at_once_and_again_with_every_connection() {
    here(async {
        let (mut rig, mut far) = Rig::connected(&MemoryStore::default()).await;
        let blob = Zeroizing::new(vec![3; 679]);
        rig.has_done([hosts(Some(blob.clone()))]).await;
        assert_eq!(far.hears().await, FromMember::Host { blob: blob.clone() });
        far.driver.abort();
        let mut far = rig.called().await;
        far.welcomes().await;
        assert_eq!(far.hears().await, FromMember::Host { blob });
        rig.has_done([hosts(None)]).await;
        assert_eq!(far.hears().await, FromMember::Unhost);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_relays_node_reaches_the_engine() {
    here(async {
        let (mut rig, mut far) = Rig::connected(&MemoryStore::default()).await;
        let (address, key, token) = ([1; 32], [2; 32], [3; 16]);
        let (bits, incarnation) = (4, 5);
        let info = komrade_peer::NodeInfo {
            address,
            key,
            token,
            bits,
            incarnation,
        };
        far.says(FromRelay::Node {
            address,
            key,
            token,
            bits,
            incarnation,
        })
        .await;
        rig.until(|input| {
            matches!(input, Input::Node(_, Some(told)) if *told == info).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn work_is_done_beside_everything_else() {
    here(async {
        let (mut rig, _far) = Rig::connected(&MemoryStore::default()).await;
        let job = komrade_peer::WorkJob {
            envelope: komrade_ether::EnvelopeId([1; 32]),
            node: komrade_ether::NodeKey([2; 32]),
            day: komrade_ether::Day(20_750),
            bits: 16,
        };
        // `has_done` returns when the next command was heard, which is before the work ends.
        rig.has_done([Effect::Work { work: 7, job }]).await;
        let nonce = rig
            .until(|input| match input {
                Input::Worked { work: 7, nonce } => Some(*nonce),
                _ => None,
            })
            .await;
        assert_eq!(nonce, 114_989);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_connection_is_made_anew_and_pauses_grow() {
    here(async {
        let (mut rig, far) = Rig::connected(&MemoryStore::default()).await;
        *rig.down.borrow_mut() = true;
        far.driver.abort();
        for expected in 1..5 {
            assert_eq!(rig.until(waiting).await, expected);
        }
        *rig.down.borrow_mut() = false;
        let mut far = rig.called().await;
        far.welcomes().await;
        rig.is_up().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_falls_silent_is_noticed_and_one_that_answers_is_kept() {
    here(async {
        let (mut rig, mut far) = Rig::connected(&MemoryStore::default()).await;
        for number in 1..20 {
            assert_eq!(far.pongs().await, number, "not cut while it answers");
        }
        // And now no answer any more.
        rig.until(waiting).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_only_a_person_ends_it() {
    here(async {
        let mut rig = Rig::new(&MemoryStore::default());
        rig.leads().await;
        rig.has_done([uses(ONE)]).await;
        let mut far = rig.called().await;
        far.says(FromRelay::Refused(Refusal::JoinSecret)).await;
        let refused = |input: &Input| match input {
            Input::Relay(_, LinkState::Refused(code)) => Some(*code),
            _ => None,
        };
        assert_eq!(rig.until(refused).await, RefusalCode::JoinSecret);
        let again = timeout(Duration::from_secs(3_000), rig.calls.next()).await;
        assert!(again.is_err(), "called again by itself");

        rig.has_done([Effect::Reconnect]).await;
        let mut far = rig.called().await;
        // A full relay is asked again, slowly.
        far.says(FromRelay::Refused(Refusal::Full)).await;
        assert_eq!(rig.until(refused).await, RefusalCode::Full);
        rig.called().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_relay_is_left_in_good_order() {
    here(async {
        let (mut rig, far) = Rig::connected(&MemoryStore::default()).await;
        let (relay, order) = (ONE, None);
        rig.has_done([Effect::UseRelay { relay, order }]).await;
        rig.until(|input| matches!(input, Input::Relay(_, LinkState::NoRelay)).then_some(()))
            .await;
        while !far.driver.is_finished() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let silent = timeout(Duration::from_secs(600), rig.calls.next()).await;
        assert!(silent.is_err(), "called again");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_relays_are_kept_beside_each_other_and_each_ends_by_itself() {
    here(async {
        const TWO: RelayId = RelayId(2);
        let (mut rig, mut far) = Rig::connected(&MemoryStore::default()).await;
        rig.has_done([uses(TWO)]).await;
        let mut other = rig.called().await;
        other.welcomes().await;
        rig.until(|input| matches!(input, Input::Relay(TWO, LinkState::Up { .. })).then_some(()))
            .await;
        // What each says is told from what the other says.
        for (far, relay, routers) in [(&mut far, ONE, 5), (&mut other, TWO, 6)] {
            far.says(FromRelay::Router(Stage::Ready { routers })).await;
            let ready = RouterStage::Ready { routers };
            rig.until(|input| {
                let is =
                    matches!(input, Input::Router(it, stage) if *it == relay && *stage == ready);
                is.then_some(())
            })
            .await;
        }
        // One breaks and is called again; the other has not noticed.
        far.driver.abort();
        let lost = rig.until(|input| match input {
            Input::Relay(relay, LinkState::Waiting { .. }) => Some(*relay),
            _ => None,
        });
        assert_eq!(lost.await, ONE);
        let mut far = rig.called().await;
        far.welcomes().await;
        rig.is_up().await;
        // One is left, and the other stays.
        let (relay, order) = (ONE, None);
        rig.has_done([Effect::UseRelay { relay, order }]).await;
        rig.until(|input| matches!(input, Input::Relay(ONE, LinkState::NoRelay)).then_some(()))
            .await;
        other.says(FromRelay::Router(Stage::Starting)).await;
        rig.until(|input| matches!(input, Input::Router(TWO, RouterStage::Starting)).then_some(()))
            .await;
    })
    .await;
}
