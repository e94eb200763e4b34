//! The page's program. Everything is in the library, so that the pure parts are tested natively.

fn main() {
    komrade_app::start();
}
