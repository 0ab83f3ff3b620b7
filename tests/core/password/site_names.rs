//! What a site is called.

use countersign::{
    config::{Environment, Settings, SettingsError},
    password::PasswordError,
};

fn load(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let key = ("COUNTERSIGN_SIGNING_KEY", "q8XvZr3Lw0TnB6yKd2HsPf9GjMcU5eA1");
    let environment = Environment::from_pairs(pairs.iter().copied().chain([key]));
    Settings::load(&rocket::Config::figment(), environment)
}

#[test]
fn a_password_does_not_have_the_sites_name_inside_which_is_set_or_that_of_a_host() {
    let named = |pairs: &[(&str, &str)], password: &str| {
        let settings = load(pairs).expect("good settings");
        let accepted = settings.password.policy.accept(password, &"ada".parse().expect("a name"));
        accepted.err() == Some(PasswordError::HasSiteName)
    };
    let issuer = "COUNTERSIGN_ISSUER";
    for (pair, name) in [
        ((issuer, "https://login.example.org"), "example"),
        ((issuer, "https://login.example.co.uk:8443/tenant"), "example"),
        ((issuer, "http://localhost:8000"), "localhost"),
        ((issuer, "my-issuer"), "my-issuer"),
        ((issuer, "https://web.app.io"), ""),
        ((issuer, "http://127.0.0.1:8000"), ""),
        ((issuer, "http://[2001:db8::beef]:8000"), ""),
        (("COUNTERSIGN_ORIGINS", "https://web.example https://shop.example"), "shop"),
        (("COUNTERSIGN_PASSWORD__SITE_NAMES", "Acme Umbrella"), "umbrella"),
        (("COUNTERSIGN_PASSWORD__SITE_NAMES", r#"["Acme","Umbrella"]"#), "acme"),
    ] {
        for other in
            ["example", "localhost", "my-issuer", "beef", "shop", "umbrella", "login", "tenant", "127.0.0.1"]
        {
            let is_inside = named(&[pair], &format!("-{other}-1815"));
            assert!(is_inside == (name == other) || name == "acme", "{pair:?}: {other}");
        }
        assert!(name.is_empty() || named(&[pair], &format!("1815 {}", name.to_uppercase())), "{pair:?}");
    }
    let problems = load(&[("COUNTERSIGN_PASSWORD__SITE_NAMES", "acme web")]).expect_err("too short");
    let text =
        "COUNTERSIGN_PASSWORD__SITE_NAMES: must be names of at least 4 characters, with spaces between";
    assert_eq!(problems.to_string(), text);
}
