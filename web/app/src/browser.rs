//! What is asked of the browser itself, each with an answer for browsers that lack it.
//!
//! A page over plain http is no secure context: there is no clipboard and no sharing then.
//! Preferences that tell nothing about anybody (appearance, narrators) stand in `localStorage`;
//! nothing else does.

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, HtmlElement, HtmlInputElement, HtmlTextAreaElement, Url};

/// What stands after `#`, with it.
pub fn hash() -> String {
    window().location().hash().unwrap_or_default()
}

/// The whole address.
pub fn href() -> String {
    window().location().href().unwrap_or_default()
}

/// Takes what stands after `#` out of the address bar and out of this entry of the history.
pub fn clear_hash() {
    let location = window().location();
    let path = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
    }
}

/// Moves to another hash; the browser's back button leads back.
pub fn set_hash(hash: &str) {
    let _ = window().location().set_hash(hash);
}

/// Loads the page anew.
pub fn reload() {
    let _ = window().location().reload();
}

/// A preference, if one is stored.
pub fn preference(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Stores a preference, or takes it back.
pub fn set_preference(key: &str, value: Option<&str>) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = match value {
            Some(value) => storage.set_item(key, value),
            None => storage.remove_item(key),
        };
    }
}

/// Sets an attribute of the page's root, or removes it.
pub fn set_root(name: &str, value: Option<&str>) {
    if let Some(root) = document().document_element() {
        let _ = match value {
            Some(value) => root.set_attribute(name, value),
            None => root.remove_attribute(name),
        };
    }
}

/// Whether `query` holds for this screen.
pub fn media(query: &str) -> bool {
    window()
        .match_media(query)
        .ok()
        .flatten()
        .is_some_and(|list| list.matches())
}

/// No finger is the first way to point here: a key may send, and a field may be focused without a
/// keyboard covering half the screen.
pub fn has_keyboard() -> bool {
    !media("(pointer: coarse)")
}

/// The page is in sight and has the focus of its window.
pub fn in_sight() -> bool {
    !document().hidden() && document().has_focus().unwrap_or(true)
}

/// Safari on iOS, and not from the home screen.
pub fn is_ios_page() -> bool {
    let agent = window().navigator().user_agent().unwrap_or_default();
    (agent.contains("iPhone") || agent.contains("iPad")) && !media("(display-mode: standalone)")
}

fn member(of: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(of, &JsValue::from_str(name)).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// Copies `text`. `shown` holds the same text and is selected when the browser does not let a page
/// copy.
pub async fn copy(text: &str, shown: Option<HtmlTextAreaElement>) -> bool {
    let navigator = window().navigator();
    if let Some(clipboard) = member(&navigator, "clipboard")
        && let Some(write) = member(&clipboard, "writeText")
        && let Ok(write) = write.dyn_into::<Function>()
        && let Ok(promise) = write.call1(&clipboard, &JsValue::from_str(text))
        && JsFuture::from(promise.unchecked_into::<Promise>())
            .await
            .is_ok()
    {
        return true;
    }
    let Some(shown) = shown else { return false };
    let _ = shown.focus();
    shown.select();
    let document = document();
    member(&document, "execCommand")
        .and_then(|copy| copy.dyn_into::<Function>().ok())
        .and_then(|copy| copy.call1(&document, &JsValue::from_str("copy")).ok())
        .is_some_and(|copied| copied.is_truthy())
}

/// Whether the browser can hand a link to another app.
pub fn can_share() -> bool {
    member(&window().navigator(), "share").is_some()
}

/// Hands a link to another app of the person's choice.
pub async fn share(link: &str) {
    let navigator = window().navigator();
    let data = Object::new();
    let _ = Reflect::set(&data, &JsValue::from_str("url"), &JsValue::from_str(link));
    if let Some(share) = member(&navigator, "share")
        && let Ok(share) = share.dyn_into::<Function>()
        && let Ok(promise) = share.call1(&navigator, &data)
    {
        let _ = JsFuture::from(promise.unchecked_into::<Promise>()).await;
    }
}

/// Moves the focus to the element with this id.
pub fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id)
        && let Ok(element) = element.dyn_into::<HtmlElement>()
    {
        let _ = element.focus();
    }
}

/// A number of `0..below` for choosing, never for keys.
pub fn choose(below: usize) -> usize {
    let drawn = (js_sys::Math::random() * below as f64) as usize;
    drawn.min(below.saturating_sub(1))
}

/// Bytes that the browser keeps.
pub trait Keeps: Sized {
    /// The bytes of before and these; `None` if the browser does not keep them.
    fn keep(before: Option<&Self>, bytes: &[u8]) -> Option<Self>;

    /// How many there are.
    fn size(&self) -> u64;
}

impl Keeps for Blob {
    fn keep(before: Option<&Self>, bytes: &[u8]) -> Option<Self> {
        let parts = Array::new();
        if let Some(before) = before {
            parts.push(before);
        }
        parts.push(&Uint8Array::from(bytes));
        Self::new_with_buffer_source_sequence(&parts).ok()
    }

    /// Whole, never negative, and exact in 53 bits.
    fn size(&self) -> u64 {
        self.size() as u64
    }
}

/// The browser did not keep every byte of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incomplete;

/// A file in the making; its bytes are the browser's, which may keep them on disk. Once some are
/// missing it is never a file.
pub struct Bytes<B = Blob> {
    kept: Result<Option<B>, Incomplete>,
    /// How many bytes were added.
    size: u64,
}

impl<B> Default for Bytes<B> {
    fn default() -> Self {
        Self {
            kept: Ok(None),
            size: 0,
        }
    }
}

impl<B: Keeps> Bytes<B> {
    /// Adds bytes at the end.
    ///
    /// # Errors
    /// If the browser did not keep these, or any before them.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), Incomplete> {
        let before = self.kept.as_ref().map_err(|it| *it)?;
        let kept = B::keep(before.as_ref(), bytes).ok_or(Incomplete);
        self.kept = kept.map(Some);
        self.size += bytes.len() as u64;
        self.whole().map(|_| ())
    }

    /// How many there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file, if every byte that was added is in it.
    fn whole(&self) -> Result<&B, Incomplete> {
        let kept = self.kept.as_ref().map_err(|it| *it)?.as_ref();
        kept.filter(|kept| kept.size() == self.size)
            .ok_or(Incomplete)
    }
}

impl Bytes {
    /// An address under which this page alone can save the whole file, to be [forgotten](forget_url).
    ///
    /// # Errors
    /// If the browser did not keep all of it.
    pub fn to_url(&self) -> Result<String, Incomplete> {
        Url::create_object_url_with_blob(self.whole()?).map_err(|_| Incomplete)
    }
}

/// Lets the browser forget what such an address stands for.
pub fn forget_url(url: &str) {
    let _ = Url::revoke_object_url(url);
}

/// A file that the person chose.
pub struct Chosen(File);

impl Chosen {
    /// The one chosen in this field.
    pub fn of(input: &HtmlInputElement) -> Option<Self> {
        input.files()?.get(0).map(Self)
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        Keeps::size(&*self.0)
    }

    /// So many bytes from there on; `None` if the browser cannot read it any more.
    pub async fn read(&self, from: u64, bytes: u32) -> Option<Vec<u8>> {
        let from = from as f64;
        let part = self.0.slice_with_f64_and_f64(from, from + f64::from(bytes));
        let read = JsFuture::from(part.ok()?.array_buffer()).await.ok()?;
        Some(Uint8Array::new(&read).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what it is given up to so many bytes; then nothing, or not all of it.
    struct Small<const ROOM: usize, const CUTS: bool>(Vec<u8>);

    impl<const ROOM: usize, const CUTS: bool> Keeps for Small<ROOM, CUTS> {
        fn keep(before: Option<&Self>, bytes: &[u8]) -> Option<Self> {
            let mut all = before.map_or_else(Vec::new, |before| before.0.clone());
            all.extend_from_slice(bytes);
            if all.len() > ROOM && !CUTS {
                return None;
            }
            all.truncate(ROOM);
            Some(Self(all))
        }

        fn size(&self) -> u64 {
            self.0.len() as u64
        }
    }

    #[test]
    fn a_file_without_a_part_is_none_and_stays_none() {
        let mut file = Bytes::<Small<4, false>>::default();
        assert_eq!(file.add(b"abc"), Ok(()));
        assert_eq!(file.add(b"def"), Err(Incomplete));
        // A part that would fit by itself does not make a file of it again.
        assert_eq!(file.add(b"g"), Err(Incomplete));
        assert!(file.whole().is_err());
        let mut file = Bytes::<Small<4, true>>::default();
        assert_eq!(file.add(b"abc"), Ok(()));
        assert_eq!(file.whole().map(|it| it.0.clone()), Ok(b"abc".to_vec()));
        assert_eq!(file.add(b"de"), Err(Incomplete), "it was cut");
        assert!(Bytes::<Small<4, true>>::default().whole().is_err());
    }
}
