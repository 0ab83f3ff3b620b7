//! Why a password cannot be chosen, as a constant text that names the field it was sent in.

/// The text for a [`PasswordError`](crate::password::PasswordError).
macro_rules! refusal {
    ($error:expr, $field:literal) => {
        match $error {
            $crate::password::PasswordError::TooShort => concat!($field, " must have at least 8 bytes"),
            $crate::password::PasswordError::TooLong => concat!($field, " must have at most 256 bytes"),
            $crate::password::PasswordError::NotAllowed => {
                concat!($field, " must not have control characters, invisible or unassigned ones in it")
            }
            $crate::password::PasswordError::Common => {
                concat!($field, " is one of the 100,000 most common passwords")
            }
            $crate::password::PasswordError::HasUsername => concat!($field, " has the user name in it"),
            $crate::password::PasswordError::HasSiteName => {
                concat!($field, " has the name of the site in it")
            }
        }
    };
}
pub(super) use refusal;
