//! What the account page cannot be made to do: run what is slipped into it, or be shown in a frame.

use super::{
    account::{is_out, log_in, server},
    driver::{Browser, origin},
    elsewhere::Elsewhere,
};
use serde_json::json;

const PAGE: &str = "<!doctype html><link rel=icon href=data:,><title>Elsewhere</title><p id=there>There</p>";

#[test]
fn what_is_slipped_into_the_page_does_not_run_nor_send_anything_away() {
    let elsewhere = Elsewhere::serve(PAGE);
    let server = server(&[]);
    let [browser] = Browser::open();
    browser.expect_in_console("Content Security Policy");
    browser.expect_in_console("This document requires 'Trusted");
    browser.visit(&server, "/account");
    log_in(&browser, "ada");
    let seen = browser.run(
        "const seen = [];
         const policy = (event) => seen.push(event.effectiveDirective);
         document.addEventListener('securitypolicyviolation', policy);
         const violated = async (directive, act) => {
             const before = seen.length;
             let thrown = '';
             try { await act(); } catch (error) { thrown = error.name; }
             while (seen.length === before) {
                 await new Promise((resolve) => setTimeout(resolve, 20));
             }
             return [directive, seen[before].startsWith(directive), thrown];
         };
         const element = (tag, attributes) => {
             const made = document.createElement(tag);
             for (const [name, value] of Object.entries(attributes)) { made[name] = value; }
             document.body.append(made);
             return made;
         };
         return [
             await violated('require-trusted-types-for', () => { document.body.innerHTML += '<p>'; }),
             await violated('require-trusted-types-for', () => element('p', {}).setAttribute('onclick', 'act()')),
             await violated('script-src', () => import(args[0])),
             await violated('connect-src', () => fetch(args[0])),
             await violated('img-src', () => element('img', { src: args[0] })),
             await violated('style-src', () => element('style', { textContent: 'p { color: red }' })),
             await violated('frame-src', () => element('iframe', { src: args[0] })),
             await violated('form-action', () => element('form', { action: args[0] }).submit()),
         ];",
        &[json!(elsewhere.at("evil.example"))],
    );
    let expected = [
        ("require-trusted-types-for", true, "TypeError"),
        ("require-trusted-types-for", true, "TypeError"),
        ("script-src", true, "TypeError"),
        ("connect-src", true, "TypeError"),
        ("img-src", true, ""),
        ("style-src", true, ""),
        ("frame-src", true, ""),
        ("form-action", true, ""),
    ];
    assert_eq!(seen, json!(expected));
}

#[test]
fn no_page_can_put_a_frame_around_ours() {
    let elsewhere = Elsewhere::serve(PAGE);
    let server = server(&[]);
    let [browser] = Browser::open();
    browser.expect_in_console("frame-ancestors 'none'");
    // Another site, another port of the same site.
    for host in ["127.0.0.1", "localhost", "evil.example"] {
        browser.goto(&elsewhere.at(host));
        let there = "document.querySelector('#there')?.innerText ?? null";
        assert_eq!(browser.framed(&elsewhere.at(host), there), "There");
        for path in ["/account", "/health/live", "/me"] {
            let url = format!("{}{path}", origin(&server));
            let shown = browser.framed(&url, "[location.protocol, document.querySelector('#log-in')]");
            assert_eq!(shown, json!(["chrome-error:", null]), "{host} {path}");
        }
    }
    browser.visit(&server, "/account");
    is_out(&browser);
}
