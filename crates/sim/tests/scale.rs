//! The light traffic model: a peer in a large network costs what it costs in a small one.

use komrade_sim::scale::{Shape, day, growth};

#[test]
fn ten_times_as_many_peers_cost_each_of_them_no_more() {
    for shape in [Shape::Relays, Shape::OneRelay] {
        let costs = [100, 1_000].map(|peers| day(shape, peers));
        assert!(
            costs.iter().all(|cost| cost.received > cost.sent),
            "{costs:?}"
        );
        assert_eq!(growth(&costs), Vec::<String>::new(), "{costs:?}");
    }
}

#[test]
fn a_relay_that_never_halves_its_bucket_is_found_to_grow() {
    let costs = [100, 500].map(|peers| day(Shape::OneBucket, peers));
    let grown = growth(&costs);
    assert!(grown.iter().any(|it| it.contains("received")), "{costs:?}");
    assert!(grown.iter().any(|it| it.contains("hints")), "{costs:?}");
}
