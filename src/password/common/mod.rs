//! The 100,000 most common passwords; README.md says whose list it is.

use fst::Set;
use std::sync::LazyLock;

static COMMON: LazyLock<Set<&[u8]>> = LazyLock::new(|| {
    Set::new(&include_bytes!("passwords.fst")[..]).expect("the file is a set, which a test looks up")
});

/// Whether a password of at least 8 bytes is among them, in whatever case.
pub(super) fn is_common(password: &str) -> bool {
    COMMON.contains(password.to_lowercase())
}
