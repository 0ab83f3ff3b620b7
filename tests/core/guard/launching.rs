//! What a launch says of guards that cannot work.

use super::{App, claims, user};
use rocket::{Route, async_test, routes};
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

const NO_STAGE: &str = "countersign::stage() is not attached";
const NO_USERS: &str = "there are no users here";

/// The log of one thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// What it says when this thread launches a Rocket.
async fn said(launch: impl AsyncFnOnce()) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _kept = tracing::subscriber::set_default(subscriber);
    launch().await;
    log.text()
}

async fn without_a_stage(routes: Vec<Route>) {
    let error = rocket::build().mount("/", routes).ignite().await.expect_err("the launch is aborted");
    // Rocket panics unless somebody has looked at its error.
    error.kind();
}

#[async_test]
async fn a_guard_without_the_stage_is_told_of_as_that_and_as_nothing_else() {
    for routes in [routes![claims], routes![user]] {
        let log = said(async || without_a_stage(routes).await).await;
        assert!(log.contains(NO_STAGE) && !log.contains(NO_USERS), "{log}");
    }
}

#[async_test]
async fn an_app_with_the_stage_is_told_nothing() {
    let log = said(async || drop(App::with(routes![claims, user]).await)).await;
    assert!(!log.contains(NO_STAGE) && !log.contains(NO_USERS), "{log}");
}
