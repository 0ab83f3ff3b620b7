//! Which passwords can be chosen (NIST SP 800-63B-4 §3.1.1.2): no rules of what they are made of, but
//! none that is guessed first.

use super::{Password, PasswordError, common};
use crate::user::Username;

/// The rules for a password that somebody chooses: its length, that it is none of the 100,000 most
/// common, and that no name is in it that everybody would try. Not asked at a login, nor of
/// [`Password::random`].
///
/// ```
/// use countersign::password::{PasswordError, Policy};
///
/// let policy = Policy::new(["example"]);
/// let accept = |text| policy.accept(text, &"lovelace".parse().expect("a name"));
/// assert!(accept("analytical-engine").is_ok());
/// assert_eq!(accept("Secret123"), Err(PasswordError::Common));
/// assert_eq!(accept("LoveLace1815"), Err(PasswordError::HasUsername));
/// assert_eq!(accept("my example.org login"), Err(PasswordError::HasSiteName));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policy {
    site_names: Vec<String>,
}

impl Policy {
    /// How long a name is, in characters, so that it may not be inside a password: shorter ones are
    /// in many words.
    pub const MIN_NAME: usize = 4;

    /// Passwords may not have these names of the site in them; those that are shorter than
    /// [`MIN_NAME`](Self::MIN_NAME) do not count.
    pub fn new<'n>(site_names: impl IntoIterator<Item = &'n str>) -> Self {
        let is_long = |name: &&str| name.chars().count() >= Self::MIN_NAME;
        Self { site_names: site_names.into_iter().filter(is_long).map(str::to_lowercase).collect() }
    }

    /// A password that this user is to have from now on.
    pub fn accept(&self, text: &str, username: &Username) -> Result<Password, PasswordError> {
        let password = Password::parse(text)?;
        let lower = zeroize::Zeroizing::new(password.reveal().to_lowercase());
        let is_inside = |name: &str| name.chars().count() >= Self::MIN_NAME && lower.contains(name);
        // Of an address, what stands before the host names the person.
        let username = username.as_str();
        let person = username.split_once('@').map_or(username, |(person, _)| person);
        if password.reveal().len() < Password::MIN_BYTES {
            Err(PasswordError::TooShort)
        } else if common::is_common(password.reveal()) {
            Err(PasswordError::Common)
        } else if is_inside(username) || is_inside(person) {
            Err(PasswordError::HasUsername)
        } else if self.site_names.iter().any(|name| is_inside(name)) {
            Err(PasswordError::HasSiteName)
        } else {
            Ok(password)
        }
    }
}
