//! How a page is shown: the size of the window, what its reader prefers, with or without scripts; and pictures of it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Browser;

/// How much of a page a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What the window shows.
    Window,
    /// All of it, however long.
    Page,
}

/// Which colours a reader prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// How much a reader wants to see move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// Whatever the page moves.
    Full,
    /// As little as may be.
    Reduced,
}

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// They may.
    On,
    /// They may not, as with a reader who forbids them.
    Off,
}

/// What is set to write the pictures of the documents anew.
const WRITE: &str = "GAPWRIGHT_WRITE_PICTURES";

/// The least that a picture of a page takes, in bytes.
const PICTURE_BYTES_MIN: u64 = 5_000;

impl Browser {
    /// A picture of the whole page as it is: the one of this name in the documents, where those are to be written anew.
    /// Panics where there is none of that name, or nothing to see.
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests says it, and no part of the product")]
    pub async fn picture(&self, name: &str) {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/control-room");
        let elsewhere = tempfile::tempdir().expect("a folder");
        let folder = if std::env::var_os(WRITE).is_some() { docs.as_path() } else { elsewhere.path() };
        let file = folder.join(format!("{name}.png"));
        self.screenshot(&file, Extent::Page).await;
        let bytes = std::fs::metadata(&file).expect("a picture").len();
        assert!(bytes > PICTURE_BYTES_MIN, "{name} is no picture: {bytes} bytes");
        assert!(docs.join(format!("{name}.png")).exists(), "docs/control-room has no {name}: run with {WRITE}=1");
    }

    /// Gives the page's window this size, in CSS pixels, and waits until the page has it.
    pub async fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        self.wait_until(&format!("innerWidth === {width} && innerHeight === {height}")).await;
    }

    /// Says what the reader prefers, to this page and all that follow.
    pub async fn prefer(&self, theme: Theme, motion: Motion) {
        let theme = match theme {
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        let motion = match motion {
            Motion::Full => "no-preference",
            Motion::Reduced => "reduce",
        };
        let features = json!([
            { "name": "prefers-color-scheme", "value": theme },
            { "name": "prefers-reduced-motion", "value": motion },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Allows or forbids the scripts of the pages that follow; what a test evaluates runs all the same.
    pub async fn scripts(&self, scripts: Scripts) {
        let forbidden = match scripts {
            Scripts::On => false,
            Scripts::Off => true,
        };
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": forbidden })).await;
    }

    /// Writes a picture of the page, a PNG, and makes the folder for it.
    pub async fn screenshot(&self, path: &Path, extent: Extent) {
        let mut wanted = json!({ "format": "png" });
        match extent {
            Extent::Window => {}
            Extent::Page => {
                let layout = self.devtools("Page.getLayoutMetrics", json!({})).await;
                let mut clip = layout["cssContentSize"].clone();
                clip["scale"] = json!(1);
                wanted["clip"] = clip;
                wanted["captureBeyondViewport"] = json!(true);
            }
        }
        let taken = self.devtools("Page.captureScreenshot", wanted).await;
        let picture = STANDARD.decode(taken["data"].as_str().expect("a picture")).expect("base64");
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for it");
        std::fs::write(path, picture).expect("a picture on the disk");
    }
}
