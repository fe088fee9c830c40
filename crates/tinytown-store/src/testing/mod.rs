//! Ordeals for a backend that go beyond the conformance suite: random commands against the model, and
//! histories of several callers at once. For tests only.

pub mod histories;
pub mod sequences;

/// How often something at random is done: `usual`, or `long` if `TINYTOWN_LONG` is set (`cargo xtask test --long`).
pub fn rounds(usual: u32, long: u32) -> u32 {
    if std::env::var_os("TINYTOWN_LONG").is_some_and(|value| value != "0") { long } else { usual }
}
