//! Every screen in four variants, phone and desktop, light and dark: drawn, inspected by axe-core under the app's own policy,
//! and kept as pictures for people.

mod circle;
mod collective;
mod door;
mod introduction;
mod leaving;
mod link;
mod moving;
mod split;
mod trouble;
mod walk;
