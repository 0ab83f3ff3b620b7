//! Getting, using and finding tokens, for the tests of what becomes of them.

use crate::{
    http::{Reply, Request},
    server::Server,
};

pub const OFFLINE: &str = "username=ada&password=analytical-engine&scope=offline_access";

pub fn text(reply: &Reply, name: &str) -> String {
    reply.json()[name].as_str().unwrap_or_else(|| panic!("{name} in {}", reply.text())).to_owned()
}

pub fn refresh(server: &Server, token: &str) -> Reply {
    server.send(Request::post("/token").form(&[("grant_type", "refresh_token"), ("refresh_token", token)]))
}

/// Access and refresh token of a client that asked for both in the body.
pub fn offline(server: &Server) -> (String, String) {
    let reply = server.send(Request::post("/token").raw_form(OFFLINE));
    assert_eq!(reply.header("set-cookie"), None, "what is in the body is not in a cookie");
    (text(&reply, "access_token"), text(&reply, "refresh_token"))
}

/// What an answer sets the cookie of this name to, attributes and all.
pub fn set_cookie<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    let mut set = reply.all("set-cookie").filter_map(|set| set.strip_prefix(name)?.strip_prefix('='));
    let first = set.next();
    assert_eq!(set.next(), None, "{name} is set twice in {reply:?}");
    first
}

/// The value of the refresh cookie that an answer sets.
pub fn cookie(reply: &Reply) -> String {
    let set = set_cookie(reply, "__Host-refresh").unwrap_or_else(|| panic!("a cookie in {reply:?}"));
    set.split(';').next().expect("its value").to_owned()
}

pub fn by_cookie(token: &str) -> Request {
    let request = Request::post("/token").raw_form("grant_type=refresh_token");
    request.header("Cookie", format!("theme=dark; __Host-refresh={token}"))
}

pub fn same_origin(request: Request) -> Request {
    request.header("Origin", "http://localhost")
}

pub fn browser(server: &Server) -> Reply {
    let request = Request::post("/token").raw_form("username=ada&password=analytical-engine");
    server.send(same_origin(request).header("Sec-Fetch-Site", "same-origin"))
}
