//! Circles in the list of people.

use komrade_view::{CircleId, CircleOver, CircleView, ComradeId, ComradeState};
use leptos::prelude::*;

use crate::{
    catalogue, clock,
    parts::Avatar,
    place::{self, Place},
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
    let ids = Memo::new(move |_| {
        ui.circles
            .with(|all| all.iter().flatten().map(|it| it.id).collect::<Vec<_>>())
    });
    let some = Memo::new(move |_| has_met(ui) || ids.with(|ids| ids.len() > 1));
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
            <ul class="rows">
                <For each=move || ids.get() key=|id| *id let:id>
                    {
                        let circle = ui.circle(id);
                        move || circle.get().map(|circle| row(ui, circle))
                    }
                </For>
            </ul>
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
    let today = ui.today();
    let text = match (over, last) {
        (Some(CircleOver::Ended(_) | CircleOver::Left(_)), _) => catalogue::CIRCLE_OVER.to_owned(),
        (None, last) => last.unwrap_or_else(|| catalogue::CIRCLE_QUIET.to_owned()),
    };
    let when =
        move || (active_at > 0).then(|| catalogue::moment(clock::wall(active_at), today.get()));
    view! {
        <li>
            <a
                class="row"
                href=Place::Circle(id).hash()
                data-testid="circle"
                data-circle=place::digits(&id.0)
                data-mine=owner.is_none().to_string()
                aria-current=move || is_here(ui.place.get(), id).then_some("page")
            >
                <Avatar id=owner.unwrap_or(ComradeId(id.0)) name=name.clone()/>
                <span class="lines">
                    <span class="line">
                        <span class="name" dir="auto" data-testid="circle-name">{name}</span>
                        <span class="when">{when}</span>
                    </span>
                    <span class="line">
                        <span class="last" class:new=(unread > 0) dir="auto" data-testid="circle-last">
                            {text}
                        </span>
                        {(unread > 0).then(|| view! {
                            <span class="count" data-testid="circle-unread" data-count=unread>
                                <span aria-hidden="true">{unread}</span>
                                <span class="unseen">{catalogue::unread_in_circle(unread)}</span>
                            </span>
                        })}
                    </span>
                </span>
            </a>
        </li>
    }
    .into_any()
}

fn is_here(place: Place, id: CircleId) -> bool {
    matches!(place, Place::Circle(here) | Place::CircleReaders(here) if here == id)
}
