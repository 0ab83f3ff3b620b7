//! Errors in an app's own routes: JSON with constant texts, whatever went wrong.

use super::App;
use rocket::{FromForm, async_test, form::Form, get, http::ContentType, post, routes};

#[get("/panics")]
fn panics() -> &'static str {
    panic!("the password of the database is hunter2")
}

#[derive(FromForm)]
struct Fields {
    number: u8,
}

#[post("/fields", data = "<fields>")]
fn fields(fields: Form<Fields>) -> String {
    fields.number.to_string()
}

#[get("/number/<number>")]
fn number(number: u8) -> String {
    number.to_string()
}

// G04
#[async_test]
async fn whatever_goes_wrong_in_an_apps_own_routes_the_answer_is_constant_json() {
    let app = App::with(routes![panics, fields, number]).await;
    let answers = [
        (app.client.get("/panics").dispatch().await, 500, "server_error"),
        (app.client.get("/nowhere").dispatch().await, 404, "not_found"),
        (app.client.get("/number/x").dispatch().await, 422, "unprocessable"),
        (
            app.client.post("/fields").header(ContentType::Form).body("number=hunter2").dispatch().await,
            422,
            "unprocessable",
        ),
    ];
    for (answer, status, error) in answers {
        assert_eq!(
            (answer.status().code, answer.content_type()),
            (status, Some(ContentType::JSON)),
            "{error}"
        );
        let body = answer.into_string().await.expect("a body");
        let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(json["error"], error);
        for telling in ["hunter2", "panicked", "<html", ".rs:", "Rocket"] {
            assert!(!body.contains(telling), "{telling} in {body}");
        }
    }
}
