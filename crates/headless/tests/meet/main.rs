//! Two headless peers meet through two relays on a private I2P network of real routers, and write to each other
//! while peers are killed, WebSockets cut and relays killed.
//!
//! Twice: with the routers in the relays, and with routers elsewhere that are reached by SAM.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod person;
mod wire;
mod world;

use std::time::Duration;

use crate::{person::Person, world::World};
use komrade_relay::config::Router;

/// No test waits longer for anything. I2P takes seconds here and may stall for half a minute when a burst is lost.
const PATIENCE: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_peers_meet_and_write_whatever_breaks() {
    let world = World::start().await;
    let router = world.private_router();
    whatever_breaks(&world, [router.clone(), router]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_with_routers_reached_by_sam() {
    let world = World::start().await;
    let [near, far] = world.sam_routers();
    whatever_breaks(&world, [near, far]).await;
}

async fn whatever_breaks(world: &World, routers: [Router; 2]) {
    let [near, far] = routers;
    let mut ana_relay = world.relay(near).await;
    let mut bo_relay = world.relay(far).await;
    let mut ana = Person::begins("Ana", &ana_relay).await;
    let mut bo = Person::begins("Bo", &bo_relay).await;
    world.step("two vaults, two relays");
    ana.has_a_home().await;
    bo.has_a_home().await;
    world.step("both have a home");

    ana.meets(&mut bo).await;
    world.step("met");
    for number in 1..=5 {
        ana.writes(&format!("from Ana, {number} 🌱")).await;
        bo.writes(&format!("from Bo, {number}: {}", "long ".repeat(2_000)))
            .await;
    }
    ana.has_all_of(&bo).await;
    bo.has_all_of(&ana).await;
    world.step("five messages each way");

    bo.is_killed().await;
    let waiting = ana.writes("while Bo was dead").await;
    ana.is_taken(waiting).await;
    bo.comes_back().await;
    bo.has_all_of(&ana).await;
    ana.writes("to Bo again").await;
    bo.writes("from Bo again").await;
    ana.has_all_of(&bo).await;
    bo.has_all_of(&ana).await;
    world.step("Bo killed and back");

    ana_relay.cuts_websockets();
    bo.writes("over a cut WebSocket").await;
    ana.writes("the other way").await;
    ana.has_all_of(&bo).await;
    bo.has_all_of(&ana).await;
    world.step("WebSocket cut");

    bo_relay.is_killed();
    ana.writes("to a dead relay").await;
    bo.writes("from behind a dead relay").await;
    bo_relay.comes_back().await;
    bo.has_all_of(&ana).await;
    ana.has_all_of(&bo).await;
    world.step("relay killed and back");

    for person in [&ana, &bo] {
        person.has_everything_delivered().await;
    }
    ana.stops().await;
    bo.stops().await;
    world.step("all delivered and stopped");
}
