//! The tests' Chromium: what it does on a page, that each witness and each audit can fail, and that nothing is left of it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Response};
use harness::Browser;
use harness::browser::{Extent, Key, Motion, Scripts, Theme};
use serde_json::json;
use tokio::net::TcpListener;

/// A page with which every audit is content.
const RIGHT: &str = r##"<!doctype html><html lang="en"><head><title>Right</title><style>
    :root { color-scheme: light dark; color: light-dark(#222, oklch(0.9 0 0)); }
    .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; color: #fff }
    .dim { opacity: .9 } .on { background: linear-gradient(#000, #333); color: #fff }
    .cut { overflow: hidden; width: 100px } .long { width: 4000px } button { color: #000; background: #ddd }
    </style></head><body><a href="#main">Skip</a><nav aria-label="Site"><a href="/">Home</a></nav>
    <main id="main"><h1>One</h1><h2>Two</h2><h3>Three</h3><h2>Four</h2><p class="hidden">For readers of screens</p>
    <p class="dim">Dim</p><p class="on">On a gradient</p><p aria-hidden="true" style="color: #fefefe">Ornament</p>
    <div class="cut"><div class="long">Long</div></div><form><label for="name">Name</label><input id="name" value="me">
    <button disabled style="color: #ccc">Never</button><button aria-label="Close">x</button><input type="hidden"></form>
    <table><caption>Sums</caption><tr><th scope="col">Sum</th></tr><tr><td>1</td></tr></table>
    <svg role="img" aria-label="A chart" width="90" height="30"><rect width="90" height="30" fill="#000"/>
    <text y="20" fill="#fff">on black</text></svg><img alt="" src="data:,"><button hidden></button></main></body></html>"##;

/// Serves pages on a port of its own and gives its origin.
async fn serve(pages: &[(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let pages: HashMap<_, _> = pages.iter().copied().collect();
    let answer = async move |uri: Uri| -> Response {
        match pages.get(uri.path()) {
            Some(page) => Html(*page).into_response(),
            None if uri.path() == "/favicon.ico" => StatusCode::NO_CONTENT.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    origin
}

/// A browser at one page.
async fn at(page: &'static str) -> (Browser, String) {
    let origin = serve(&[("/", page)]).await;
    let browser = Browser::open().await;
    browser.goto(&origin).await;
    (browser, origin)
}

/// Whether each of these was said, and nothing else.
#[track_caller]
fn assert_said(said: &[String], wanted: &[&str]) {
    let all = wanted.iter().all(|part| said.iter().filter(|one| one.contains(part)).count() == 1);
    assert!(all && said.len() == wanted.len(), "{said:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_clicks_types_chooses_and_waits_for_what_comes_later() {
    let page = r#"<button onclick="fetch('/later').then(a => a.text()).then(t => late.innerHTML = t)">Fetch it</button>
        <button hidden>Fetch</button><button onclick="this.remove()" id="gone">Fetch  it
        not</button><div id="late"></div><input id="in" value="old"><select id="list"><option value="a">First</option>
        <option value="b">Second</option></select><script>onkeydown = (e) => document.title += e.key</script>"#;
    let origin = serve(&[("/", page), ("/later", "<p class=new data-is='so'>It came</p>")]).await;
    let browser = Browser::open().await;
    browser.goto(&origin).await;
    assert_eq!(browser.url().await, format!("{origin}/"));
    browser.click_text("button", "Fetch").await;
    browser.wait_for("p.new").await;
    browser.wait_for_text("It came").await;
    assert_eq!((browser.text(".new").await.as_str(), browser.count("p").await), ("It came", 1));
    assert_eq!(browser.attr(".new", "data-is").await.as_deref(), Some("so"));
    browser.click_text("button", "Fetch it not").await;
    browser.wait_gone("#gone").await;
    browser.press("t").await;
    browser.press(Key::Escape).await;
    browser.wait_until("document.title === 'tEscape'").await;
    browser.fill("#in", "new").await;
    assert_eq!(browser.eval("document.getElementById('in').value").await, "new");
    for (option, value) in [("Second", "b"), ("a", "a")] {
        browser.select("#list", option).await;
        assert_eq!(browser.eval("list.value").await, value);
    }
    browser.click("button").await;
    assert_eq!(browser.eval("Promise.resolve([1, null])").await, json!([1, null]));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_a_page_in_each_size_and_as_its_reader_prefers() {
    let (browser, origin) = at("<div style='height: 3000px'>Long</div><script>document.title = 'ran'</script>").await;
    let folder = tempfile::tempdir().expect("a folder");
    browser.resize(375, 700).await;
    assert_eq!(browser.eval("[innerWidth, innerHeight]").await, json!([375, 700]));
    for (extent, height) in [(Extent::Window, 700..=700), (Extent::Page, 3000..=3100)] {
        let path = folder.path().join("shots/one.png");
        browser.screenshot(&path, extent).await;
        let (wide, high) = size(&path);
        assert!(wide == 375 && height.contains(&high), "{wide} x {high}");
    }
    let prefers = "['(prefers-color-scheme: dark)', '(prefers-reduced-motion)'].map((q) => matchMedia(q).matches)";
    browser.prefer(Theme::Dark, Motion::Full).await;
    assert_eq!(browser.eval(prefers).await, json!([true, false]));
    browser.prefer(Theme::Light, Motion::Reduced).await;
    assert_eq!(browser.eval(prefers).await, json!([false, true]));
    for (scripts, title) in [(Scripts::Off, ""), (Scripts::On, "ran")] {
        browser.scripts(scripts).await;
        browser.goto(&origin).await;
        assert_eq!(browser.eval("document.title").await, title);
        assert_eq!(browser.text("div").await, "Long");
    }
}

/// Width and height of a PNG, from its header.
fn size(path: &Path) -> (u32, u32) {
    let picture = std::fs::read(path).expect("a picture");
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_is_witnessed_even_when_its_page_is_gone() {
    let page = r#"<button onclick="confirm('sure?') || prompt('why?')">Ask</button><img src="data:," onerror="alert('&quot;1')">"#;
    let (browser, origin) = at("<p>alert(1)</p>").await;
    assert_said(&browser.dialogs().await, &[]);
    let other = serve(&[("/", page)]).await;
    browser.goto(&other).await;
    browser.click("button").await;
    browser.goto(&origin).await;
    assert_said(&browser.dialogs().await, &["alert \\\"1", "confirm sure?", "prompt why?"]);
    assert_said(&browser.console_errors().await, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_another_origin_is_witnessed_and_one_that_a_policy_stops_is_an_error() {
    let foreign = serve(&[]).await;
    let policy = r#"<meta http-equiv="Content-Security-Policy" content="img-src 'self'">"#;
    let (browser, origin) = at("<img src='data:,'><img src='/favicon.ico'>").await;
    assert_said(&browser.foreign_requests(&origin).await, &[]);
    let image = format!("document.head.innerHTML = `{policy}`; document.body.innerHTML = '<img src={foreign}/a>'");
    browser.eval(&format!("(() => {{ {image} }})()")).await;
    browser.wait_until("document.querySelector('img').complete").await;
    assert_said(&browser.foreign_requests(&origin).await, &[]);
    assert_said(&browser.console_errors().await, &["Content Security Policy"]);
    browser.goto(&origin).await;
    browser.eval(&format!("fetch('{foreign}/b', {{ mode: 'no-cors' }}).then(() => 1)")).await;
    assert_said(&browser.foreign_requests(&origin).await, &["/b"]);
    let others = browser.foreign_requests(&foreign).await;
    assert!(!others.is_empty() && others.iter().all(|address| address.starts_with(&origin)), "{others:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_page_passes_every_audit_in_both_themes_and_on_a_small_screen() {
    let (browser, _) = at(RIGHT).await;
    for (theme, width) in [(Theme::Light, 1440), (Theme::Dark, 375)] {
        browser.prefer(theme, Motion::Reduced).await;
        browser.resize(width, 800).await;
        assert_said(&browser.contrast().await, &[]);
        assert_said(&browser.names().await, &[]);
        assert_said(&browser.structure().await, &[]);
        assert_said(&browser.overflow().await, &[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_without_contrast_is_found() {
    let (browser, _) = at(r##"<style>body { background: #fff; color: #000 } .dark { background: #111; color: #fff }</style>
        <p style="color: #999">Grey</p><p style="color: #767676">Just enough</p><p style="color: #949494; font-size: 24px">Big</p>
        <p style="color: oklch(0.8 0.1 90)">Amber</p><p class="dark"><span style="opacity: .4">Faded</span></p>
        <p style="color: rgb(0 0 0 / .3)">Thin</p><div class="dark"><b style="background: rgb(255 255 255 / .9)">Veiled</b></div>
        <p style="background: linear-gradient(90deg, #000, #fff); color: #fff">Gradient</p>
        <svg width="90" height="30"><rect width="90" height="30" fill="#222"/><text y="20" fill="#333">Drawn</text></svg>
        <input placeholder="Hint" style="background: #fff"><style>::placeholder { color: #ccc }</style>"##)
    .await;
    let found =
        ["Grey", "Amber", "Faded", "Thin", "Veiled", "Gradient", "Drawn", "Hint"].map(|text| format!("\"{text}\""));
    assert_said(&browser.contrast().await, &found.each_ref().map(String::as_str));
    // Where no element paints, the window's own colour is behind the text.
    browser.prefer(Theme::Dark, Motion::Full).await;
    browser.eval("document.body.innerHTML = '<p style=\"color: #222\">Night</p>'").await;
    browser.eval("document.body.style.background = 'none'").await;
    assert_said(&browser.contrast().await, &[]);
    browser.eval("document.documentElement.style.colorScheme = 'dark'").await;
    assert_said(&browser.contrast().await, &["\"Night\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_name_is_found() {
    let (browser, _) = at(r#"<button id="a"><svg></svg></button><a id="b" href="/"></a><input id="c"><select id="d"></select>
        <textarea id="e"></textarea><details><summary id="f"></summary></details><svg role="img" id="g" width="9" height="9"></svg>
        <dialog id="h" open>Hm</dialog><table id="i"><tr><th>1</th></tr></table><nav id="j"></nav><img id="k" src="/a.png">
        <a>No link</a><label>Name <input id="l"></label><button title="Titled"></button>"#)
    .await;
    let found = ('a'..='k').map(|id| format!("id=\"{id}\"")).collect::<Vec<_>>();
    assert_said(&browser.names().await, &found.iter().map(String::as_str).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_out_of_order_is_found() {
    let (browser, _) = at(r#"<a href="/">Home</a><h1>A</h1><h1>B</h1><h3>Deep</h3><main></main><main></main><i id="x"></i>
        <i id="x" aria-labelledby="nothing"></i><label for="nowhere">Of none</label><table><tr><th>Head</th></tr></table>"#)
    .await;
    let wanted = [
        "no language",
        "no title",
        "2 h1",
        "\"Deep\" is h3 after h1",
        "2 main",
        "no skip link",
        "\"x\" is there 2 times",
        "\"Of none\" is of no control",
        "#nothing, which is not there",
        "neither a caption nor a label",
        "\"Head\" of a table has no scope",
    ];
    assert_said(&browser.structure().await, &wanted);
    browser.eval("document.querySelector('a').setAttribute('href', '#lost')").await;
    assert!(browser.structure().await.iter().any(|said| said.contains("leads to #lost")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wider_than_the_window_is_found() {
    let (browser, _) =
        at("<p id=fits>Fits</p><div id=outer style='width: 900px'><div id=wide style='width: 800px'>Wide</div></div>")
            .await;
    assert_said(&browser.overflow().await, &[]);
    browser.resize(375, 700).await;
    assert_said(&browser.overflow().await, &["id=\"wide\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_browser_that_is_dropped_or_whose_test_panics_nothing_is_left() {
    let browser = Browser::open().await;
    let (group, home) = (browser.group(), browser.home().to_owned());
    assert!(left(group, &home) > 3 && home.exists());
    drop(browser);
    assert_eq!((left(group, &home), home.exists()), (0, false));

    let (tell, told) = tokio::sync::oneshot::channel();
    let panicked = tokio::spawn(async move {
        let browser = Browser::open().await;
        tell.send((browser.group(), browser.home().to_owned())).expect("somebody who hears it");
        browser.eval("nothing.at.all").await;
    });
    let (group, home) = told.await.expect("a browser");
    assert!(panicked.await.expect_err("a panic").is_panic());
    assert_eq!((left(group, &home), home.exists()), (0, false));
}

/// How many processes live in a group, or have a folder in what they were started with.
fn left(group: u32, home: &Path) -> usize {
    let home = home.to_str().expect("a plain path");
    let asked: [&[&str]; 2] = [&["--runstates", "R,S,D", "--pgroup", &group.to_string()], &["--full", "--", home]];
    asked
        .into_iter()
        .map(|words| {
            let told = Command::new("pgrep").args(words).output().expect("pgrep");
            String::from_utf8_lossy(&told.stdout).lines().count()
        })
        .sum()
}
