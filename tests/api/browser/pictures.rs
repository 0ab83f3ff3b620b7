//! The pictures of the account page in the README.

use super::{
    account::{PATIENT, log_in},
    driver::Browser,
};
use crate::{
    http::Request,
    server::{PASSWORD, Server},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Devices on which `ada` is logged in besides.
const DEVICES: [&str; 2] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
     Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
];

fn picture(name: &str, flags: &[&str], device: Option<Value>) {
    let server = Server::start_with(&[PATIENT]);
    server.user("ada", &["editor"]);
    for agent in DEVICES {
        let form = [("username", "ada"), ("password", PASSWORD)];
        server.send(Request::post("/token").header("User-Agent", agent).form(&form));
    }
    let [browser] = Browser::open_as(flags, device);
    browser.visit(&server, "/account");
    log_in(&browser, "ada");
    browser.counts("#sessions li", 1 + DEVICES.len());
    // No mark around the heading that has the focus.
    browser.run("document.activeElement.blur();", &[]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    fs::create_dir_all(&folder).unwrap();
    let picture = browser.picture();
    assert!(picture.len() < 100_000, "{name} has {} bytes", picture.len());
    fs::write(folder.join(name), picture).unwrap();
}

#[test]
#[ignore = "makes docs/*.png anew; run it when the account page has changed"]
fn pictures_of_the_account_page() {
    picture("account-light.png", &["--window-size=1000,860", "--hide-scrollbars"], None);
    let phone = json!({ "width": 390, "height": 844, "pixelRatio": 1.5, "mobile": true, "touch": true });
    picture("account-dark-phone.png", &["--blink-settings=preferredColorScheme=0"], Some(phone));
}
