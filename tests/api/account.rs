//! `/account`: the page's files as they are served. What it does in a browser is tried in `tests/api/browser`.

use crate::{
    http::{Reply, Request},
    server::Server,
};
use std::collections::BTreeSet;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

fn get(server: &Server, path: &str) -> Reply {
    server.send(Request::get(path))
}

/// What stands in these attributes, or after `from`.
fn quoted<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(before).skip(1).map(|rest| rest.split('"').next().expect("what comes first"))
}

/// The files that the page names, by their paths.
fn files(page: &str) -> BTreeSet<String> {
    let named = quoted(page, " href=\"").chain(quoted(page, " src=\""));
    named.filter(|url| !url.starts_with('#')).map(|url| format!("/{url}")).collect()
}

#[test]
fn without_the_page_there_is_nothing_there() {
    let server = Server::start_with(&[("COUNTERSIGN_ACCOUNT_PAGE", "off")]);
    for path in ["/account", "/account/", "/account/main.js", "/account/account.css"] {
        let reply = get(&server, path);
        assert_eq!((reply.status, &reply.json()["error"]), (404, &"not_found".into()), "{path}");
    }
}

#[test]
fn what_is_no_file_of_the_page_is_not_there() {
    let server = Server::start();
    for path in [
        "/account/index.html",
        "/account/mod.rs",
        "/account/MAIN.JS",
        "/account/main.js/",
        "/account/main.js/x",
        "/account/../Cargo.toml",
        "/account/%2e%2e/test.db",
        "/account/..%2ftest.db",
        "/account/main.js%00",
        "/account/main%2Ejs%20",
        "/account/users",
        "/accounts",
    ] {
        assert_eq!(get(&server, path).status, 404, "{path}");
    }
    for path in ["/account", "/account/main.js"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let reply = server.send(Request::new(method, path));
            assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method} {path}");
        }
    }
}

#[test]
fn each_file_that_the_page_names_is_there_and_may_do_nothing_else() {
    let server = Server::start();
    let page = get(&server, "/account");
    let mut kinds = BTreeSet::new();
    for path in files(page.text()).into_iter().chain(["/account".into()]) {
        let reply = get(&server, &path);
        assert_eq!(reply.status, 200, "{path}");
        let kind = match path.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/html; charset=utf-8",
        };
        kinds.insert(kind);
        for (name, value) in [
            ("content-type", kind),
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-cache"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}: {name}");
        }
        for name in ["set-cookie", "access-control-allow-origin", "vary"] {
            assert_eq!(reply.header(name), None, "{path}: {name}");
        }
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert!(!server.log().contains("Shield: "), "{}", server.log());
}

#[test]
fn a_file_that_is_known_is_not_sent_again() {
    let server = Server::start();
    let mut tags = BTreeSet::new();
    for path in files(get(&server, "/account").text()).into_iter().chain(["/account".into()]) {
        let reply = get(&server, &path);
        let tag = reply.header("etag").expect("a tag").to_owned();
        let head = server.send(Request::new("HEAD", &path));
        assert_eq!((head.status, head.text(), head.header("etag")), (200, "", Some(&*tag)), "{path}");
        assert_eq!(head.header("content-length"), Some(&*reply.body.len().to_string()), "{path}");
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".into()] {
            let again = server.send(Request::get(&path).header("If-None-Match", &known));
            assert_eq!((again.status, again.text(), again.header("etag")), (304, "", Some(&*tag)), "{known}");
            assert_eq!(again.header("content-security-policy"), Some(POLICY));
            assert_eq!(again.header("cache-control"), Some("no-cache"));
        }
        let other = server.send(Request::get(&path).header("If-None-Match", "\"x\""));
        assert_eq!((other.status, &other.body), (200, &reply.body), "{path}");
        tags.insert(tag);
    }
    assert!(tags.len() > 10, "each file has a tag of its own: {tags:?}");
}

/// From below a slash the page's relative URLs would be others.
#[test]
fn a_slash_too_many_leads_to_the_page() {
    let server = Server::start();
    for path in ["/account/", "/account/?x=1"] {
        let reply = get(&server, path);
        assert_eq!((reply.status, reply.header("location")), (308, Some("../account")), "{path}");
    }
    assert_eq!(get(&server, "/account?x=1").status, 200);
}

/// The policy would refuse it, and who mounts us elsewhere has files elsewhere.
#[test]
fn no_script_style_or_url_stands_where_it_may_not() {
    let server = Server::start();
    let page = get(&server, "/account");
    let (page, files) = (page.text(), files(page.text()));
    let scripts: Vec<_> = page.split("<script").skip(1).collect();
    assert_eq!(scripts.len(), 1);
    assert!(scripts[0].starts_with(" type=\"module\" src=\"account/main.js\"></script>"), "{}", scripts[0]);
    for no in ["<style", " style=", "javascript:", "http:", "https:", "//", "<base", "http-equiv", "target="]
    {
        assert!(!page.contains(no), "{no} in the page");
    }
    let is_handler = |word: &&str| word.starts_with("on") && word.contains('=');
    assert_eq!(page.split_whitespace().find(is_handler), None, "a handler in the page");
    let is_below = |path: &String| path.strip_prefix("/account/").is_some_and(|name| !name.contains('/'));
    assert!(files.iter().all(is_below), "{files:?}");

    let served: BTreeSet<_> =
        files.iter().map(|path| path.strip_prefix("/account/").expect("below")).collect();
    for path in files.iter().filter(|path| path.ends_with(".js")) {
        let script = get(&server, path);
        let script = script.text();
        for no in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "setHTML",
            "document.write",
            "DOMParser",
            "eval(",
            "Function(",
            "localStorage",
            "sessionStorage",
            "indexedDB",
            "document.cookie",
            "http://",
            "https://",
            "import(",
            ".style.",
            "onclick",
            "createContextualFragment",
        ] {
            assert!(!script.contains(no), "{no} in {path}");
        }
        for module in quoted(script, " from \"") {
            let name = module.strip_prefix("./").unwrap_or_else(|| panic!("{module} in {path}"));
            assert!(served.contains(name), "{module} in {path}");
        }
    }
    for path in files.iter().filter(|path| path.ends_with(".css") || path.ends_with(".svg")) {
        let text = get(&server, path);
        for no in ["url(", "@import", "<script", "<style", " style=", "expression("] {
            assert!(!text.text().contains(no), "{no} in {path}");
        }
    }
}

/// What people and their tools go by.
#[test]
fn every_field_has_a_label_and_tells_password_managers_what_it_is() {
    let server = Server::start();
    let page = get(&server, "/account");
    let page = page.text();
    assert!(page.contains("<html lang=\"en\">") && page.contains("<main") && page.contains("<noscript>"));
    let mut ids = BTreeSet::new();
    for id in quoted(page, " id=\"") {
        assert!(ids.insert(id), "{id} stands twice");
    }
    for (attribute, many) in [
        (" aria-labelledby=\"", true),
        (" aria-describedby=\"", true),
        (" for=\"", false),
        (" data-shows=\"", false),
    ] {
        for named in quoted(page, attribute).flat_map(|value| value.split(' ').take(if many { 9 } else { 1 }))
        {
            assert!(ids.contains(named), "{named} is named by{attribute} and is not there");
        }
    }
    let labels: BTreeSet<_> = quoted(page, " for=\"").collect();
    for input in page.split("<input ").skip(1).map(|rest| rest.split('>').next().expect("its attributes")) {
        let id = quoted(input, "id=\"").next().expect("an id");
        assert!(labels.contains(id) || input.contains(" hidden"), "{id} has no label");
        assert!(input.contains(" autocomplete=\""), "{id} does not say what it is");
    }
    for (id, autocomplete) in [
        ("username", "username"),
        ("password", "current-password"),
        ("password-for", "username"),
        ("current-password", "current-password"),
        ("new-password", "new-password"),
    ] {
        let field = page.split("<input ").find(|input| input.starts_with(&format!("id=\"{id}\""))).expect(id);
        assert_eq!(quoted(field, " autocomplete=\"").next(), Some(autocomplete), "{id}");
    }
    for id in [
        "who",
        "roles",
        "sessions",
        "end-others",
        "log-in",
        "log-out",
        "change-password",
        "users",
        "search",
        "status",
        "alert",
        "login-error",
        "password-error",
    ] {
        assert!(ids.contains(id), "{id} is what tests go by");
    }
}
