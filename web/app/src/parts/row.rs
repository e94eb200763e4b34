//! The one row of the list of people: a person, a collective or a circle.

use komrade_view::{ComradeId, Millis};
use leptos::prelude::*;

use super::{Avatar, Icon, Sign};
use crate::{catalogue, clock, place::Place, ui::ui};

/// What stands in a row.
pub struct Row {
    /// For tests: `person`, `collective` or `circle`; its parts are called `…-name`, `…-last`, `…-mentions`, `…-unread`.
    pub id: &'static str,
    /// For tests: where the person stands with it.
    pub standing: String,
    /// For tests: who asks in it.
    pub requests: u32,
    /// Where it leads.
    pub to: Place,
    /// Whether this is what is open.
    pub here: Signal<bool>,
    /// Gives the tint.
    pub tint: ComradeId,
    /// It is a collective, not a person.
    pub square: bool,
    /// What it is called.
    pub name: String,
    /// Codes were compared.
    pub verified: bool,
    /// When the newest thing happened; 0: nothing did.
    pub active_at: Millis,
    /// Who said what stands below; empty: nobody.
    pub said: String,
    /// What was said last, or what waits.
    pub last: String,
    /// It waits for the person.
    pub asks: bool,
    /// What is new in it mentions the person.
    pub mentions: bool,
    /// How many things are new.
    pub unread: u32,
    /// The same for a screen reader.
    pub unread_text: String,
}

impl Row {
    /// The row as it is drawn, an item of a list.
    pub fn draw(self) -> AnyView {
        let Self {
            id,
            here,
            active_at,
            unread,
            ..
        } = self;
        let today = ui().today();
        let when =
            move || (active_at > 0).then(|| catalogue::moment(clock::wall(active_at), today.get()));
        let part = |name: &str| format!("{id}-{name}");
        let is_said = !self.said.is_empty();
        let verified = self.verified.then(|| {
            view! {
                <span class="verified">
                    <Icon sign=Sign::Check/>
                    <span class="unseen">{catalogue::VERIFIED}</span>
                </span>
            }
        });
        let mentions = self.mentions.then(|| {
            view! {
                <span class="chip" aria-hidden="true" data-testid=part("mentions")>
                    {catalogue::MENTIONED}
                </span>
            }
        });
        let count = (unread > 0).then(|| {
            view! {
                <span class="count" data-testid=part("unread") data-count=unread>
                    <span aria-hidden="true">{unread}</span>
                    <span class="unseen">{self.unread_text}</span>
                </span>
            }
        });
        view! {
            <li>
                <a
                    class="row"
                    href=self.to.hash()
                    data-testid=id
                    data-standing=self.standing
                    data-requests=self.requests
                    aria-current=move || here.get().then_some("page")
                >
                    <Avatar id=self.tint name=self.name.clone() square=self.square/>
                    <span class="lines">
                        <span class="line">
                            <span class="name" dir="auto" data-testid=part("name")>
                                {catalogue::name(&self.name)}
                            </span>
                            {verified}
                            <span class="when">{when}</span>
                        </span>
                        <span class="line">
                            {is_said.then(|| view! { <span class="you" dir="auto">{self.said}</span> })}
                            <span
                                class="last"
                                class:asks=self.asks
                                class:new=(unread > 0)
                                dir="auto"
                                data-testid=part("last")
                            >
                                {self.last}
                            </span>
                            {mentions}
                            {count}
                        </span>
                    </span>
                </a>
            </li>
        }
        .into_any()
    }
}
