use std::sync::LazyLock;

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

use super::*;

fn listing(touched: &[(&str, Mode)]) -> Listing {
    let touched = touched.iter().map(|(path, mode)| Touched { path: (*path).to_owned(), mode: *mode });
    Listing { touched: touched.collect(), complete: true }
}

/// In a word: `-`, `visual`, `protected` or `both`.
fn word(listing: &Listing, policy: &Policy) -> &'static str {
    let classified = classify(listing, policy);
    match (classified.is_visual(), classified.is_protected()) {
        (false, false) => "-",
        (true, false) => "visual",
        (false, true) => "protected",
        (true, true) => "both",
    }
}

fn check(path: &str, mode: Mode, expect: &str) {
    let classified = classify(&listing(&[(path, mode)]), &Policy::default());
    assert_eq!(word(&listing(&[(path, mode)]), &Policy::default()), expect, "{path:?} {mode:?}: {classified:?}");
}

#[test]
fn a_path_shows_unless_it_is_known_not_to() {
    for (path, expect) in [
        ("crates/plane/src/act.rs", "-"),
        ("main.go", "-"),
        ("projects/monolith/app/db.py", "-"),
        ("migrations/0001_begin.sql", "-"),
        ("README.md", "-"),
        ("docs/reference/gaps.md", "-"),
        ("crates/domain/Cargo.toml", "-"),
        ("requirements-dev.txt", "-"),
        ("charts/agent/templates-of-none/x-network-policy.yaml", "-"),
        ("BUILD.bazel", "-"),
        // Unknown endings, and none.
        ("src/main.ts", "visual"),
        ("src/main.test.ts", "visual"),
        ("index.html", "visual"),
        ("a.css", "visual"),
        ("logo.svg", "visual"),
        ("logo.png", "visual"),
        ("config.toml", "visual"),
        ("values.yaml", "visual"),
        ("page.mdx", "visual"),
        ("package.json", "visual"),
        ("a.rs.html", "visual"),
        ("a.unheard-of", "visual"),
        ("a", "visual"),
        ("rs", "visual"),
        ("src/a.rs/b", "visual"),
        // Where things are kept that show, whatever the ending.
        ("projects/agent_platform/sandbox-frontend/main.rs", "visual"),
        ("projects/websites/blog/build.py", "visual"),
        ("dashboards/gaps.py", "visual"),
        ("deploy/gaps-dashboard.py", "visual"),
        ("deploy/grafana/main.go", "visual"),
        ("crates/server/templates/page.rs", "visual"),
        ("crates/x/src/ui/mod.rs", "visual"),
        ("site/content/post.md", "visual"),
        // In other letters.
        ("src/MAIN.RS", "visual"),
        ("crates/server/Templates/page.rs", "visual"),
        ("PROJECTS/WebSites/build.py", "visual"),
        ("crates/x/src/\u{ff35}\u{ff29}/mod.rs", "visual"),
        ("caf\u{e9}.rs", "visual"),
        ("cafe\u{301}.rs", "visual"),
        ("m\u{430}in.rs", "visual"),
        ("main.r\u{17f}", "visual"),
        ("\u{212a}.rs", "visual"),
    ] {
        check(path, Mode::File, expect);
        check(path, Mode::Executable, expect);
        check(path, Mode::Absent, expect);
    }
}

#[test]
fn what_agents_are_governed_by_is_protected_in_every_spelling() {
    for (path, expect) in [
        (".gapwright/policy.toml", "both"),
        (".github/workflows/ci.yml", "both"),
        (".GitHub/workflows/ci.yml", "both"),
        (".github/README.md", "protected"),
        (".ci/run", "both"),
        (".claude/settings.json", "both"),
        ("crates/x/.claude/commands/a.md", "protected"),
        (".claude-plugin/marketplace.json", "both"),
        (".mcp.json", "both"),
        ("CLAUDE.md", "protected"),
        ("Claude.md", "protected"),
        ("docs/claude.MD", "both"),
        ("\u{ff23}LAUDE.md", "both"),
        ("AGENT\u{17f}.md", "both"),
        ("crates/x/AGENTS.md", "protected"),
        ("plugin/skills/report-gap/SKILL.md", "protected"),
        ("plugin/prompts/implementer.py", "protected"),
        ("crates/server/prompts/reviewer.md", "protected"),
        ("CODEOWNERS", "both"),
        ("docs/CODEOWNERS", "both"),
        (".gitattributes", "both"),
        ("crates/x/.gitattributes", "both"),
        (".gitmodules", "both"),
        (".gitignore", "both"),
        (".githooks/pre-commit.sh", "protected"),
        (".husky/pre-commit", "both"),
        (".anything/a.rs", "protected"),
        (".env", "both"),
        ("crates/x/.sqlx/query.rs", "protected"),
        ("plugin", "visual"),
        ("crates/plugin/src/lib.rs", "-"),
    ] {
        check(path, Mode::File, expect);
    }
}

#[test]
fn a_path_that_may_name_another_file_goes_to_a_person() {
    let long = format!("{}.rs", "a".repeat(PATH_BYTES_MAX));
    for path in [
        "",
        "/",
        "/etc/a.rs",
        "a//b.rs",
        "a/",
        "./a.rs",
        "a/../b.rs",
        "..",
        "a\\b.rs",
        "C:a.rs",
        "a\u{ff1a}b.rs",
        "a.rs::$DATA",
        "a\0.rs",
        "a\n.rs",
        "a\u{1b}[31m.rs",
        ".git/hooks/a.rs",
        "a/.GIT/config.rs",
        ".git /a.rs",
        ".git./a.rs",
        "git~1/a.rs",
        "GIT~2/a.rs",
        "CLAUDE~1.md",
        ".g\u{200c}it/a.rs",
        "\u{ff0e}git/a.rs",
        "a./b.rs",
        "a /b.rs",
        "a.rs ",
        "a.rs.",
        "a\u{202e}sr.rs",
        "a\u{200b}.rs",
        "a\u{ad}.rs",
        "a\u{feff}.rs",
        "a\u{e0041}.rs",
        "a\u{fe0f}.rs",
        "a\u{2028}.rs",
        &long,
        &["a"; SEGMENTS_MAX + 1].join("/"),
    ] {
        check(path, Mode::File, "both");
        check(path, Mode::Absent, "both");
    }
}

#[test]
fn links_and_submodules_go_to_a_person_and_an_unknown_mode_shows() {
    check("a.rs", Mode::Link, "both");
    check("a.rs", Mode::Submodule, "both");
    check("a.rs", Mode::Unknown, "visual");
    check("CLAUDE.md", Mode::Unknown, "both");
}

#[test]
fn a_list_that_is_not_whole_goes_to_a_person() {
    let record = |at| format!(":100644 100644 0a 0b M\0f{at}.rs\0");
    let raw = |count| (0..count).map(record).collect::<Vec<_>>().concat();
    assert_eq!(word(&Listing::from_raw(raw(FILES_MAX).as_bytes()), &Policy::default()), "-");
    assert_eq!(word(&Listing::from_raw(raw(FILES_MAX + 1).as_bytes()), &Policy::default()), "both");
    let file = File { path: "a.rs", previous: None, modes: Some((Mode::File, Mode::File)) };
    for (count, complete, expect) in
        [(1, true, "-"), (FILES_MAX, true, "-"), (FILES_MAX + 1, true, "both"), (1, false, "both"), (0, true, "both")]
    {
        let listing = Listing::from_files(std::iter::repeat_n(file, count), complete);
        assert_eq!(word(&listing, &Policy::default()), expect, "{count} {complete}");
    }
}

#[test]
fn the_old_side_of_a_rename_counts() {
    let file = |previous, modes| File { path: "docs/big.md", previous, modes };
    let plain = Some((Mode::File, Mode::File));
    for (file, expect) in [
        (file(None, plain), "-"),
        (file(Some("docs/small.md"), plain), "-"),
        (file(Some("ui/web/big.css"), plain), "visual"),
        (file(Some("CLAUDE.md"), plain), "protected"),
        (file(Some("docs/small.md"), Some((Mode::Link, Mode::File))), "both"),
        (file(None, Some((Mode::File, Mode::Link))), "both"),
        (file(None, Some((Mode::Absent, Mode::File))), "-"),
        (file(None, None), "visual"),
    ] {
        assert_eq!(word(&Listing::from_files([file], true), &Policy::default()), expect, "{file:?}");
    }
}

#[test]
fn reasons_are_told_sorted_once_each_and_bounded() {
    let mut paths: Vec<_> = (0..50).map(|at| format!("a{at:02}.css")).collect();
    paths.reverse();
    let touched: Vec<_> = paths.iter().chain(&paths).map(|path| (path.as_str(), Mode::File)).collect();
    let visual = classify(&listing(&touched), &Policy::default()).visual;
    assert_eq!((visual.count, visual.first.len(), visual.first[0].path.as_str()), (50, REASONS_MAX, "a00.css"));
    let told = |listing: &Listing| classify(listing, &Policy::default()).visual.first[0].to_string();
    assert_eq!(told(&listing(&[("a\n.rs", Mode::File)])), r#""a\n.rs": its path has a character that cannot be seen"#);
    assert_eq!(told(&Listing::from_raw(b"")), "the list of files was cut, is empty or cannot be read");
}

/// Paths, of which many show, many do not and many are odd.
fn paths() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "crates",
            "ui",
            "websites",
            "docs",
            "main.rs",
            "README.md",
            "CLAUDE.md",
            ".github",
            "a.css",
            "caf\u{e9}",
            "\u{212a}",
            "\u{17f}",
            "\u{df}",
            "\u{130}",
            "\u{fb01}",
            ".git",
            "..",
            "",
            "\u{1e9b}\u{323}.rs",
            "views.py",
            "x-frontend",
            "Cargo.toml",
            "cargo.TOML",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
        "[a-zA-Z.]{1,8}",
    ];
    proptest::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![
        Mode::File,
        Mode::File,
        Mode::Executable,
        Mode::Absent,
        Mode::Link,
        Mode::Submodule,
        Mode::Unknown,
    ])
}

static DEFAULT: LazyLock<Policy> = LazyLock::new(Policy::default);
static PLAIN: LazyLock<Policy> = LazyLock::new(in_plain_letters);

/// The default policy without its capitals.
fn in_plain_letters() -> Policy {
    let of = |groups: &[Group], mark: &str| {
        let all = groups.iter().flat_map(|group| group.patterns);
        all.map(|pattern| format!("{mark}{}", path::fold(pattern))).collect::<Vec<_>>()
    };
    let lists = [of(&NON_VISUAL, ""), of(&SHOWN, "!")].concat();
    Policy::parse(&format!("visual.non_visual = {lists:?}")).expect("a policy")
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_any_list_is_classified(bytes: Vec<u8>, path in paths()) {
        let mut raw = format!(":100644 120000 0a 0b T\0{path}\0").into_bytes();
        raw.extend(&bytes);
        for raw in [&bytes, &raw] {
            let listing = Listing::from_raw(raw);
            let classified = classify(&listing, &DEFAULT);
            prop_assert!(listing.complete || (classified.is_visual() && classified.is_protected()));
        }
        let _ = String::from_utf8(bytes).map(|text| (Policy::parse(&text), Pattern::parse(&text)));
    }

    #[test]
    fn a_list_is_read_back_as_it_was_written(files in proptest::collection::vec((paths(), modes(), modes()), 1..5)) {
        let digits = |mode| match mode {
            Mode::File => "100644",
            Mode::Executable => "100755",
            Mode::Link => "120000",
            Mode::Submodule => "160000",
            Mode::Absent => "000000",
            Mode::Unknown => "100600",
        };
        let files: Vec<_> = files.into_iter().filter(|(path, ..)| !path.is_empty() && !path.contains('\0')).collect();
        let record = |(path, a, b): &(String, Mode, Mode)| format!(":{} {} 0a 0b M\0{path}\0", digits(*a), digits(*b));
        let raw = files.iter().map(record).collect::<Vec<_>>().concat();
        let listed = files.iter().map(|(path, a, b)| File { path, previous: None, modes: Some((*a, *b)) });
        prop_assert_eq!(Listing::from_raw(raw.as_bytes()), Listing::from_files(listed, true));
    }

    /// What shows in plain letters, held against lists in plain letters, shows in any others.
    #[test]
    fn no_spelling_of_a_path_hides_it(path in paths(), swaps: u64) {
        let swapped: String = path
            .chars()
            .enumerate()
            .flat_map(|(at, c)| if swaps >> (at % 64) & 1 == 1 { c.to_uppercase().collect::<Vec<_>>() } else { vec![c] })
            .collect();
        let plain = classify(&listing(&[(&path::fold(&path), Mode::File)]), &PLAIN);
        let others: [String; 6] = [
            path.nfc().collect(), path.nfd().collect(), path.nfkc().collect(), swapped.nfd().collect(), path.to_lowercase(), swapped,
        ];
        for other in others {
            let again = classify(&listing(&[(&other, Mode::File)]), &DEFAULT);
            prop_assert!(again.is_visual() || !plain.is_visual(), "{:?} of {:?}", other, path);
            prop_assert!(again.is_protected() || !plain.is_protected(), "{:?} of {:?}", other, path);
        }
    }

    #[test]
    fn more_in_a_list_is_never_less_to_look_at(
        files in proptest::collection::vec((paths(), modes()), 0..6), more in (paths(), modes()), complete: bool, at: usize,
    ) {
        let touched: Vec<_> = files.into_iter().map(|(path, mode)| Touched { path, mode }).collect();
        let before = Listing { touched, complete };
        let mut after = before.clone();
        after.touched.insert(at % (before.touched.len() + 1), Touched { path: more.0, mode: more.1 });
        let (before, after) = (classify(&before, &DEFAULT), classify(&after, &DEFAULT));
        prop_assert!(after.visual.count >= before.visual.count && after.protected.count >= before.protected.count);
    }

    /// What is let by is plain: ASCII, a file, and on the list as it is spelled.
    #[test]
    fn only_what_is_plain_is_let_by(path in paths(), mode in modes()) {
        if !classify(&listing(&[(&path, mode)]), &DEFAULT).is_visual() {
            prop_assert!(path.is_ascii() && !path.contains(['\\', ':', '\0']) && !path.split('/').any(|s| s.is_empty() || s == ".."));
            prop_assert!(matches!(mode, Mode::File | Mode::Executable | Mode::Absent));
            prop_assert!(path.chars().all(|c| !c.is_control()));
        }
    }
}
