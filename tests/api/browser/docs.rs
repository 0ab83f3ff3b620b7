//! Swagger UI at `/docs`.

use super::{account::server, driver::Browser};
use crate::server::PASSWORD;

/// What asks for who one is.
const ME: &str = "[id^='operations-'][id$='-me']";

/// *Try it out*; the status that is shown.
fn ask_who(browser: &Browser, status: &str) {
    browser.click(&format!("{ME} .execute"));
    browser.says(&format!("{ME} .live-responses-table tbody .response-col_status"), status);
}

// Authorize, then try /me.
#[test]
fn the_docs_log_in_by_password_and_try_a_route_out() {
    let server = server(&[("COUNTERSIGN_DOCS", "on")]);
    let [browser] = Browser::open();
    browser.visit(&server, "/docs");
    browser.click(&format!("{ME} .opblock-summary-control"));
    ask_who(&browser, "401");

    browser.click(".auth-wrapper .authorize");
    browser.fill("#oauth_username", "ada");
    browser.fill("#oauth_password", "not-the-password");
    let authorize = ".auth-container:has(#oauth_username) .auth-btn-wrapper .authorize";
    browser.click(authorize);
    browser.shows(".auth-container .errors");
    browser.fill("#oauth_password", PASSWORD);
    browser.click(authorize);
    browser.says(".modal-ux", "Logout");
    browser.click(".modal-ux .close-modal");

    ask_who(&browser, "200");
    browser.says(&format!("{ME} .live-responses-table"), "\"username\": \"ada\"");
    // A browser that logs in has its refresh token in the cookie, here too.
    assert!(browser.cookie("__Host-refresh").is_some());
    assert_eq!(browser.value("[document.cookie, localStorage.length].join()"), ",0");
}
