//! A link as a QR code: the path of an SVG, so that no picture has to be made or loaded.

use qrcode::{Color, EcLevel, QrCode};

/// Modules of quiet zone on every side, as ISO/IEC 18004 asks.
const QUIET: usize = 4;

/// A QR code to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// Width and height of the view box, in modules, quiet zone included.
    pub size: usize,
    /// The dark modules, as the `d` of a path; neighbours in a row are one rectangle.
    pub path: String,
}

/// Draws `text`, or nothing if it is too long for a code that a phone reads easily.
pub fn draw(text: &str) -> Option<Drawing> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(text, EcLevel::L))
        .ok()?;
    let width = code.width();
    let mut path = String::with_capacity(width * width * 5);
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let (x, y, run) = (x + QUIET, y + QUIET, run.len());
                path.push_str(&format!("M{x} {y}h{run}v1h-{run}z"));
            }
            x += run.len();
        }
    }
    Some(Drawing {
        size: width + 2 * QUIET,
        path,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_link_of_the_stated_length_is_drawn_with_its_finders() {
        let drawing = draw(&"x".repeat(200)).unwrap();
        let width = drawing.size - 2 * QUIET;
        assert_eq!((width - 17) % 4, 0, "not the width of a QR code: {width}");
        assert!(
            drawing.path.starts_with("M4 4h7v1h-7z"),
            "no finder in the corner"
        );
    }

    #[test]
    fn what_is_too_long_is_not_drawn() {
        assert_eq!(draw(&"x".repeat(4_000)), None);
    }
}
