//! The refresh cookie in a real browser: what its own pages can do with it, and others cannot.

use super::{
    driver::{Browser, origin},
    elsewhere::Elsewhere,
};
use crate::server::{PASSWORD, Server};
use serde_json::{Value, json};

/// A page of the server's own, which does nothing by itself and may send requests.
const OWN_PAGE: &str = "/account/account.css";

/// What other pages' hosts are called: another site, another port of the same, and a name that no browser
/// takes for this machine.
const OTHERS: [&str; 3] = ["127.0.0.1", "localhost", "evil.example"];

/// Any refresh token but the newest ends its session.
const NO_GRACE: (&str, &str) = ("COUNTERSIGN_REFRESH__GRACE", "0");

/// A browser in which `ada` is logged in, on a page of the server's own.
fn logged_in(server: &Server) -> Browser {
    let [browser] = Browser::open();
    browser.expect_in_console("/favicon.ico");
    browser.visit(server, OWN_PAGE);
    let answer = browser.fetch("/token", form(&format!("username=ada&password={PASSWORD}")));
    assert_eq!(answer["status"], 200, "{answer}");
    browser
}

fn form(body: &str) -> Value {
    json!({
        "method": "POST",
        "headers": { "Content-Type": "application/x-www-form-urlencoded" },
        "body": body,
    })
}

/// The same, sent by a page that has no say in it.
fn blind(content_type: &str, body: &str) -> Value {
    json!({
        "method": "POST",
        "mode": "no-cors",
        "credentials": "include",
        "headers": { "Content-Type": content_type },
        "body": body,
    })
}

/// The new access token.
fn refresh(browser: &Browser) -> String {
    let answer = browser.fetch("/token", form("grant_type=refresh_token"));
    assert_eq!(answer["status"], 200, "{answer}");
    let body: Value = serde_json::from_str(answer["text"].as_str().unwrap()).unwrap();
    assert_eq!(body.get("refresh_token"), None);
    body["access_token"].as_str().unwrap().to_owned()
}

/// The refresh cookie, which only the test can see.
fn kept(browser: &Browser) -> String {
    browser.cookie("__Host-refresh").expect("the refresh cookie")
}

// S01
#[test]
fn the_refresh_cookie_is_kept_and_no_script_sees_it() {
    let server = Server::start();
    let browser = logged_in(&server);
    server.accepts(&refresh(&browser));
    assert_eq!(browser.value("document.cookie"), "");
    // The next tab has it too, and sees as little.
    browser.new_tab();
    browser.visit(&server, OWN_PAGE);
    server.accepts(&refresh(&browser));
    assert_eq!(browser.value("document.cookie"), "");
    assert_eq!(browser.value("(await cookieStore.getAll()).length"), 0);
    assert!(kept(&browser).starts_with("csr_"));
}

// S02
#[test]
fn another_page_s_requests_neither_use_the_cookie_nor_end_the_session() {
    let server = Server::start_with(&[NO_GRACE]);
    server.user("ada", &[]);
    let elsewhere = Elsewhere::serve("<!doctype html><title>Elsewhere</title>");
    let browser = logged_in(&server);
    browser.expect_in_console("has been blocked by CORS policy");
    browser.expect_in_console("net::ERR_FAILED");
    browser.expect_in_console("net::ERR_BLOCKED_BY_RESPONSE");
    browser.expect_in_console("the server responded with a status of 403");
    let (own, token) = (browser.tab(), refresh(&browser));
    let before = kept(&browser);
    browser.new_tab();
    for host in OTHERS {
        browser.goto(&elsewhere.at(host));
        for path in ["/token", "/logout"] {
            let url = format!("{}{path}", origin(&server));
            let mut open = form("grant_type=refresh_token");
            open["credentials"] = json!("include");
            let answer = browser.fetch(&url, open);
            assert_eq!(answer.get("status"), None, "{host} reads {path}: {answer}");
            for content_type in ["application/x-www-form-urlencoded", "text/plain"] {
                // It is sent, and the page learns nothing, not even that it was answered.
                let answer = browser.fetch(&url, blind(content_type, "grant_type=refresh_token"));
                assert!(answer["refused"].is_string(), "{host} {path}: {answer}");
            }
        }
        browser.fetch(
            &format!("{}/sessions", origin(&server)),
            json!({ "method": "DELETE", "credentials": "include" }),
        );
    }
    browser.see(&own);
    assert_eq!(kept(&browser), before);
    server.accepts(&token);
    server.accepts(&refresh(&browser));
}

// S02
#[test]
fn another_page_s_forms_neither_use_the_cookie_nor_log_in_as_somebody_else() {
    let server = Server::start_with(&[NO_GRACE]);
    server.user("ada", &[]);
    server.user("eve", &[]);
    let elsewhere = Elsewhere::serve("<!doctype html><title>Elsewhere</title>");
    let browser = logged_in(&server);
    browser.expect_in_console("the server responded with a status of 403");
    let (own, token) = (browser.tab(), refresh(&browser));
    let before = kept(&browser);
    browser.new_tab();
    let attempts = [
        ("/token", vec![("grant_type", "refresh_token")]),
        ("/token", vec![("username", "eve"), ("password", PASSWORD)]),
        ("/logout", vec![]),
    ];
    for host in OTHERS {
        for (path, fields) in &attempts {
            // Another site's request has no cookie, so there is nothing to end: 204, and the page stays.
            if *path == "/logout" && host != "localhost" {
                continue;
            }
            for encoding in ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"] {
                browser.goto(&elsewhere.at(host));
                let action = format!("{}{path}", origin(&server));
                browser.run(
                    "const [action, encoding, fields] = args;
                     const form = Object.assign(document.createElement('form'), { action, method: 'post' });
                     form.enctype = encoding;
                     for (const [name, value] of fields) {
                         form.append(Object.assign(document.createElement('input'), { name, value }));
                     }
                     document.body.append(form);
                     setTimeout(() => form.submit());",
                    &[json!(action), json!(encoding), json!(fields)],
                );
                browser.until(&format!("location.href === '{action}' && document.readyState === 'complete'"));
                let shown = browser.value("document.body.innerText");
                let shown = shown.as_str().unwrap();
                assert!(shown.contains("\"error\""), "{host} {path} {encoding}: {shown}");
                assert_eq!(kept(&browser), before, "{host} {path} {encoding}");
            }
        }
    }
    browser.see(&own);
    let refreshed = refresh(&browser);
    for token in [token, refreshed] {
        assert_eq!(server.me(&token).json()["username"], "ada");
    }
}

/// The page that has the session open and another one ask at the very same time.
// R02
#[test]
fn two_tabs_that_refresh_at_once_both_go_on() {
    let server = Server::start_with(&[("COUNTERSIGN_REFRESH__GRACE", "60")]);
    server.user("ada", &[]);
    let browser = logged_in(&server);
    let one = browser.tab();
    let two = browser.new_tab();
    browser.visit(&server, OWN_PAGE);
    let tabs = [&one, &two];
    for tab in tabs {
        browser.see(tab);
        browser.run(
            "window.signal = new BroadcastChannel('now');
             window.ask = async () => {
                 const body = new URLSearchParams({ grant_type: 'refresh_token' });
                 const answer = await fetch('/token', { method: 'POST', body });
                 window.answer = { status: answer.status, ...await answer.json() };
             };
             signal.onmessage = ask;",
            &[],
        );
    }
    for _ in 0..5 {
        for tab in tabs {
            browser.see(tab);
            browser.run("window.answer = null;", &[]);
        }
        browser.run("signal.postMessage(null); ask();", &[]);
        let answers = tabs.map(|tab| {
            browser.see(tab);
            browser.until("window.answer");
            browser.value("window.answer")
        });
        for answer in answers {
            assert_eq!(answer["status"], 200, "{answer}");
            server.accepts(answer["access_token"].as_str().unwrap());
        }
        assert!(kept(&browser).starts_with("csr_"));
    }
    for tab in tabs {
        browser.see(tab);
        server.accepts(&refresh(&browser));
    }
    assert_eq!(server.cli(&["session", "list", "ada", "--json"], "").matches("\"id\"").count(), 1);
}
