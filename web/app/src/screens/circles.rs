//! Circles in the list of people.

use komrade_view::{CircleId, CircleOver, CircleView, ComradeId, ComradeState};
use leptos::prelude::*;

use crate::{
    catalogue,
    parts::{each::each, row::Row},
    place::Place,
    ui::Ui,
};

/// What a circle is called here.
pub fn circle_name(ui: Ui, view: &CircleView) -> String {
    match view.owner {
        Some(owner) => catalogue::circle_of(&comrade_name(ui, owner)),
        None if view.everybody => catalogue::MY_COMRADES.to_owned(),
        None => view.name.clone(),
    }
}

/// What a comrade calls themself; empty: nobody known.
pub fn comrade_name(ui: Ui, id: ComradeId) -> String {
    ui.comrades.with(|all| {
        let found = all.iter().flatten().find(|comrade| comrade.id == id);
        found.map_or_else(String::new, |comrade| comrade.name.clone())
    })
}

/// Whether this person has met anybody.
pub fn has_met(ui: Ui) -> bool {
    let met = |state| state == ComradeState::Met;
    ui.comrades
        .with(|all| all.iter().flatten().any(|it| met(it.state)))
}

/// The circles, for whoever has a comrade.
pub fn circles(ui: Ui) -> AnyView {
    let some = Memo::new(move |_| {
        has_met(ui) || ui.circles.with(|all| all.iter().flatten().nth(1).is_some())
    });
    let rows = move || {
        each(
            move || ui.circles.get().unwrap_or_default(),
            |circle| circle.id.0.into(),
            move |circle| row(ui, circle),
        )
    };
    view! {
        <Show when=move || some.get()>
            <div class="line over-rows">
                <h2 class="grow">{catalogue::CIRCLES}</h2>
                <a
                    class="btn quiet"
                    href=Place::NewCircle.hash()
                    data-testid="people-circle"
                    aria-current=move || (ui.place.get() == Place::NewCircle).then_some("page")
                >
                    {catalogue::CIRCLE_NEW}
                </a>
            </div>
            <ul class="rows">{rows()}</ul>
        </Show>
    }
    .into_any()
}

fn row(ui: Ui, circle: CircleView) -> AnyView {
    let name = circle_name(ui, &circle);
    let CircleView {
        id,
        owner,
        over,
        last,
        unread,
        active_at,
        ..
    } = circle;
    let last = match (over, last) {
        (Some(CircleOver::Ended(_) | CircleOver::Left(_)), _) => catalogue::CIRCLE_OVER.to_owned(),
        (None, last) => last.unwrap_or_else(|| catalogue::CIRCLE_QUIET.to_owned()),
    };
    let standing = match owner {
        None => "mine",
        Some(_) => "theirs",
    };
    let row = Row {
        id: "circle",
        standing: standing.to_owned(),
        requests: 0,
        to: Place::Circle(id),
        here: Signal::derive(move || is_here(ui.place.get(), id)),
        tint: owner.unwrap_or(ComradeId(id.0)),
        square: false,
        name,
        verified: false,
        active_at,
        said: String::new(),
        last,
        asks: false,
        mentions: false,
        unread,
        unread_text: catalogue::unread_in_circle(unread),
    };
    row.draw()
}

fn is_here(place: Place, id: CircleId) -> bool {
    matches!(place, Place::Circle(here) | Place::CircleReaders(here) if here == id)
}
