//! The account page's list of sessions.

use super::{
    account::{is_in, is_out, log_in, looked_at, server},
    driver::Browser,
};
use crate::{
    http::Request,
    server::{PASSWORD, Server},
};

/// An access token of a device that says this of itself.
fn device(server: &Server, name: &str) -> String {
    let form = [("username", "ada"), ("password", PASSWORD), ("device_name", name)];
    let reply = server.send(Request::post("/token").form(&form));
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn ending_another_browser_s_session_sends_it_back_to_its_login_form() {
    let server = server(&[]);
    let [laptop, phone] = Browser::open();
    phone.visit(&server, "/account");
    log_in(&phone, "ada");
    laptop.visit(&server, "/account");
    log_in(&laptop, "ada");
    laptop.counts("#sessions li", 2);
    laptop.counts("#sessions li[data-current]", 1);
    laptop.click("#sessions li:not([data-current]) button");
    laptop.says("#status", "is logged out");
    laptop.counts("#sessions li", 1);
    is_in(&laptop, "ada");

    looked_at(&phone);
    phone.says("#status", "session has ended");
    is_out(&phone);
    assert_eq!(phone.cookie("__Host-refresh"), None);
    phone.reload();
    is_out(&phone);
    laptop.reload();
    is_in(&laptop, "ada");
    log_in(&phone, "ada");
}

#[test]
fn all_others_end_together_once_that_is_confirmed() {
    let server = server(&[]);
    let (tablet, watch) = (device(&server, "tablet"), device(&server, "watch"));
    let [laptop, phone] = Browser::open();
    phone.visit(&server, "/account");
    log_in(&phone, "ada");
    laptop.visit(&server, "/account");
    log_in(&laptop, "ada");
    laptop.counts("#sessions li", 4);
    for name in ["tablet", "watch", "This device"] {
        laptop.says("#sessions", name);
    }
    laptop.click("#end-others");
    laptop.click("#confirm-no");
    laptop.until("!document.querySelector('#confirm').open");
    laptop.counts("#sessions li", 4);
    server.accepts(&tablet);

    laptop.click("#end-others");
    laptop.click("#confirm-yes");
    laptop.says("#status", "3 other devices are logged out");
    laptop.counts("#sessions li", 1);
    is_in(&laptop, "ada");
    server.refuses_each([("tablet", tablet), ("watch", watch)]);
    looked_at(&phone);
    phone.says("#status", "session has ended");
    is_out(&phone);
    laptop.until("!document.querySelector('#end-others').checkVisibility()");
}

/// It is what somebody else's program may say of itself.
#[test]
fn a_device_s_name_is_text_whatever_it_looks_like() {
    let server = server(&[]);
    let name = "<img src=x onerror=alert(1)><b>bold</b>";
    device(&server, name);
    let [browser] = Browser::open();
    browser.visit(&server, "/account");
    log_in(&browser, "ada");
    browser.says("#sessions", name);
    assert_eq!(browser.value("document.querySelectorAll('#sessions img, #sessions b').length"), 0);
}
