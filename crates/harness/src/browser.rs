//! A real Chromium to drive, with witnesses of what it saw and audits of what it shows.
//!
//! Each browser is a driver and a Chromium of its own, with a fresh profile; both are gone when it is dropped. Whatever
//! is done to an element waits for it, at most [`WAIT_MAX`]; whatever cannot be done panics and says where it was. Not
//! covered: frames, and windows that a page opens.

mod audit;
mod command;
mod driver;
mod look;
mod witness;

use std::fmt::Display;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fantoccini::elements::{Element, ElementRef};
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{MissedTickBehavior, interval, timeout};

pub use fantoccini::key::Key;
pub use look::{Extent, Motion, Scripts, Theme};

use command::Command;
use driver::Driver;
use witness::Seen;

/// How long an element or a state is waited for: a loaded machine of two cores needs some seconds for a page.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// How long one command may take. What takes longer hangs, as behind a dialog that nobody closes.
const ANSWER_MAX: Duration = Duration::from_secs(40);

/// How often is looked whether a state has come.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Browsers at once in a test process: each is a dozen processes.
const BROWSERS_MAX: usize = 2;

/// What Chromium is started with: nothing that draws on a screen or goes out by itself, and
/// no scrollbar that takes of a page's width.
const ARGUMENTS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--window-size=1440,1000",
];

/// A Chromium with one window. Dropped, it is killed, and no process and no file of it is left.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Driver,
    seen: Mutex<Seen>,
    _turn: SemaphorePermit<'static>,
}

impl Browser {
    /// Starts one, when it is its turn: only two of a test process run at once. A test that opens a second one while it
    /// holds the first may wait forever. Panics when none is installed.
    pub async fn open() -> Self {
        static TURNS: Semaphore = Semaphore::const_new(BROWSERS_MAX);
        let turn = TURNS.acquire().await.expect("a turn");
        let started = tokio::task::spawn_blocking(|| Driver::start(driver::PROGRAM)).await;
        let driver = started.unwrap_or_else(|error| resume_unwind(error.into_panic()));
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", driver.home.join("profile").display()));
        let wanted = json!({
            "browserName": "chrome",
            "unhandledPromptBehavior": "ignore",
            "timeouts": { "pageLoad": 30_000, "script": 30_000 },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "args": arguments },
        });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted.as_object().cloned().unwrap_or_default());
        let connected = builder.connect(&format!("http://127.0.0.1:{}", driver.port)).await;
        let client = connected.unwrap_or_else(|error| panic!("no Chromium to drive: {error}"));
        let browser = Self { client, driver, seen: Mutex::default(), _turn: turn };
        let recorder = json!({ "source": include_str!("browser/recorder.js") });
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", recorder).await;
        browser
    }

    /// The process group of its driver and of Chromium.
    pub fn group(&self) -> u32 {
        self.driver.group
    }

    /// The folder of all that it writes.
    pub fn home(&self) -> &std::path::Path {
        &self.driver.home
    }

    /// Goes to an address, which may be relative to the page's, and waits until the page is loaded.
    pub async fn goto(&self, url: &str) {
        self.ask(&format!("going to {url}"), self.client.goto(url)).await;
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        self.ask("asking for the address", self.client.current_url()).await.into()
    }

    /// Clicks the first element that matches, once it can be clicked.
    pub async fn click(&self, css: &str) {
        self.until(&format!("clicking {css}"), async || {
            self.client.find(Locator::Css(css)).await?.click().await.map(Some)
        })
        .await;
    }

    /// Clicks the first visible element that matches and says exactly this text or, when none does, contains it. White
    /// space counts as one blank.
    pub async fn click_text(&self, css: &str, text: &str) {
        let script = format!("return ({})({})", include_str!("browser/find.js"), json!([css, text]));
        self.until(&format!("clicking {css} that says {text:?}"), async || {
            let found = self.client.execute(&script, Vec::new()).await?;
            // The one member of a reference to an element is its id.
            let Some(id) = found.as_object().and_then(|members| members.values().next()?.as_str()) else {
                return Ok(None);
            };
            let element = Element::from_element_id(self.client.clone(), ElementRef::from(id.to_owned()));
            element.click().await.map(Some)
        })
        .await;
    }

    /// Empties a field and types into it.
    pub async fn fill(&self, css: &str, text: &str) {
        self.until(&format!("filling {css}"), async || {
            let field = self.client.find(Locator::Css(css)).await?;
            field.clear().await?;
            field.send_keys(text).await.map(Some)
        })
        .await;
    }

    /// Chooses the option that says this, or has it as its value.
    pub async fn select(&self, css: &str, option: &str) {
        let (list, wanted) = (json!(css), json!(option));
        let index = format!(
            "[...document.querySelector({list}).options].findIndex((each) => [each.text.trim(), each.value].includes({wanted}))"
        );
        self.until(&format!("choosing {option:?} of {css}"), async || {
            let Some(index) = self.client.execute(&format!("return {index}"), Vec::new()).await?.as_u64() else {
                return Ok(None);
            };
            let list = self.client.find(Locator::Css(css)).await?;
            let options = list.find_all(Locator::Css("option")).await?;
            match options.get(usize::try_from(index).unwrap_or(usize::MAX)) {
                Some(option) => option.click().await.map(Some),
                None => Ok(None),
            }
        })
        .await;
    }

    /// Types into whatever has the focus, or else the page: text, a [`Key`], or a [`Key`] and text.
    pub async fn press(&self, keys: impl Display) {
        let keys = keys.to_string();
        self.until(&format!("pressing {keys:?}"), async || {
            self.client.active_element().await?.send_keys(&keys).await.map(Some)
        })
        .await;
    }

    /// Waits until an element matches, visible or not.
    pub async fn wait_for(&self, css: &str) {
        self.until(&format!("waiting for {css}"), async || self.client.find(Locator::Css(css)).await.map(Some)).await;
    }

    /// Waits until the page shows this text.
    pub async fn wait_for_text(&self, text: &str) {
        self.wait_until(&format!("document.body.innerText.includes({})", json!(text))).await;
    }

    /// Waits until an expression in JavaScript is truthy. One that throws is not, yet.
    pub async fn wait_until(&self, expression: &str) {
        let script = format!("return !!({expression}\n)");
        self.until(&format!("waiting until {expression}"), async || {
            let held = self.client.execute(&script, Vec::new()).await?;
            Ok((held == Value::Bool(true)).then_some(()))
        })
        .await;
    }

    /// Waits until no element matches.
    pub async fn wait_gone(&self, css: &str) {
        self.until(&format!("waiting for the end of {css}"), async || {
            Ok(self.client.find_all(Locator::Css(css)).await?.is_empty().then_some(()))
        })
        .await;
    }

    /// What the first element that matches shows.
    pub async fn text(&self, css: &str) -> String {
        self.until(&format!("reading {css}"), async || {
            self.client.find(Locator::Css(css)).await?.text().await.map(Some)
        })
        .await
    }

    /// An attribute of the first element that matches.
    pub async fn attr(&self, css: &str, name: &str) -> Option<String> {
        self.until(&format!("reading {name} of {css}"), async || {
            self.client.find(Locator::Css(css)).await?.attr(name).await.map(Some)
        })
        .await
    }

    /// How many elements match now.
    pub async fn count(&self, css: &str) -> usize {
        self.ask(&format!("counting {css}"), self.client.find_all(Locator::Css(css))).await.len()
    }

    /// The value of an expression in JavaScript, awaited when it is a promise.
    pub async fn eval(&self, expression: &str) -> Value {
        let script = format!("return ({expression}\n)");
        self.ask(&format!("evaluating {expression}"), self.client.execute(&script, Vec::new())).await
    }

    /// What a command of the DevTools protocol answers.
    pub async fn devtools(&self, method: &str, params: Value) -> Value {
        self.ask(method, self.client.issue_cmd(Command::devtools(method, &params))).await
    }

    /// Asks once, for at most [`ANSWER_MAX`].
    async fn ask<T>(&self, what: &str, asked: impl Future<Output = Result<T, CmdError>>) -> T {
        let Ok(answered) = timeout(ANSWER_MAX, asked).await else {
            panic!("{what}: no answer within {ANSWER_MAX:?}; a dialog may be open");
        };
        answered.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Looks again and again until there is something, for at most [`WAIT_MAX`].
    async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>, CmdError>) -> T {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = String::new();
        let found = timeout(WAIT_MAX, async {
            loop {
                looks.tick().await;
                match look().await {
                    Ok(Some(found)) => return found,
                    Ok(None) => last.clear(),
                    Err(error) if passes(&error) => last = format!(": {error}"),
                    Err(error) => panic!("{what}: {error}"),
                }
            }
        });
        let Ok(found) = found.await else {
            panic!("{what}: not within {WAIT_MAX:?} at {}{last}", self.url().await);
        };
        found
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a page that is still changing may be why.
fn passes(error: &CmdError) -> bool {
    let CmdError::Standard(told) = error else { return false };
    matches!(
        told.error,
        ErrorStatus::NoSuchElement
            | ErrorStatus::StaleElementReference
            | ErrorStatus::ElementClickIntercepted
            | ErrorStatus::ElementNotInteractable
            | ErrorStatus::InvalidElementState
            | ErrorStatus::JavascriptError
            | ErrorStatus::UnknownError
    )
}
