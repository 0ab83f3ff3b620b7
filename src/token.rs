//! The noun: an access token's id.

crate::id::random_id! {
    /// Identifies one access token: 128 random bits, never given to another. It is its `jti`, and by
    /// it, not by the token's text, a single token is revoked.
    TokenId, TokenIdError = "not a token id"
}
