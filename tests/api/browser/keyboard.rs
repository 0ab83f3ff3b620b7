//! The account page without a mouse.

use super::{
    account::{is_in, is_out, server},
    driver::Browser,
};
use crate::server::PASSWORD;
use serde_json::json;
use thirtyfour::Key;

/// Goes on by a key until the element with this id has the focus; whatever has it on the way can be seen to.
#[track_caller]
fn walk(browser: &Browser, shift: bool, id: &str) {
    for _ in 0..40 {
        if shift {
            browser.press(Key::Shift + Key::Tab);
        } else {
            browser.press(Key::Tab);
        }
        let stop = browser.value(
            "(() => {
                 const it = document.activeElement;
                 const style = getComputedStyle(it);
                 const marked = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
                 const box = it.getBoundingClientRect();
                 const named = it.ariaLabel || it.innerText || it.labels?.[0]?.innerText || it.title;
                 return { id: it.id, marked, visible: box.width > 0 && box.height > 0, named: Boolean(named) };
             })()",
        );
        if stop["id"] == id {
            assert_eq!(stop, json!({ "id": id, "marked": true, "visible": true, "named": true }));
            return;
        }
    }
    panic!("the focus does not come to {id}");
}

#[track_caller]
fn has_focus(browser: &Browser, id: &str) {
    browser.until(&format!("document.activeElement.id === '{id}'"));
}

#[test]
fn all_of_it_can_be_done_with_the_keyboard_alone() {
    let server = server(&[]);
    server.login("ada");
    let [browser] = Browser::open();
    browser.visit(&server, "/account");
    has_focus(&browser, "username");
    browser.press("ada");
    walk(&browser, false, "password");
    browser.press("wrong-at-first");
    browser.press(Key::Enter);
    browser.says("#login-error", "wrong");
    // What was typed is marked, so that typing goes over it.
    has_focus(&browser, "password");
    browser.press(PASSWORD);
    browser.press(Key::Enter);
    is_in(&browser, "ada");
    has_focus(&browser, "account-title");

    browser.counts("#sessions li", 2);
    walk(&browser, false, "end-others");
    browser.press(Key::Enter);
    browser.shows("#confirm");
    browser.press(Key::Escape);
    browser.until("!document.querySelector('#confirm').open");
    has_focus(&browser, "end-others");
    browser.counts("#sessions li", 2);
    browser.press(Key::Enter);
    browser.shows("#confirm");
    walk(&browser, false, "confirm-yes");
    browser.press(Key::Enter);
    browser.says("#status", "One other device is logged out");
    browser.counts("#sessions li", 1);
    has_focus(&browser, "sessions-title");

    let chosen = "an engine of differences";
    walk(&browser, false, "current-password");
    browser.press(PASSWORD);
    walk(&browser, false, "new-password");
    browser.press(chosen);
    walk(&browser, false, "change-password");
    browser.press(Key::Space);
    browser.says("#status", "password is changed");
    has_focus(&browser, "account-title");

    walk(&browser, true, "log-out");
    browser.press(Key::Enter);
    browser.says("#status", "You are logged out");
    is_out(&browser);
    has_focus(&browser, "username");
}
