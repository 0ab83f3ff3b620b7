//! What an admin does while a store fails: done, or 503 and then neither the whole nor half of it.

use super::assert_unavailable;
use crate::{
    clients::admin,
    server::{PASSWORD, Server},
    tokens::text,
};
use serde_json::{Value, json};

/// What of the stores still works.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Everything can be read.
    Reading,
    /// That of users.
    Users,
    /// Neither of them.
    Nothing,
}

/// An admin `root`, and `mary`, whom nothing may happen to.
pub struct Desk<'s> {
    server: &'s Server,
    root: String,
    mary: String,
    id: String,
}

impl<'s> Desk<'s> {
    pub fn on(server: &'s Server) -> Self {
        server.user("root", &["admin"]);
        server.user("mary", &["editor"]);
        let (root, mary) = (server.login("root"), server.login("mary"));
        let id = text(&server.me(&mary), "id");
        Self { server, root, mary, id }
    }

    pub fn can_read(&self) -> bool {
        admin(self.server, &self.root, "GET", "/admin/users", None).status == 200
    }

    /// Every route, while so much is left.
    pub fn is_answered(&self, left: Left) {
        let one = format!("/admin/users/{}", self.id);
        let sessions = format!("{one}/sessions");
        let session = format!("{sessions}/AAAAAAAAAAAAAAAAAAAAAA");
        let (reads_users, reads_sessions) = (left != Left::Nothing, left == Left::Reading);
        for (method, path, body, is_read) in [
            ("GET", "/admin/users", None, reads_users),
            ("GET", "/admin/users?search=mar", None, reads_users),
            ("GET", &one, None, reads_users),
            ("GET", &sessions, None, reads_sessions),
            ("PATCH", &one, Some(json!({ "disabled": true })), false),
            ("PATCH", &one, Some(json!({ "roles": [] })), false),
            ("PATCH", &one, Some(json!({ "disabled": true, "roles": ["admin"] })), false),
            ("POST", &format!("{one}/password"), Some(json!({ "password": "difference-engine" })), false),
            ("POST", &format!("{one}/password"), Some(json!({})), false),
            ("DELETE", &sessions, None, false),
            ("DELETE", &one, None, false),
        ] {
            let reply = admin(self.server, &self.root, method, path, body.as_ref());
            match is_read {
                true => assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text()),
                false => assert_unavailable(&reply, &format!("{method} {path}")),
            }
        }
        // Of what nobody has a working store may know that it is not there.
        let reply = admin(self.server, &self.root, "DELETE", &session, None);
        match reads_sessions {
            true => assert_eq!(reply.status, 404),
            false => assert_unavailable(&reply, "the end of no session"),
        }
        // It needs no sessions, so it is done where users can be written.
        if left != Left::Users {
            let new = json!({ "username": "new" });
            let reply = admin(self.server, &self.root, "POST", "/admin/users", Some(&new));
            assert_unavailable(&reply, "a new user");
        }
    }

    /// Afterwards: nothing of what was answered 503 has been done.
    pub fn nothing_was_done(&self) {
        let one = format!("/admin/users/{}", self.id);
        let mary = admin(self.server, &self.root, "GET", &one, None).json();
        assert_eq!((&mary["roles"], &mary["disabled"]), (&json!(["editor"]), &Value::Bool(false)));
        let new = admin(self.server, &self.root, "GET", "/admin/users?search=new", None).json();
        assert_eq!(new["users"], json!([]));
        self.server.accepts(&self.mary);
        self.server.login("mary");
        assert!(!self.server.log().contains(PASSWORD));
    }
}
