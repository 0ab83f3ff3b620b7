//! The account page: logging in, staying logged in, changing the password, logging out.

use super::driver::Browser;
use crate::{
    http::Request,
    server::{PASSWORD, Server},
    servers::eventually,
};
use serde_json::json;

/// What lets two requests with one token take as long as a busy machine needs.
pub const PATIENT: (&str, &str) = ("COUNTERSIGN_REFRESH__GRACE", "60");

/// A server with these settings and two users, `ada`, and `root`, who is an admin.
pub fn server(settings: &[(&str, &str)]) -> Server {
    let server = Server::start_with(&[&[PATIENT], settings].concat());
    server.user("ada", &[]);
    server.user("root", &["admin"]);
    server
}

/// Fills in the form that is seen, and sends it.
pub fn try_login(browser: &Browser, name: &str, password: &str) {
    browser.fill("#username", name);
    browser.fill("#password", password);
    browser.click("#log-in");
}

/// Logs in, and waits until the page has greeted them and listed their sessions.
pub fn log_in(browser: &Browser, name: &str) {
    try_login(browser, name, PASSWORD);
    is_in(browser, name);
}

pub fn is_in(browser: &Browser, name: &str) {
    browser.says("#who", name);
    browser.shows("#sessions li[data-current]");
}

/// The form is there, and nothing of whoever was logged in.
pub fn is_out(browser: &Browser) {
    browser.shows("#log-in");
    let left = "document.querySelectorAll('#sessions li, #users-rows tr, #user-sessions li').length";
    assert_eq!(browser.value(left), 0);
    assert_eq!(browser.value("document.querySelector('#who').textContent"), "");
    for hidden in ["#account-view", "#users-view", "#user-view", "#nav", "#log-out"] {
        assert_eq!(browser.value(&format!("document.querySelector('{hidden}').checkVisibility()")), false);
    }
}

#[test]
fn a_person_logs_in_is_greeted_and_logs_out() {
    let server = server(&[]);
    let [browser] = Browser::open();
    browser.visit(&server, "/account");
    log_in(&browser, "ada");
    browser.counts("#sessions li", 1);
    browser.says("#sessions li", "This device");
    browser.says("#sessions li", "Chrome on Linux");
    // The tokens are nowhere that another script could look for them.
    let kept =
        "[document.cookie, localStorage.length, sessionStorage.length, location.search, location.hash]";
    assert_eq!(browser.value(kept), json!(["", 0, 0, "", ""]));
    assert_eq!(browser.value("(await indexedDB.databases()).length + (await caches.keys()).length"), 0);
    browser.reload();
    is_in(&browser, "ada");

    browser.click("#log-out");
    browser.says("#status", "You are logged out");
    is_out(&browser);
    assert_eq!(browser.cookie("__Host-refresh"), None);
    browser.reload();
    is_out(&browser);
    assert_eq!(sessions(&server), 0);
}

#[test]
fn a_wrong_password_is_told_and_tells_nothing() {
    let server = server(&[]);
    let [browser] = Browser::open();
    browser.visit(&server, "/account");
    let mut said = Vec::new();
    for (name, password) in [("ada", "analytical-engines"), ("nobody-at-all", PASSWORD)] {
        try_login(&browser, name, password);
        browser.says("#login-error", "wrong");
        said.push(browser.value("document.querySelector('#login-error').innerText"));
        assert_eq!(browser.value("document.querySelector('#username').value"), name);
        assert_eq!(browser.value("document.activeElement.id"), "password");
        browser.reload();
    }
    assert_eq!(said[0], said[1]);
    assert_eq!(browser.cookie("__Host-refresh"), None);
    try_login(&browser, "ada", "not-this-one-either");
    browser.says("#login-error", "wrong");
    log_in(&browser, "ada");
}

/// In two tabs at the very same time.
#[test]
fn an_access_token_that_has_expired_is_replaced_unseen() {
    let server = server(&[("COUNTERSIGN_ACCESS_TTL", "30")]);
    let others = [server.login("ada"), server.login("ada")];
    let [browser] = Browser::open();
    browser.visit(&server, "/account");
    log_in(&browser, "ada");
    let tabs = [browser.tab(), browser.new_tab()];
    browser.visit(&server, "/account");
    is_in(&browser, "ada");
    // Each is to end one of the others.
    for (tab, other) in tabs.iter().zip(others) {
        browser.see(tab);
        browser.counts("#sessions li", 3);
        on_signal(
            &browser,
            "document.querySelector(`[data-session='${args[0]}'] button`).click()",
            &session_of(&other),
        );
    }
    let later = server.login("ada");
    eventually("the tokens of the pages have expired too", || server.me(&later).status == 401);
    let before = browser.cookie("__Host-refresh");
    browser.console();
    signal(&browser);
    for tab in &tabs {
        browser.see(tab);
        browser.says("#status", "is logged out");
        is_in(&browser, "ada");
    }
    assert_ne!(browser.cookie("__Host-refresh"), before);
    let refusals = browser.console().iter().filter(|line| line.contains("status of 401")).count();
    assert!(refusals >= 2, "each has noticed by a refusal: {refusals}");
    // The browser's own, and that of `later`.
    assert_eq!(sessions(&server), 2);
}

#[test]
fn two_tabs_that_begin_at_once_both_stay_logged_in() {
    let server = server(&[]);
    let [browser] = Browser::open();
    browser.visit(&server, "/account");
    log_in(&browser, "ada");
    let tabs = [browser.tab(), browser.new_tab()];
    browser.visit(&server, "/account");
    for _ in 0..5 {
        for tab in &tabs {
            browser.see(tab);
            is_in(&browser, "ada");
            on_signal(&browser, "location.reload()", "");
            browser.run("globalThis.isOld = true;", &[]);
        }
        signal(&browser);
        for tab in &tabs {
            browser.see(tab);
            browser.until("!globalThis.isOld");
            is_in(&browser, "ada");
        }
    }
    assert_eq!(sessions(&server), 1);
}

/// Has the page do something when [`signal`] is given in any tab.
fn on_signal(browser: &Browser, act: &str, argument: &str) {
    let script = format!(
        "globalThis.signal = new BroadcastChannel('now');
         globalThis.act = () => {{ {act}; }};
         signal.addEventListener('message', act);"
    );
    browser.run(&script, &[json!(argument)]);
}

/// To all tabs at once. The script is over before the page that it is in may be.
fn signal(browser: &Browser) {
    browser.run("signal.postMessage(null); setTimeout(act);", &[]);
}

fn sessions(server: &Server) -> usize {
    let list: serde_json::Value =
        serde_json::from_str(&server.cli(&["session", "list", "ada", "--json"], "")).unwrap();
    list.as_array().unwrap().len()
}

/// Of an access token, its `sid`.
fn session_of(token: &str) -> String {
    use base64::{Engine, prelude::*};
    let payload = token.split('.').nth(1).unwrap();
    let claims: serde_json::Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims["sid"].as_str().unwrap().to_owned()
}

#[test]
fn logging_in_and_out_in_one_tab_is_seen_in_the_other() {
    let server = server(&[]);
    let [browser] = Browser::open();
    browser.visit(&server, "/account");
    is_out(&browser);
    let first = browser.tab();
    let second = browser.new_tab();
    browser.visit(&server, "/account");
    log_in(&browser, "ada");
    browser.see(&first);
    is_in(&browser, "ada");
    browser.click("#log-out");
    browser.says("#status", "You are logged out");
    is_out(&browser);
    browser.see(&second);
    browser.says("#status", "another tab");
    is_out(&browser);
    // Somebody else, at the same computer: nothing of `ada` comes back.
    log_in(&browser, "root");
    browser.see(&first);
    is_in(&browser, "root");
}

#[test]
fn going_back_after_logging_out_shows_nothing() {
    let server = server(&[]);
    let [browser] = Browser::open();
    browser.visit(&server, "/account");
    log_in(&browser, "ada");
    let first = browser.tab();
    browser.expect_in_console("/favicon.ico");
    browser.visit(&server, "/account/account.css");
    browser.new_tab();
    browser.visit(&server, "/account");
    is_in(&browser, "ada");
    browser.click("#log-out");
    is_out(&browser);
    browser.see(&first);
    browser.back();
    is_out(&browser);
}

#[test]
fn a_new_password_needs_the_present_one_and_ends_what_is_open_elsewhere() {
    let server = server(&[]);
    let other = server.login("ada");
    let [browser, phone] = Browser::open();
    // That the present password is wrong.
    browser.expect_in_console("the server responded with a status of 403");
    phone.visit(&server, "/account");
    log_in(&phone, "ada");
    browser.visit(&server, "/account");
    log_in(&browser, "ada");
    browser.counts("#sessions li", 3);
    let chosen = "an engine of differences";
    let change = |present: &str, new: &str| {
        browser.fill("#current-password", present);
        browser.fill("#new-password", new);
        browser.click("#change-password");
    };
    change("not-the-present-one", chosen);
    browser.says("#password-error", "present password is wrong");
    change(PASSWORD, "password1");
    browser.says("#password-error", "new password");
    server.accepts(&other);
    change(PASSWORD, chosen);
    browser.says("#status", "password is changed");
    browser.counts("#sessions li", 1);
    is_in(&browser, "ada");
    assert_eq!(browser.value("document.querySelector('#new-password').value"), "");
    server.refuses(&other);
    looked_at(&phone);
    browser.reload();
    is_in(&browser, "ada");
    phone.says("#status", "session has ended");
    is_out(&phone);
    try_login(&phone, "ada", PASSWORD);
    phone.says("#login-error", "wrong");
    try_login(&phone, "ada", chosen);
    is_in(&phone, "ada");
    let login = Request::post("/token").form(&[("username", "ada"), ("password", PASSWORD)]);
    server.refuses_form(login, "invalid_grant");
}

/// Somebody comes back to the page, which then asks how things are.
pub fn looked_at(browser: &Browser) {
    browser.run("document.dispatchEvent(new Event('visibilitychange'));", &[]);
}
