//! The noun: a session's id. The record that a store keeps is in `store`.

crate::id::random_id! {
    /// Identifies one login and everything that was refreshed from it (a token family): 128 random
    /// bits. It is the `sid` of access tokens and no secret.
    SessionId, SessionIdError = "not a session id"
}
