//! A kit for the unhappy paths: every bad token that we know of, and what it must be answered.
//!
//! One line tests that a route of your own is protected, whatever guard it uses:
//!
//! ```
//! # use rocket::{get, http::Method, local::blocking::Client, routes};
//! use countersign::{CurrentUser, stage, testing::assert_protected};
//!
//! #[get("/orders")]
//! fn orders(user: &CurrentUser) -> String {
//!     format!("Orders of {}", user.username())
//! }
//!
//! # let figment = rocket::Config::figment()
//! #     .merge(("auth.database_url", "memory:"))
//! #     .merge(("auth.signing_key", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1"));
//! # let app = rocket::custom(figment).attach(stage()).mount("/", routes![orders]);
//! // In a test of yours, with `app` as you launch it.
//! let client = Client::tracked(app).unwrap();
//! assert_protected(&client, Method::Get, "/orders");
//! ```
//!
//! - [`Kit`] makes the tokens, from a key ring or from one good token; as an iterator, or as a
//!   proptest strategy.
//! - [`Case`] is one of them: what is wrong with it, the rule that says so, and the [`Answer`].
//! - [`Protected`] drives them all at a route by a local client of Rocket's, and [`Report`] says
//!   which answers were wrong. [`assert_protected`] is the short form.
//!
//! `countersign attack` does the same to a running server. Nothing here is for production: it is
//! behind the feature `testing` (the program has a part of it too).

mod bad;
mod case;
mod forge;
mod kit;
#[cfg(feature = "testing")]
mod protected;
mod report;
#[cfg(feature = "testing")]
mod strategy;
#[cfg(feature = "testing")]
mod visitor;
pub use case::{Answer, Case, Reply};
pub use kit::{Kit, KitError};
#[cfg(feature = "testing")]
pub use protected::{Protected, assert_protected, assert_protected_async};
pub use report::{Report, Wrong};
