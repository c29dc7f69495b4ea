//! What a browser saw since it was opened, over all pages: dialogs, requests, and errors in the console.
//!
//! Not seen: a dialog of a window that a page opened. It is a real one, and the next command fails for want of an answer.

use std::collections::HashSet;

use serde_json::Value;
use url::Url;

use super::Browser;
use super::command::Command;

/// What the recorder says before each dialog.
const DIALOG: &str = "dialog opened: ";

/// What was taken from the browser's logs, which forget what was taken.
#[derive(Debug, Default)]
pub(super) struct Seen {
    dialogs: Vec<String>,
    errors: Vec<String>,
    /// The number of a request and its address. One that is redirected keeps its number.
    requests: Vec<(String, String)>,
    /// Numbers of requests that the page's policy stopped before they left.
    stopped: HashSet<String>,
}

impl Browser {
    /// Each `alert`, `confirm` and `prompt` that was opened, with what it said.
    pub async fn dialogs(&self) -> Vec<String> {
        self.see().await;
        self.seen().dialogs.clone()
    }

    /// Errors in the console: of scripts, of resources that did not load, and breaches of a content security policy.
    pub async fn console_errors(&self) -> Vec<String> {
        self.see().await;
        self.seen().errors.clone()
    }

    /// Each address that was requested and is not of this origin, such as `http://127.0.0.1:8080`. What a policy stopped
    /// before it left is not told here but by [`Browser::console_errors`]; `data:`, `blob:`, `about:` and Chromium's own
    /// pages are no requests.
    pub async fn foreign_requests(&self, origin: &str) -> Vec<String> {
        self.see().await;
        let own = Url::parse(origin).expect("an origin").origin();
        let foreign = |address: &str| {
            Url::parse(address).is_ok_and(|url| {
                let scheme = url.scheme();
                !matches!(scheme, "data" | "blob" | "about") && !scheme.starts_with("chrome") && url.origin() != own
            })
        };
        let seen = self.seen();
        let left = seen.requests.iter().filter(|(number, _)| !seen.stopped.contains(number));
        left.map(|(_, address)| address).filter(|address| foreign(address)).cloned().collect()
    }

    /// Takes what the logs have.
    async fn see(&self) {
        for kind in ["browser", "performance"] {
            let taken = self.ask(kind, self.client.issue_cmd(Command::log(kind))).await;
            let mut seen = self.seen();
            for entry in taken.as_array().expect("a log's entries") {
                if kind == "browser" { seen.console(entry) } else { seen.event(entry) }
            }
        }
    }
}

impl Seen {
    /// An entry of the console's log.
    fn console(&mut self, entry: &Value) {
        let message = entry["message"].as_str().unwrap_or_default();
        // The message is the place in the source, and then what was said, as a JSON string.
        if let Some((_, said)) = message.split_once(&format!("\"{DIALOG}")) {
            self.dialogs.push(said.trim_end_matches('"').to_owned());
        } else if entry["level"] == "SEVERE" {
            self.errors.push(message.to_owned());
        }
    }

    /// An entry of the log of what happened in the network and to the page.
    fn event(&mut self, entry: &Value) {
        let told: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default()).unwrap_or_default();
        let event = &told["message"];
        let (params, number) = (&event["params"], event["params"]["requestId"].as_str().unwrap_or_default());
        match event["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => self.request(number, &params["request"]["url"]),
            "Network.webSocketCreated" => self.request(number, &params["url"]),
            "Network.loadingFailed" if params["blockedReason"] == "csp" => {
                self.stopped.insert(number.to_owned());
            }
            "Page.javascriptDialogOpening" => self.dialogs.push(format!("{} {}", params["type"], params["message"])),
            _ => {}
        }
    }

    fn request(&mut self, number: &str, address: &Value) {
        self.requests.push((number.to_owned(), address.as_str().unwrap_or_default().to_owned()));
    }
}
