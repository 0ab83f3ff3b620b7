//! What people see: pages in a real Chromium, and what other sites' pages can do to them.
//!
//! A browser is at `http://localhost:PORT`, where it takes `Secure` cookies; a page at `http://127.0.0.1:PORT`
//! or at any name that ends in `.example` is another site's. Nothing else can be reached from it.

mod account;
mod admin;
mod confined;
mod cookie;
mod cors;
mod docs;
mod driver;
mod elsewhere;
mod keyboard;
mod pictures;
mod sessions;
