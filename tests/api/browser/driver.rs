//! A Chromium of the test's own: fresh profile, ended on drop.

use crate::{server::Server, servers::Chromedriver};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Condvar, LazyLock, Mutex},
    time::{Duration, Instant},
};
use thirtyfour::{
    ChromeCapabilities, ChromiumLikeCapabilities, LoggingPrefsLogLevel, TimeoutConfiguration, WebDriver,
    WindowHandle,
    error::WebDriverResult,
    prelude::{By, WebElement},
};
use tokio::runtime::Runtime;

/// How many may run at a time.
const MOST: usize = 2;

/// No command may take longer than this; it is a guard against hanging, not a measurement.
const DEADLINE: Duration = Duration::from_secs(60);

/// Between one look at a page and the next.
const PAUSE: Duration = Duration::from_millis(50);

const FLAGS: [&str; 12] = [
    "--headless=new",
    // Root may not use it; and the only pages are ours.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1100,900",
    // By it the browser ends when ChromeDriver does, in whatever way that ends.
    "--remote-debugging-pipe",
    "--host-resolver-rules=MAP localhost 127.0.0.1, MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// thirtyfour is asynchronous, and tests are not.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

static FREE: (Mutex<usize>, Condvar) = (Mutex::new(MOST), Condvar::new());

/// One of the browsers that may run now.
struct Turn;

impl Turn {
    /// All together, as two tests that each have one and wait for another would wait for ever.
    fn take<const N: usize>() -> [Self; N] {
        const { assert!(N <= MOST) };
        let mut free = FREE.1.wait_while(FREE.0.lock().unwrap(), |free| *free < N).unwrap();
        *free -= N;
        [(); N].map(|()| Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *FREE.0.lock().unwrap() += 1;
        FREE.1.notify_all();
    }
}

pub struct Browser {
    driver: WebDriver,
    /// What the console may say.
    expected: Mutex<BTreeSet<&'static str>>,
    _turn: Turn,
}

/// A page of a [`Browser`].
#[derive(Clone)]
pub struct Tab(WindowHandle);

impl Browser {
    /// So many browsers, each with a profile of its own.
    pub fn open<const N: usize>() -> [Self; N] {
        Self::open_as(&[], None)
    }

    /// The same with more flags, and with the screen of a device.
    pub fn open_as<const N: usize>(flags: &[&str], device: Option<Value>) -> [Self; N] {
        Turn::take().map(|turn| {
            let mut tries = 0;
            let driver = loop {
                match block_on(start(flags, device.as_ref())) {
                    Ok(driver) => break driver,
                    // On a busy machine it may not come up in time, which is nobody's fault here.
                    Err(_) if tries < 2 => tries += 1,
                    Err(error) => panic!("no browser: {error}\n{}", Chromedriver::shared().process().log()),
                }
            };
            // What a failed request says, which is what a refusal is.
            let expected = ["the server responded with a status of 400", "responded with a status of 401"];
            Self { driver, expected: Mutex::new(expected.into()), _turn: turn }
        })
    }

    /// Goes to a page of the server and waits until it is there.
    #[track_caller]
    pub fn visit(&self, server: &Server, path: &str) {
        self.goto(&format!("{}{path}", origin(server)));
    }

    #[track_caller]
    pub fn goto(&self, url: &str) {
        self.told(block_on(self.driver.goto(url)));
    }

    #[track_caller]
    pub fn reload(&self) {
        self.told(block_on(self.driver.refresh()));
    }

    /// Goes to the page before this one.
    #[track_caller]
    pub fn back(&self) {
        self.told(block_on(self.driver.back()));
    }

    /// Puts a frame of this address into the page, and returns what the expression is in it.
    #[track_caller]
    pub fn framed(&self, url: &str, expression: &str) -> Value {
        self.run(
            "document.querySelector('iframe')?.remove();
             const frame = document.createElement('iframe');
             const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
             frame.src = args[0];
             document.body.append(frame);
             await loaded;",
            &[json!(url)],
        );
        self.told(block_on(self.driver.enter_frame(0)));
        let value = self.value(expression);
        self.told(block_on(self.driver.enter_default_frame()));
        value
    }

    /// Opens another tab, which is the one that is seen from now on.
    #[track_caller]
    pub fn new_tab(&self) -> Tab {
        let tab = Tab(self.told(block_on(self.driver.new_tab())));
        self.see(&tab);
        tab
    }

    /// The tab that is seen.
    #[track_caller]
    pub fn tab(&self) -> Tab {
        Tab(self.told(block_on(self.driver.window())))
    }

    #[track_caller]
    pub fn see(&self, tab: &Tab) {
        self.told(block_on(self.driver.switch_to_window(tab.0.clone())));
    }

    /// Runs the body of an asynchronous function, which knows these values as `args`.
    #[track_caller]
    pub fn run(&self, script: &str, args: &[Value]) -> Value {
        self.try_run(script, args).unwrap_or_else(|error| self.fail(&error))
    }

    fn try_run(&self, script: &str, args: &[Value]) -> Result<Value, String> {
        let script = format!(
            "const [args, done] = arguments; (async () => {{ {script} }})().then(\
               (value) => done({{ value: value ?? null }}), (error) => done({{ error: String(error) }}));"
        );
        let answer = block_on(self.driver.execute_async(script, [json!(args)]));
        let answer = answer.map_err(|error| error.to_string())?.json().clone();
        match answer.get("value") {
            Some(value) => Ok(value.clone()),
            None => Err(answer["error"].as_str().unwrap_or("the page is gone").to_owned()),
        }
    }

    /// What a JavaScript expression is in the page.
    #[track_caller]
    pub fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression};"), &[])
    }

    /// Waits until a JavaScript expression is true of the page, which may be another one meanwhile.
    #[track_caller]
    pub fn until(&self, condition: &str) {
        let script = format!("return Boolean({condition});");
        let is_met = || self.try_run(&script, &[]).is_ok_and(|met| met == json!(true));
        self.eventually(condition, is_met);
    }

    /// Waits until the element of this selector can be seen.
    #[track_caller]
    pub fn shows(&self, selector: &str) {
        self.until(&format!("document.querySelector({})?.checkVisibility()", json!(selector)));
    }

    /// Waits until it can be seen and this is part of its text.
    #[track_caller]
    pub fn says(&self, selector: &str, text: &str) {
        let element = format!("document.querySelector({})", json!(selector));
        self.until(&format!("{element}?.checkVisibility() && {element}.innerText.includes({})", json!(text)));
    }

    /// Waits until there are so many of this selector.
    #[track_caller]
    pub fn counts(&self, selector: &str, number: usize) {
        self.until(&format!("document.querySelectorAll({}).length === {number}", json!(selector)));
    }

    #[track_caller]
    fn eventually(&self, what: &str, mut check: impl FnMut() -> bool) {
        let start = Instant::now();
        while !check() {
            if start.elapsed() > DEADLINE {
                self.fail(&format!("waited a minute in vain: {what}"));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// What `fetch` says to this page: `status` and `text`, or `refused` by the browser.
    #[track_caller]
    pub fn fetch(&self, url: &str, init: Value) -> Value {
        self.run(
            "let answer;
             try { answer = await fetch(...args); } catch (error) { return { refused: String(error) }; }
             return { status: answer.status, text: await answer.text() };",
            &[json!(url), init],
        )
    }

    /// The value of a cookie of the page's site, which may be one that no script can see.
    #[track_caller]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.told(block_on(self.driver.get_all_cookies()));
        let mut values = cookies.into_iter().filter(|cookie| cookie.name == name).map(|cookie| cookie.value);
        let value = values.next();
        assert!(values.next().is_none(), "{name} is there twice");
        value
    }

    /// Does something with the element of this selector as soon as a person could.
    #[track_caller]
    fn with<T>(&self, selector: &str, mut action: impl AsyncFnMut(&WebElement) -> WebDriverResult<T>) -> T {
        let start = Instant::now();
        loop {
            let tried = block_on(async {
                // It may be hidden, covered, or made anew by the page between two steps.
                let element = self.driver.find(By::Css(selector)).await?;
                action(&element).await
            });
            match tried {
                Ok(value) => return value,
                Err(error) if start.elapsed() > DEADLINE => self.fail(&format!("{selector}: {error}")),
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.with(selector, async |element| element.click().await);
    }

    /// Types into a field, instead of what it has.
    #[track_caller]
    pub fn fill(&self, selector: &str, text: &str) {
        self.with(selector, async |element| {
            element.clear().await?;
            element.send_keys(text).await
        });
    }

    /// Types into whatever has the focus.
    #[track_caller]
    pub fn press(&self, keys: impl Into<thirtyfour::TypingData>) {
        let keys = keys.into();
        self.told(block_on(async {
            let focused = self.driver.active_element().await?;
            focused.send_keys(keys).await
        }));
    }

    /// What is to be seen, as a PNG.
    #[track_caller]
    pub fn picture(&self) -> Vec<u8> {
        self.told(block_on(self.driver.screenshot_as_png()))
    }

    /// What the pages' consoles have said since this was asked last, of warnings and errors.
    #[track_caller]
    pub fn console(&self) -> Vec<String> {
        self.told(block_on(self.warnings()))
    }

    /// The console may say this. What else it says, but for what a failed login brings, fails the test.
    pub fn expect_in_console(&self, text: &'static str) {
        self.expected.lock().unwrap().insert(text);
    }

    async fn warnings(&self) -> WebDriverResult<Vec<String>> {
        let entries = self.driver.browser_log().await?.into_iter();
        let matters = |level: &str| matches!(level, "SEVERE" | "WARNING");
        Ok(entries.filter(|entry| matters(&entry.level)).map(|entry| entry.message).collect())
    }

    #[track_caller]
    fn told<T>(&self, result: WebDriverResult<T>) -> T {
        result.unwrap_or_else(|error| self.fail(&error.to_string()))
    }

    /// Fails the test, and shows what was to be seen.
    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let seen = self.try_run("return [location.href, document.body?.innerText.slice(0, 2000)];", &[]);
        let console = block_on(self.warnings());
        panic!("{what}\nseen: {seen:#?}\nconsole: {console:#?}")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let said = block_on(self.warnings());
        let _ = block_on(self.driver.clone().quit());
        if !std::thread::panicking() {
            let expected = self.expected.lock().unwrap();
            let mut said = said.expect("the browser is still there");
            said.retain(|line| !expected.iter().any(|text| line.contains(text)));
            assert_eq!(said, [""; 0], "the console says more than it should");
        }
    }
}

/// Where pages find the server.
pub fn origin(server: &Server) -> String {
    format!("http://localhost:{}", server.address.port())
}

async fn start(flags: &[&str], device: Option<&Value>) -> WebDriverResult<WebDriver> {
    let driver = Chromedriver::shared();
    let mut capabilities = ChromeCapabilities::new();
    capabilities.set_binary(driver.chromium().to_str().unwrap())?;
    for flag in FLAGS.iter().chain(flags) {
        capabilities.add_arg(flag)?;
    }
    if let Some(device) = device {
        capabilities.add_experimental_option("mobileEmulation", json!({ "deviceMetrics": device }))?;
    }
    capabilities.set_browser_log_level(LoggingPrefsLogLevel::All)?;
    let driver = WebDriver::builder(driver.url(), capabilities).request_timeout(2 * DEADLINE).await?;
    let timeouts = TimeoutConfiguration::new(Some(DEADLINE), Some(DEADLINE), None);
    driver.update_timeouts(timeouts).await?;
    Ok(driver)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}
