//! Ids of 128 random bits, written as base64url.

/// Makes a type for one kind of id, and the error of a text that is none.
macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $error:ident = $problem:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new id from the operating system's randomness.
            pub fn random() -> Result<Self, getrandom::Error> {
                let mut bytes = [0; 16];
                getrandom::fill(&mut bytes)?;
                Ok(Self(bytes))
            }

            /// The id of these bits.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Its bits.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
                f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        #[doc = concat!("The text is ", $problem, ".")]
        #[derive(Debug, thiserror::Error)]
        #[error($problem)]
        pub struct $error;

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| $error)?;
                bytes.try_into().map(Self).map_err(|_| $error)
            }
        }
    };
}
pub(crate) use random_id;
