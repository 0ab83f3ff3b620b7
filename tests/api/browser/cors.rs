//! Pages of other origins, and what the browser lets them read.

use super::{
    driver::{Browser, origin},
    elsewhere::Elsewhere,
};
use crate::server::{PASSWORD, Server};
use serde_json::{Value, json};

const PAGE: &str = "<!doctype html><link rel=icon href=data:,><title>An app</title>";

/// Logs in with cookies, if the browser lets it.
fn log_in(browser: &Browser, server: &Server) -> Value {
    let login = json!({
        "method": "POST",
        "credentials": "include",
        "headers": { "Content-Type": "application/x-www-form-urlencoded" },
        "body": format!("username=ada&password={PASSWORD}"),
    });
    browser.fetch(&format!("{}/token", origin(server)), login)
}

fn refresh(browser: &Browser, server: &Server) -> Value {
    let refresh = json!({
        "method": "POST",
        "credentials": "include",
        "headers": { "Content-Type": "application/x-www-form-urlencoded" },
        "body": "grant_type=refresh_token",
    });
    browser.fetch(&format!("{}/token", origin(server)), refresh)
}

fn access_token(answer: &Value) -> String {
    assert_eq!(answer["status"], 200, "{answer}");
    let body: Value = serde_json::from_str(answer["text"].as_str().unwrap()).unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

fn bearer(method: &str, token: &str) -> Value {
    json!({ "method": method, "headers": { "Authorization": format!("Bearer {token}") } })
}

/// It may do whatever our own pages may.
fn an_app_at_work(browser: &Browser, server: &Server, token: &str) {
    let url = |path: &str| format!("{}{path}", origin(server));
    let me = browser.fetch(&url("/me"), bearer("GET", token));
    assert_eq!(me["status"], 200, "{me}");
    assert!(me["text"].as_str().unwrap().contains("ada"), "{me}");
    // It reads refusals too, and what they ask for.
    let refused = browser.run(
        "const answer = await fetch(args[0]);
         return [answer.status, answer.headers.get('WWW-Authenticate'), (await answer.json()).error];",
        &[json!(url("/me"))],
    );
    assert_eq!((&refused[0], refused[1].as_str().map(|asks| &asks[..6])), (&json!(401), Some("Bearer")));
    let ended = browser.fetch(&url("/sessions?except=current"), bearer("DELETE", token));
    assert_eq!(ended["status"], 200, "{ended}");
}

// S06
#[test]
fn an_allowed_origin_of_the_same_site_uses_the_api_and_the_cookie() {
    let app = Elsewhere::serve(PAGE);
    let server = Server::start_with(&[("COUNTERSIGN_ORIGINS", &app.at("localhost"))]);
    server.user("ada", &[]);
    let [browser] = Browser::open();
    browser.goto(&app.at("localhost"));
    an_app_at_work(&browser, &server, &access_token(&log_in(&browser, &server)));
    let token = access_token(&refresh(&browser, &server));
    an_app_at_work(&browser, &server, &token);
    // Without being asked to send cookies the browser sends none.
    let bare = json!({
        "method": "POST",
        "headers": { "Content-Type": "application/x-www-form-urlencoded" },
        "body": "grant_type=refresh_token",
    });
    assert_eq!(browser.fetch(&format!("{}/token", origin(&server)), bare)["status"], 400);
}

/// The cookie is `SameSite=Strict`, so an app on another site has to have its tokens in the body.
// S06
#[test]
fn an_allowed_origin_of_another_site_uses_the_api_but_never_the_cookie() {
    let app = Elsewhere::serve(PAGE);
    let server = Server::start_with(&[("COUNTERSIGN_ORIGINS", &app.at("127.0.0.1"))]);
    server.user("ada", &[]);
    let [browser] = Browser::open();
    browser.goto(&app.at("127.0.0.1"));
    let login = log_in(&browser, &server);
    an_app_at_work(&browser, &server, &access_token(&login));
    assert_eq!(refresh(&browser, &server)["status"], 400);
}

// S06
#[test]
fn an_origin_that_is_not_allowed_reads_nothing_and_does_nothing() {
    let (app, evil) = (Elsewhere::serve(PAGE), Elsewhere::serve(PAGE));
    let server = Server::start_with(&[("COUNTERSIGN_ORIGINS", &app.at("localhost"))]);
    server.user("ada", &[]);
    let token = server.login("ada");
    let [browser] = Browser::open();
    browser.expect_in_console("has been blocked by CORS policy");
    browser.expect_in_console("net::ERR_FAILED");
    browser.expect_in_console("the server responded with a status of 403");
    // Nearly the allowed one: the same name with another port, the same port with another name.
    for page in [evil.at("localhost"), evil.at("127.0.0.1"), app.at("127.0.0.1"), app.at("evil.example")] {
        browser.goto(&page);
        let url = |path: &str| format!("{}{path}", origin(&server));
        for (what, path, init) in [
            ("simple", "/health/live", json!({})),
            ("with cookies", "/health/live", json!({ "credentials": "include" })),
            ("preflighted", "/me", bearer("GET", &token)),
            ("a change", "/sessions", bearer("DELETE", &token)),
        ] {
            let answer = browser.fetch(&url(path), init);
            assert!(answer["refused"].is_string(), "{page} {what}: {answer}");
        }
        let login = log_in(&browser, &server);
        assert!(login["refused"].is_string(), "{page}: {login}");
    }
    server.accepts(&token);
    // Nor a page in a sandbox, whose origin is `null`, not even one of the allowed origin.
    browser.goto(&app.at("localhost"));
    let inside = browser.run(
        "const frame = document.createElement('iframe');
         frame.sandbox = 'allow-scripts';
         const said = new Promise((resolve) => addEventListener('message', (event) => resolve(event.data)));
         frame.srcdoc = `<script>fetch('${args[0]}').then(() => 'read', String)
             .then((it) => parent.postMessage([origin, it], '*'))</scr` + 'ipt>';
         document.body.append(frame);
         return await said;",
        &[json!(format!("{}/health/live", origin(&server)))],
    );
    assert_eq!(inside, json!(["null", "TypeError: Failed to fetch"]));
}
