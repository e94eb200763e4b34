//! Feature `fuzz`: every decoder as a function of bytes.
