//! Lists: a row for each item.

use std::sync::Arc;

use leptos::prelude::*;

use super::plain::{live, maybe};

/// What tells a row from the others: an id, filled up with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl<const N: usize> From<[u8; N]> for Key {
    fn from(id: [u8; N]) -> Self {
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(id) {
            *to = from;
        }
        Self(key)
    }
}

/// A row for each item, in their order. A row stays where its key stays: it is drawn anew when its own item has changed, or
/// something else that `draw` reads, and is left alone, with its focus and what was typed in it, when only others have.
/// Keys are unique.
pub fn each<T: Clone + PartialEq + Send + Sync + 'static>(
    items: impl Fn() -> Vec<T> + Send + Sync + 'static,
    key: fn(&T) -> Key,
    draw: impl Fn(T) -> AnyView + Copy + Send + Sync + 'static,
) -> AnyView {
    let items = Memo::new(move |_| {
        let all = items().into_iter().map(|item| (key(&item), item));
        all.collect::<Vec<_>>()
    });
    let keys = Memo::new(move |_| items.with(|all| all.iter().map(|(key, _)| *key).collect()));
    let row = move |which: Key| {
        let item = Memo::new(move |_| {
            items.with(|all| {
                let found = all.iter().find(|(key, _)| *key == which);
                found.map(|(_, item)| item.clone())
            })
        });
        live(move || maybe(item.get().map(draw)))
    };
    rows(keys, Arc::new(row))
}

/// Compiled once, whatever the items are.
fn rows(keys: Memo<Vec<Key>>, row: Arc<dyn Fn(Key) -> AnyView + Send + Sync>) -> AnyView {
    view! { <For each=move || keys.get() key=|key| *key children=move |key| row(key)/> }.into_any()
}

#[cfg(all(test, target_arch = "wasm32"))]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use leptos::{
        mount::mount_to,
        task::tick,
        wasm_bindgen::JsCast,
        web_sys::{Element, HtmlElement},
    };
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    use super::*;

    wasm_bindgen_test_configure!(run_in_browser);

    /// An item: its id and how many things are new in it, of which so many mention the person.
    type Item = (u8, u32, u32);

    /// As rows are drawn: some of what they hold is there only sometimes.
    fn draw((id, unread, mentions): Item) -> AnyView {
        let chip = (mentions > 0).then(|| view! { <b>"mentioned"</b> });
        let count = (unread > 0).then(|| view! { <i>{unread}</i> });
        view! { <li class:new=(unread > 0)>{format!("row {id}")}{chip}{count}</li> }.into_any()
    }

    fn rows(list: &HtmlElement) -> Vec<Element> {
        let first = list.first_element_child();
        std::iter::successors(first, Element::next_element_sibling).collect()
    }

    fn texts(list: &HtmlElement) -> Vec<String> {
        let all = rows(list).into_iter();
        all.map(|row| row.text_content().unwrap_or_default())
            .collect()
    }

    #[wasm_bindgen_test]
    async fn a_row_is_drawn_when_only_its_counts_change_and_the_others_keep_their_nodes() {
        let list: HtmlElement = document().create_element("ul").unwrap().unchecked_into();
        document().body().unwrap().append_child(&list).unwrap();
        let owner = Owner::new();
        let items = owner.with(|| RwSignal::new(vec![(1, 0, 0), (2, 0, 0), (3, 4, 0)]));
        let drawn = owner.with(|| RwSignal::new(Vec::<u8>::new()));
        let row = move |item: Item| {
            drawn.update_untracked(|drawn| drawn.push(item.0));
            draw(item)
        };
        let _mounted = mount_to(list.clone(), move || {
            each(move || items.get(), |item| [item.0].into(), row)
        });
        tick().await;
        assert_eq!(texts(&list), ["row 1", "row 2", "row 34"]);
        assert_eq!(drawn.get_untracked(), [1, 2, 3]);
        let before = rows(&list);

        // The counts of one row alone.
        items.update(|items| items[1] = (2, 7, 1));
        tick().await;
        assert_eq!(texts(&list), ["row 1", "row 2mentioned7", "row 34"]);
        assert_eq!(drawn.get_untracked(), [1, 2, 3, 2]);
        let after = rows(&list);
        assert!(after[1].class_list().contains("new"));
        assert!(before[0].is_same_node(Some(&after[0])));
        assert!(before[2].is_same_node(Some(&after[2])));

        // Another order, one more, one less: whoever stays keeps its node and is not drawn again.
        items.set(vec![(3, 4, 0), (9, 0, 0), (1, 0, 0)]);
        tick().await;
        assert_eq!(texts(&list), ["row 34", "row 9", "row 1"]);
        assert_eq!(drawn.get_untracked(), [1, 2, 3, 2, 9]);
        let moved = rows(&list);
        assert!(moved[0].is_same_node(Some(&before[2])));
        assert!(moved[2].is_same_node(Some(&before[0])));
        list.remove();
    }
}
