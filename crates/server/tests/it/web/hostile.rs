//! What comes from outside is text on every page, whatever it holds: sixty ways to make it more than that, in every text there
//! is, in a real browser. Nothing of it runs, asks, or is loaded from elsewhere.

use std::collections::BTreeSet;

use domain::agent::Role;
use domain::gap::Sighting;
use domain::job::{Payload, Pointer, Register, Status};
use domain::time::Span;
use harness::browser::Browser;
use harness::{World, call, keyed};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use plane::job::{Claim, Claimed, Completion, Upsert};
use serde_json::json;

use super::pages::job;
use crate::pipeline::Yard;

/// Sixty ways. `EVIL` is another origin.
const VECTORS: [&str; 60] = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=http://EVIL/x.js></script>",
    "<script/src=http://EVIL/x.js>",
    "<script>alert(1)//",
    "<<script>alert(1);//<</script>",
    "</script><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</select><script>alert(1)</script>",
    "</noscript><script>alert(1)</script>",
    "</template><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<img src=x onerror=alert(1)>",
    "<img src=http://EVIL/p.png>",
    "<img srcset='http://EVIL/p.png 1x'>",
    "<img src=`javascript:alert(1)`>",
    "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\">",
    "\"><img src=x onerror=alert(1)>",
    "'><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)\" autofocus onfocus=\"alert(1)",
    "' onmouseover='alert(1)' autofocus onfocus='alert(1)",
    "` onmouseover=alert(1) autofocus onfocus=alert(1) `",
    " onload=alert(1) x=",
    "/><svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:alert(1)><text y=20>x</text></a></svg>",
    "<svg><use href='http://EVIL/x.svg#a'/></svg>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></foreignObject></svg>",
    "<math><mi xlink:href=javascript:alert(1)>x</mi></math>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src=http://EVIL/></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=http://EVIL/x.swf>",
    "<base href=http://EVIL/>",
    "<link rel=stylesheet href=http://EVIL/x.css>",
    "<link rel=prefetch href=http://EVIL/x>",
    "<meta http-equiv=refresh content='0;url=http://EVIL/'>",
    "<style>@import 'http://EVIL/x.css';</style>",
    "<style>body{background:url(http://EVIL/p.png)}</style>",
    "<div style=background:url(http://EVIL/p.png)>x</div>",
    "<form action=http://EVIL/><input name=a autofocus onfocus=alert(1)></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<input type=image src=http://EVIL/p.png>",
    "<video poster=http://EVIL/p.png><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;&#60;img src=x onerror=alert(1)&#62;",
    "{{constructor.constructor('alert(1)')()}}${alert(1)}<%= alert(1) %>",
    "%3Cscript%3Ealert(1)%3C/script%3E\\u003cscript\\u003ealert(1)",
    "<scr\u{200b}ipt>alert(1)</scr\u{200b}ipt>\u{202e}<img src=x onerror=alert(1)>",
];

/// A vector that leads to another origin.
fn vector(at: usize, evil: &str) -> String {
    VECTORS[at].replace("EVIL", evil)
}

/// The same as a name, which holds nothing that cannot be seen.
fn name(at: usize, evil: &str) -> String {
    let text: String = vector(at, evil).chars().filter(|c| !domain::untrusted::is_hidden(*c)).collect();
    format!("{at:02} {text}")
}

/// A part of all vectors, as large as a text with a bound may be; there are as many parts as it takes.
fn part(at: usize, chars: usize, evil: &str) -> String {
    let mut parts = vec![String::new()];
    // A line of plain text, as some bounds want it.
    for text in (0..VECTORS.len()).map(|at| name(at, evil)) {
        let last = parts.last_mut().expect("a part");
        if last.chars().count() + text.chars().count() < chars {
            last.push_str(&text);
        } else {
            parts.push(text);
        }
    }
    parts[at % parts.len()].clone()
}

/// Puts every vector into whatever agents and people say over the plane.
async fn speak(plane: &plane::Plane, evil: &str) {
    let by = call(Role::Operator, "o", "exam");
    for at in 0..VECTORS.len() {
        let (text, name) = (vector(at, evil), name(at, evil));
        let all = format!("{}{text}", part(0, usize::MAX, evil));
        let agent = call(Role::Routine, &name, "exam");
        let payload = Payload::new(&json!({&text: [&all]})).expect("a payload");
        let new = Register { payload: Some(payload), created_by: name.clone(), ..job(&name, &name, 0) };
        plane.register_job(&by, new, Upsert::Never).await.expect("a job");
        plane.trigger_job(&by, &name).await.expect("triggered");
        plane.acquire_lock(&agent, &name, &name, Span::hours(2)).await.expect("a lock");
        let wish = || Claim { holder: name.clone(), ttl: Span::mins(30), kind: None, name: Some(name.clone()) };
        let Claimed::Job(held) = plane.claim_job(&agent, wish()).await.expect("an answer") else {
            panic!("not claimed")
        };
        let domain::job::State::Held(claim) = held.state else { panic!("not held") };
        let report = |kind: &str| Sighting {
            reason: part(at, 1_900, evil),
            area: Some("src".into()),
            ..Sighting::named("mcp-tool", kind)
        };
        let gap = format!("gap-{at}");
        plane.report_gap(&keyed(&agent, &gap, &gap), report(&gap)).await.expect("reported");
        plane.check_in(&agent, &name, domain::check_in::Phase::Start).await.expect("checked in");
        match at % 3 {
            0 => {
                plane
                    .ask_operator(&agent, &claim.id, &part(at / 3, 900, evil), vec![name.clone(), format!("{name}2")])
                    .await
                    .expect("asked");
            }
            1 => {
                let end = Completion {
                    name: name.clone(),
                    at: Pointer::Claim(claim.id.clone()),
                    status: Status::parse(&format!("error: {name}")).expect("a status"),
                    summary: Some(all.clone()),
                    gaps: Vec::new(),
                };
                plane.complete_job(&agent, end).await.expect("an answer").expect("completed");
            }
            _ => {
                plane
                    .renew_job(&agent, &claim.id, Span::mins(30), Some(&name))
                    .await
                    .expect("an answer")
                    .expect("renewed");
            }
        }
        if at < 20 {
            let reason = format!("{text} is the reason");
            plane.wontfix_gap(&by, &format!("mcp-tool/{gap}"), &reason).await.expect("left");
            let kind = format!("kind:{name}");
            plane.turn_off(&by, domain::switch::Scope::parse(&kind).expect("a scope"), &reason).await.expect("off");
        }
    }
}

/// Every page that shows any of it, the next pages of its lists included.
async fn pages(browser: &Browser, url: &str, seen: &mut BTreeSet<String>) {
    let mut open: Vec<String> = [
        "",
        "queue",
        "queue?state=held",
        "pipeline?state=all",
        "locks",
        "gaps?state=all",
        "gaps/inventory",
        "gaps/alike",
        "evidence",
        "schedules",
        "decisions?state=all",
        "audit",
        "agents?tokens=all",
        "settings",
    ]
    .iter()
    .map(|path| format!("{url}/{path}"))
    .collect();
    let mut of_a_kind = std::collections::BTreeMap::<String, usize>::new();
    while let Some(page) = open.pop() {
        if !seen.insert(page.clone()) {
            continue;
        }
        browser.goto(&page).await;
        let links = browser.eval("[...document.querySelectorAll('main a[href]')].map(a => a.href)").await;
        for link in links.as_array().into_iter().flatten().filter_map(|link| link.as_str()) {
            let Some(path) = link.strip_prefix(&format!("{url}/")) else { continue };
            let kind: String =
                path.split(['/', '?']).take(2).map(|part| part.chars().take(4).collect::<String>()).collect();
            let kind = if path.contains("cursor=") {
                format!("{kind} next")
            } else {
                path.split(['/', '?']).next().unwrap_or_default().to_owned()
            };
            // A page of one thing shows all of them at once, a list each by itself: all of its pages are looked at.
            let so_far = of_a_kind.entry(kind).or_default();
            let enough = if path.contains("cursor=") { 70 } else { 12 };
            if *so_far < enough && !path.starts_with("audit/export") && !path.contains("doctor=") && !link.contains('#')
            {
                *so_far += 1;
                open.push(link.to_owned());
            }
        }
    }
}

/// The same vectors in addresses, which anybody may send to somebody who is signed in.
async fn by_address(browser: &Browser, url: &str, evil: &str) {
    for at in 0..VECTORS.len() {
        let text = utf8_percent_encode(&vector(at, evil), NON_ALPHANUMERIC).to_string();
        let address = match at % 6 {
            0 => format!("queue?name={text}&kind={text}"),
            1 => format!("audit?object={text}&principal={text}&tool={text}"),
            2 => format!("act/switch-off?scope={text}&reason={text}&back={text}"),
            3 => format!("jobs/{text}"),
            4 => format!("locks?prefix={text}&cursor={text}"),
            _ => format!("{text}?state={text}&back={text}"),
        };
        browser.goto(&format!("{url}/{address}")).await;
        browser.wait_for("main").await;
    }
}

/// The same arriving on a page that is open.
async fn alive(browser: &Browser, yard: &Yard<'_>, evil: &str) {
    browser.goto(&format!("{}/locks", yard.asked.url)).await;
    browser.wait_for("html[data-live=on]").await;
    for at in 0..VECTORS.len() {
        let key = format!("live {}", name(at, evil));
        yard.plane
            .acquire_lock(&call(Role::Routine, "late", "exam"), &key, &key, Span::secs(30))
            .await
            .expect("a lock");
    }
    browser
        .wait_until("document.querySelector('#locks').textContent.includes('live 15 <img src=x onerror=alert(1)>')")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_from_outside_is_text_on_every_page() {
    let world = World::new(harness::On::Sqlite).await;
    let evil = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("another origin");
    let evil = evil.local_addr().expect("an address").to_string();
    let yard = Yard::with_a_page(&world).await;
    yard.passes_through(|at| name(at, &evil), VECTORS.len()).await;
    speak(&yard.plane, &evil).await;
    let token = yard.asked.token(Role::Operator, "ann").await;

    let browser = Browser::open().await;
    browser.goto(&yard.asked.url).await;
    browser.fill("input[name=token]", &token).await;
    browser.click_text("button", "Sign in").await;
    browser.wait_for("#needs").await;
    let mut seen = BTreeSet::new();
    pages(&browser, &yard.asked.url, &mut seen).await;
    assert!(seen.len() > 70, "only {} pages were seen", seen.len());
    for room in ["jobs/", "runs/", "pulls/", "gaps/one/", "issues/", "act/", "audit?"] {
        assert!(seen.iter().any(|page| page.contains(room)), "no page of {room} was seen: {seen:?}");
    }
    by_address(&browser, &yard.asked.url, &evil).await;
    alive(&browser, &yard, &evil).await;
    assert_eq!(browser.dialogs().await, Vec::<String>::new(), "something ran");
    assert_eq!(browser.foreign_requests(&yard.asked.url).await, Vec::<String>::new(), "something was asked elsewhere");
    // That a page is refused is told there too.
    let refused = |said: &String| said.contains("status of 404") || said.contains("status of 400");
    let errors: Vec<_> = browser.console_errors().await.into_iter().filter(|said| !refused(said)).collect();
    assert_eq!(errors, Vec::<String>::new(), "something tried");
    // They are there, as what they are.
    browser.goto(&format!("{}/queue?name=15", yard.asked.url)).await;
    assert!(browser.text("#jobs").await.contains("<img src=x onerror=alert(1)>"));
}
