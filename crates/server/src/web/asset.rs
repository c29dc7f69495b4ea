//! What pages load: their style, their script and their sign, each under an address that changes with it, so that a browser
//! asks for it once.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::id;

/// How many characters of its digest stand in the address of something.
const MARK_CHARS: usize = 12;

/// For how long a browser may keep what has its digest in its address.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Something that a page loads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// The style of the control room.
pub(crate) const STYLE: Asset =
    Asset { name: "control.css", kind: "text/css; charset=utf-8", text: include_str!("asset/control.css") };
/// Its script.
pub(crate) const SCRIPT: Asset =
    Asset { name: "control.js", kind: "text/javascript; charset=utf-8", text: include_str!("asset/control.js") };
/// The sign in the corner of a browser's tab.
pub(crate) const SIGN: Asset = Asset { name: "sign.svg", kind: "image/svg+xml", text: include_str!("asset/sign.svg") };
/// The style of the page of a link.
pub(crate) const LINK_STYLE: Asset =
    Asset { name: "link.css", kind: "text/css; charset=utf-8", text: include_str!("asset/link.css") };
/// Its script.
pub(crate) const LINK_SCRIPT: Asset =
    Asset { name: "decision.js", kind: "text/javascript; charset=utf-8", text: include_str!("asset/decision.js") };

/// Everything that pages load.
pub(crate) const ALL: [Asset; 5] = [STYLE, SCRIPT, SIGN, LINK_STYLE, LINK_SCRIPT];

impl Asset {
    /// Its path below the root.
    pub(crate) fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }

    /// Its address, from a page whose links begin with `base`.
    pub(crate) fn address(&self, base: &str) -> String {
        static MARKS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
            let mark = |asset: &Asset| id::digest(asset.text.as_bytes()).chars().take(MARK_CHARS).collect();
            ALL.iter().map(|asset| (asset.name, mark(asset))).collect()
        });
        let mark = MARKS.iter().find(|(name, _)| *name == self.name).map_or("", |(_, mark)| mark);
        format!("{base}assets/{}?{mark}", self.name)
    }

    /// The answer to whoever asks for it.
    pub(crate) fn answer(&self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.kind)),
            (header::CACHE_CONTROL, KEPT),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (headers, self.text).into_response()
    }
}
