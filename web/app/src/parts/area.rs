//! Several lines to write in. What is too long is counted as it is typed, and is not sent.

use leptos::{html, prelude::*};

use crate::{
    catalogue,
    length::{Longest, Room, room},
};

/// A field of several lines. Copies are the same.
#[derive(Clone, Copy)]
pub struct Area {
    node: NodeRef<html::Textarea>,
    longest: Longest,
    room: RwSignal<Room>,
}

impl Area {
    /// One for a text of this length, empty at first.
    pub fn new(longest: Longest) -> Self {
        Self {
            node: NodeRef::new(),
            longest,
            room: RwSignal::new(Room::Enough),
        }
    }

    /// As it is drawn: `id` is unique on the page, tests find it by the same name and what is said of its length as `…-room`.
    pub fn draw(
        self,
        id: &'static str,
        label: &'static str,
        hint: &'static str,
        first: &'static str,
    ) -> AnyView {
        self.draw_one(id, id.to_owned(), label, hint, first)
    }

    /// The same where there may be several on one page: `name` is for tests, `id` unique.
    pub fn draw_one(
        self,
        name: &'static str,
        id: String,
        label: &'static str,
        hint: &'static str,
        first: &'static str,
    ) -> AnyView {
        let Self {
            node,
            longest,
            room: left,
        } = self;
        let (hint_id, room_id) = (format!("{id}-hint"), format!("{id}-room"));
        let described = match hint.is_empty() {
            true => room_id.clone(),
            false => format!("{room_id} {hint_id}"),
        };
        let over = move || matches!(left.get(), Room::Over(_));
        view! {
            <div class="field">
                <label for=id.clone()>{label}</label>
                <textarea
                    id=id
                    data-testid=name
                    node_ref=node
                    rows="2"
                    dir="auto"
                    class="grows"
                    aria-describedby=described
                    aria-invalid=move || over().then_some("true")
                    prop:value=first
                    on:input=move |event| left.set(room(&event_target_value(&event), longest))
                ></textarea>
                {told(move || left.get(), room_id, format!("{name}-room"))}
                {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
            </div>
        }
        .into_any()
    }

    /// What is typed.
    pub fn value(self) -> String {
        let field = self.node.get_untracked();
        field.map_or_else(String::new, |field| field.value())
    }

    /// What is typed, without the space around it; `None` if it is too long: that stands below the field, which takes the focus.
    pub fn read(self) -> Option<String> {
        let text = self.value().trim().to_owned();
        match room(&text, self.longest) {
            Room::Over(_) => {
                self.focus();
                None
            }
            _ => Some(text),
        }
    }

    /// Empties it, if it still holds `sent`: the person may have typed on.
    pub fn clear(self, sent: &str) {
        if let Some(field) = self.node.get_untracked()
            && field.value().trim() == sent
        {
            field.set_value("");
            self.room.set(Room::Enough);
        }
    }

    /// Gives it the focus.
    pub fn focus(self) {
        if let Some(field) = self.node.get_untracked() {
            let _ = field.focus();
        }
    }

    /// Gives it the focus as soon as it is there.
    pub fn focus_at_once(self) {
        Effect::new(move |_| {
            if let Some(field) = self.node.get() {
                let _ = field.focus();
            }
        });
    }
}

/// The room that is left, in words, once there is little.
pub fn told(
    room: impl Fn() -> Room + Copy + Send + Sync + 'static,
    id: String,
    name: String,
) -> AnyView {
    let text = Signal::derive(move || catalogue::room_left(room()));
    let over = Signal::derive(move || matches!(room(), Room::Over(_)));
    view! {
        <p class="small soft" class:act=over role="status" id=id data-testid=name>{text}</p>
    }
    .into_any()
}
