//! Who acts first on what all may act on, and how long the others wait for them.

use komrade_crypto::group::rules;
use komrade_view::AckPace;

use super::*;

#[test]
fn whoever_chose_the_quick_pace_waits_less_for_others_to_act() {
    let mut pens = three();
    let mut bench = Bench::found(&mut pens);
    let id = bench.id;
    let person = pens[0].person;
    let removal = decide_to_remove(&mut bench, &mut pens);
    let own = bench.space().own.device;
    let devices = pens.each_ref().map(Pen::id);
    let turn = rules::turn(&removal.0, &own, &devices) as u64;
    assert!(turn > 0, "somebody is before this device");
    let acts = |bench: &mut Bench| {
        bench.step(|open, step| open.space_enact(step, id, false));
        !bench.space().society.is_member(&person)
    };
    assert!(!acts(&mut bench));
    bench.now += turn * limits::ENACT_PACE / limits::QUICKER;
    assert!(!acts(&mut bench));
    bench.open.own.ack_pace = AckPace::Quick;
    assert!(acts(&mut bench));
}
