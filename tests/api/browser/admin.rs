//! The account page, as an admin sees it.

use super::{
    account::{is_in, is_out, log_in, looked_at, server, try_login},
    driver::Browser,
};
use crate::{
    http::{Reply, Request},
    server::{PASSWORD, Server},
};
use serde_json::json;

/// How many users there are: `ada`, `root`, and the admin whom a server makes for itself.
const BEFORE: usize = 3;

fn token(server: &Server, name: &str, password: &str) -> Reply {
    server.send(Request::post("/token").form(&[("username", name), ("password", password)]))
}

/// An admin's browser that looks at this user.
fn looking_at(server: &Server, name: &str) -> Browser {
    let [browser] = Browser::open();
    browser.visit(server, "/account");
    log_in(&browser, "root");
    open(&browser, name);
    browser
}

fn open(browser: &Browser, name: &str) {
    browser.click("#to-users");
    browser.fill("#search", name);
    browser.says("#users-found", "1 user");
    browser.click("#users-rows a");
    browser.says("#user-name", name);
    browser.shows("#user-view");
}

#[test]
fn only_an_admin_is_shown_the_users() {
    let server = server(&[]);
    let [browser] = Browser::open();
    browser.visit(&server, "/account#users");
    log_in(&browser, "ada");
    assert_eq!(browser.value("document.querySelector('#to-users').checkVisibility()"), false);
    browser.run("location.hash = '#users/1';", &[]);
    is_in(&browser, "ada");
    assert_eq!(browser.value("document.querySelector('#users-view').checkVisibility()"), false);
    assert_eq!(browser.value("document.querySelectorAll('#users-rows tr').length"), 0);
}

#[test]
fn users_are_found_by_part_of_their_name() {
    let server = server(&[]);
    for name in ["grace", "adalbert", "edsger"] {
        server.user(name, &[]);
    }
    let [browser] = Browser::open();
    browser.visit(&server, "/account");
    log_in(&browser, "root");
    browser.click("#to-users");
    browser.counts("#users-rows tr", 3 + BEFORE);
    browser.fill("#search", "ada");
    browser.says("#users-found", "2 users");
    let names = "[...document.querySelectorAll('#users-rows th')].map((name) => name.innerText).sort()";
    assert_eq!(browser.value(names), json!(["ada", "adalbert"]));
    browser.fill("#search", "nobody-of-that-name");
    browser.says("#users-found", "Nobody");
    // The page that is open is in its address.
    browser.reload();
    browser.counts("#users-rows tr", 3 + BEFORE);
    browser.back();
    is_in(&browser, "root");
}

#[test]
fn roles_that_an_admin_gives_hold_from_the_next_token_on() {
    let server = server(&[]);
    let browser = looking_at(&server, "ada");
    browser.fill("#user-roles", "editor, reader");
    browser.click("#save-roles");
    browser.says("#status", "roles are saved");
    let roles = server.me(&server.login("ada")).json()["roles"].clone();
    assert_eq!(roles, json!(["editor", "reader"]));
    browser.fill("#user-roles", "not/a/role");
    browser.click("#save-roles");
    browser.until("document.querySelector('#roles-error').innerText !== ''");
    assert_eq!(server.me(&server.login("ada")).json()["roles"], roles);
}

#[test]
fn an_admin_ends_one_session_of_a_user_or_all() {
    let server = server(&[]);
    let (one, two) = (server.login("ada"), server.login("ada"));
    let [browser, other] = Browser::open();
    other.visit(&server, "/account");
    log_in(&other, "ada");
    browser.visit(&server, "/account");
    log_in(&browser, "root");
    open(&browser, "ada");
    browser.counts("#user-sessions li", 3);
    browser.click("#user-sessions li:last-child button");
    browser.says("#status", "is logged out");
    browser.counts("#user-sessions li", 2);
    let statuses = [&one, &two].map(|token| server.me(token).status);
    assert!(statuses.contains(&401), "the one that was used longest ago stands last: {statuses:?}");

    browser.click("#end-user-sessions");
    browser.click("#confirm-yes");
    browser.says("#status", "logged out everywhere");
    browser.shows("#no-user-sessions");
    server.refuses_each([("one", one), ("two", two)]);
    looked_at(&other);
    is_out(&other);
    log_in(&other, "ada");
    browser.click("#to-account");
    is_in(&browser, "root");
}

#[test]
fn a_user_who_is_disabled_is_out_until_enabled() {
    let server = server(&[]);
    let access = server.login("ada");
    let [browser, other] = Browser::open();
    other.visit(&server, "/account");
    log_in(&other, "ada");
    browser.visit(&server, "/account");
    log_in(&browser, "root");
    open(&browser, "ada");
    browser.click("#disable-user");
    browser.click("#confirm-yes");
    browser.says("#user-state", "Disabled");
    server.refuses(&access);
    looked_at(&other);
    is_out(&other);
    try_login(&other, "ada", PASSWORD);
    other.says("#login-error", "wrong");
    browser.click("#enable-user");
    browser.until("!document.querySelector('#user-state').checkVisibility()");
    log_in(&other, "ada");
}

#[test]
fn a_password_that_is_made_is_shown_once_and_works() {
    let server = server(&[]);
    let access = server.login("ada");
    let browser = looking_at(&server, "ada");
    browser.click("#reset-password");
    browser.click("#confirm-yes");
    browser.until("document.querySelector('#made-password').value !== ''");
    browser.shows("#made");
    let made = browser.value("document.querySelector('#made-password').value");
    let made = made.as_str().unwrap();
    browser.click("#made-done");
    browser.until("!document.querySelector('#made').open");
    browser.until("document.querySelector('#made-password').value === ''");
    server.refuses(&access);
    assert_eq!(token(&server, "ada", PASSWORD).status, 400);
    assert_eq!(token(&server, "ada", made).status, 200);
}

#[test]
fn an_admin_adds_a_user_and_deletes_them() {
    let server = server(&[]);
    let [browser] = Browser::open();
    browser.expect_in_console("the server responded with a status of 409");
    browser.visit(&server, "/account");
    log_in(&browser, "root");
    browser.click("#to-users");
    browser.click("#add-user");
    browser.fill("#new-username", "ada");
    browser.click("#add-yes");
    browser.until("document.querySelector('#add-error').innerText !== ''");
    browser.fill("#new-username", "grace");
    browser.fill("#new-roles", "editor");
    browser.click("#add-yes");
    browser.shows("#made");
    let made = browser.value("document.querySelector('#made-password').value");
    browser.click("#made-done");
    browser.says("#user-name", "grace");
    let reply = token(&server, "grace", made.as_str().unwrap());
    let access = reply.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.me(&access).json()["roles"], json!(["editor"]));

    browser.click("#delete-user");
    browser.click("#confirm-yes");
    browser.says("#status", "grace is deleted");
    browser.counts("#users-rows tr", BEFORE);
    server.refuses(&access);
    // Not oneself, though.
    open(&browser, "root");
    browser.shows("#user-is-you");
    assert_eq!(browser.value("document.querySelector('#delete-user').checkVisibility()"), false);
}
